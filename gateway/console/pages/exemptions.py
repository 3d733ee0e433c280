"""Exemptions: who of the listed may write, to whom, until when, and who approved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway.console.days import end_of_day
from gateway.console.doors import action, page
from gateway.console.navigation import N_
from gateway.errors import RefusedError
from gateway.model.list_table import ends_soon
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response

    from filters.rulebook import Exemption
    from gateway.console.visit import Visit
    from gateway.model.list_table import EndedExemption

SHOWN_OVER = 100
"""Exemptions that are over, the last ones."""
FIELDS = ("sender", "recipients", "until", "approver", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemptions:
    """The context of `exemptions/list.html`. `typed` is what the form had when it was refused."""

    in_force: tuple[Exemption, ...]
    over: tuple[EndedExemption, ...]
    ending: bool
    """Whether only those are shown that end soon."""
    typed: Mapping[str, str]
    wrong: str
    now: datetime


async def show(visit: Visit) -> Response:
    """What is in force, and what was."""
    return await _page(visit, dict.fromkeys(FIELDS, ""), "")


async def grant(visit: Visit) -> Response:
    """A new one, or the form again with what was wrong."""
    typed = {name: visit.field(name, 100_000) for name in FIELDS}
    try:
        typed = {name: visit.whole(name, 2000) for name in FIELDS}
        exemption = await visit.office.exempting.grant(
            typed["sender"],
            tuple(typed["recipients"].replace(",", " ").split()),
            until=end_of_day(typed["until"]),
            approver=typed["approver"],
            reason=typed["reason"],
            actor=visit.actor,
        )
    except RefusedError as error:
        return await _page(visit, typed, visit.words.say(error.sentence))
    return await visit.go("/exemptions", done=exempted(visit, exemption))


async def end(visit: Visit) -> Response:
    """Before its date."""
    left = await visit.office.exempting.end(visit.part("id"), actor=visit.actor)
    return await visit.go("/exemptions", done=Sentence(ENDED_ONE, left=left) if left else ENDED)


async def _page(visit: Visit, typed: Mapping[str, str], wrong: str) -> Response:
    ending, now = visit.query("ending") != "", visit.office.clock.now()
    in_force = await visit.office.exempting.in_force()
    context = Exemptions(
        in_force=tuple(one for one in in_force if not ending or ends_soon(one, now)),
        over=tuple(await visit.office.exempting.over(SHOWN_OVER)),
        ending=ending,
        typed=typed,
        wrong=wrong,
        now=now,
    )
    return await visit.show("exemptions/list.html", context, status=400 if wrong else 200)


def exempted(visit: Visit, exemption: Exemption) -> Sentence:
    """What was granted."""
    until = visit.words.day(exemption.last_day)
    return Sentence("{sender} is exempt until {until}.", sender=exemption.sender, until=until)


ENDED_ONE = N_("The exemption has ended. Others of this sender that are still in force: {left}.")
ENDED = N_("The exemption has ended: from now on the policy holds for this sender.")

ROUTES = [
    page("/exemptions", show, Verb.SEE_EXEMPTIONS),
    action("/exemptions", grant, Verb.EXEMPT),
    action("/exemptions/{id}/end", end, Verb.EXEMPT),
]
