"""What can be done to one case. Each form is one operation; then the next case that waits is shown.

A form in which something was typed and that is refused is shown again, with every word of it.
Each verb takes the number of the case's last audit row as the person saw it: the second of two people is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.disposition import Tier
from filters.sentence import Sentence
from gateway.console.case_query import CaseQuery, case_address
from gateway.console.days import day_if_said, end_of_day
from gateway.console.doors import NOT_THERE, Trouble, action
from gateway.console.numbers import whole_number
from gateway.console.pages.case import show_with
from gateway.console.pages.case_typed import typed_in
from gateway.console.pages.exemptions import exempted
from gateway.errors import RefusedError
from gateway.model.case_list import CaseOrder
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from gateway.console.pages.case_typed import Typed
    from gateway.console.visit import Visit
    from gateway.model.case_list import CaseFilter

    Handler = Callable[[Visit], Awaitable[Response]]


async def decline(visit: Visit) -> Response:
    """Send the decline and referral."""
    reference, index = visit.part("reference"), visit.office.rulebooks.current.index
    await visit.office.casework.decline(reference, index, actor=visit.actor, expected=visit.expected)
    return await _next(visit, Sentence("{reference}: the decline was asked for.", reference=reference))


async def report(visit: Visit) -> Response:
    """Report it."""
    reference = visit.part("reference")
    await visit.office.casework.report(reference, actor=visit.actor, expected=visit.expected)
    return await _next(visit, Sentence("{reference}: the report was asked for.", reference=reference))


async def release(visit: Visit) -> Response:
    """Deliver held copies to the recipients that were chosen."""
    reference, chosen = visit.part("reference"), visit.fields("recipient")
    if not chosen:
        raise RefusedError("Choose at least one recipient")
    items = await visit.office.casework.release(reference, chosen, actor=visit.actor, expected=visit.expected)
    done = Sentence("{reference}: releases asked for: {number}.", reference=reference, number=len(items))
    return await _next(visit, done)


async def silence(visit: Visit) -> Response:
    """No decline, whoever asks later."""
    reference = visit.part("reference")
    await visit.office.casework.silence(reference, _reason(visit), actor=visit.actor, expected=visit.expected)
    return await _next(visit, Sentence("{reference} is silenced: no decline will be sent.", reference=reference))


async def dismiss(visit: Visit) -> Response:
    """Not a mission."""
    reference = visit.part("reference")
    held = await visit.office.casework.dismiss(reference, _reason(visit), actor=visit.actor, expected=visit.expected)
    return await _next(visit, _closed("{reference} is dismissed.", reference, held))


async def close(visit: Visit) -> Response:
    """Nothing more to do."""
    reference = visit.part("reference")
    held = await visit.office.casework.close(reference, actor=visit.actor, expected=visit.expected)
    return await _next(visit, _closed("{reference} is closed.", reference, held))


async def reopen(visit: Visit) -> Response:
    """Take it up again."""
    reference = visit.part("reference")
    await visit.office.casework.reopen(reference, _reason(visit), actor=visit.actor, expected=visit.expected)
    return await _stay(visit, Sentence("{reference} is open again.", reference=reference))


async def assign(visit: Visit) -> Response:
    """Give it to somebody, or to nobody."""
    reference, person = visit.part("reference"), visit.field("person", 100)
    await visit.office.casework.assign(reference, person, actor=visit.actor, expected=visit.expected)
    if not person:
        return await _stay(visit, Sentence("{reference} is nobody's now.", reference=reference))
    return await _stay(visit, Sentence("{reference} is assigned to {person}.", reference=reference, person=person))


async def note(visit: Visit) -> Response:
    """Write something on it."""
    reference = visit.part("reference")
    await visit.office.casework.note(reference, visit.whole("text", 20_000), actor=visit.actor)
    return await _stay(visit, Sentence("The note stands on {reference}.", reference=reference))


async def amend(visit: Visit) -> Response:
    """Add to the report that has left."""
    reference, tier = visit.part("reference"), visit.field("tier", 20)
    await visit.office.corresponding.amend(
        reference,
        visit.field("addition", 20_000),
        tier=Tier(tier) if tier in set(Tier) else None,
        actor=visit.actor,
        expected=visit.expected,
    )
    return await _stay(visit, Sentence("{reference}: the amendment was asked for.", reference=reference))


async def answer(visit: Visit) -> Response:
    """Record what the collation address answered."""
    reference, today = visit.part("reference"), visit.office.clock.now().astimezone(visit.office.zone).date()
    await visit.office.corresponding.record_answer(
        reference,
        visit.field("answered", 20_000),
        on=day_if_said(visit.field("on", 20)),
        today=today,
        their_reference=visit.field("their_reference", 500),
        actor=visit.actor,
    )
    return await _stay(visit, Sentence("The answer stands on {reference}.", reference=reference))


async def exempt(visit: Visit) -> Response:
    """Let the sender through until a day: to some of the case's recipients, or to everybody."""
    reference, everybody = visit.part("reference"), visit.field("whom", 20) == "everybody"
    recipients = () if everybody else visit.fields("exempt_for")
    if not (everybody or recipients):
        raise RefusedError("Choose at least one recipient, or everybody")
    exemption = await visit.office.exempting.grant_for(
        reference,
        recipients,
        until=end_of_day(visit.field("until", 20)),
        approver=visit.whole("approver", 200),
        reason=_reason(visit),
        actor=visit.actor,
        expected=visit.expected,
    )
    return await _stay(visit, exempted(visit, exemption))


async def hold(visit: Visit) -> Response:
    """Keep it, whatever its retention says."""
    reference, ordered_by = visit.part("reference"), visit.whole("ordered_by", 200)
    await visit.office.holding.place(
        reference, _reason(visit), actor=visit.actor, ordered_by=ordered_by, expected=visit.expected
    )
    return await _stay(visit, Sentence("{reference} is on legal hold.", reference=reference))


async def unhold(visit: Visit) -> Response:
    """Lift one of its holds."""
    reference, number = visit.part("reference"), whole_number(visit.field("hold", 20))
    lifted, left = await visit.office.holding.lift(
        reference, number, _reason(visit), actor=visit.actor, expected=visit.expected
    )
    done = Sentence("{reference}: legal hold {number} is lifted.", reference=reference, number=lifted.number)
    more = Sentence("{done} Legal holds that still stand: {left}.", done=done, left=left)
    return await _stay(visit, more if left else done)


def _closed(template: str, reference: str, held: int) -> Sentence:
    closed = Sentence(template, reference=reference)
    if not held:
        return closed
    return Sentence("{closed} Copies that stay held: {held}.", closed=closed, held=held)


def _reason(visit: Visit) -> str:
    return visit.whole("reason", 1000)


async def _stay(visit: Visit, done: Sentence) -> Response:
    return await visit.go(case_address(visit.part("reference"), _trail(visit)), done=done)


async def _next(visit: Visit, done: Sentence) -> Response:
    """The next open case of the list that the person came from; behind its last, the oldest that needs somebody."""
    trail = _trail(visit)
    order = trail.order if trail else CaseOrder.OLDEST
    following = await visit.office.browsing.next_open(_listed(visit, trail), order, after=visit.part("reference"))
    if following:
        return await visit.go(case_address(following, trail), done=done)
    return await visit.go(trail.address() if trail else "/cases", done=done)


def _trail(visit: Visit) -> CaseQuery | None:
    return CaseQuery.of_trail(visit.field("trail"))


def _listed(visit: Visit, trail: CaseQuery | None) -> CaseFilter | None:
    try:
        return trail.filter(visit.office.zone, visit.office.late) if trail else None
    except RefusedError:
        return None  # a list that was asked for too much shows every case


def _kept(verb: Handler) -> Handler:
    """The verb; refused, its form stands on the page again as it was typed."""

    async def obey(visit: Visit) -> Response:
        try:
            return await verb(visit)
        except RefusedError as error:
            return await _again(visit, typed_in(visit, verb.__name__, error.sentence))

    return obey


async def _again(visit: Visit, typed: Typed) -> Response:
    try:
        return await show_with(visit, typed)
    except RefusedError as error:  # the case was disposed of while its page was open
        return await visit.show("trouble.html", Trouble(NOT_THERE, error.sentence, written=visit.written), status=404)


_ALLOWED = {
    exempt: (Verb.EXEMPT, Verb.SEE_CASES),  # what is done, or refused, says whose case it is
    hold: (Verb.HOLD_CASES,),
    unhold: (Verb.HOLD_CASES,),
}
ROUTES = [
    action(f"/cases/{{reference}}/{verb.__name__}", obeyed, *_ALLOWED.get(verb, (Verb.DECIDE_CASES,)))
    for verb, obeyed in (
        *((verb, verb) for verb in (decline, report, release, close, assign)),
        *((verb, _kept(verb)) for verb in (silence, dismiss, reopen, note, exempt, hold, unhold, amend, answer)),
    )
]
