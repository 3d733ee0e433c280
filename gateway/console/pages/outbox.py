"""The outbox: every mail that the gateway writes, how far it is, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from filters.sentence import Sentence
from gateway.console.doors import action, page
from gateway.console.navigation import N_
from gateway.console.numbers import whole_number
from gateway.console.words import ITEM_STATES, PURPOSES
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Verb

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from gateway.console.visit import Visit
    from gateway.model.outbox import OutboxItem
    from gateway.operations.outboxkeeping import OutboxPage as Found


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPage:
    """The context of `outbox/list.html`. `counts` are of every state, whatever the filter."""

    found: Found
    total: int
    counts: tuple[tuple[OutboxState, str, int], ...]
    state: str
    purpose: str
    purposes: tuple[tuple[str, str], ...]
    paused: str
    now: datetime

    def address(self, number: int) -> str:
        """Of another page of the same items."""
        said = {"state": self.state, "purpose": self.purpose, "page": str(number)}
        return f"/outbox?{urlencode({name: value for name, value in said.items() if value})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """The context of `outbox/item.html`: one mail, and what would be done to it."""

    item: OutboxItem


async def show(visit: Visit) -> Response:
    """The items, those that need somebody first."""
    state, purpose = visit.query("state"), visit.query("purpose")
    of_state = OutboxState(state) if state in set(OutboxState) else None
    of_purpose = Purpose(purpose) if purpose in set(Purpose) else None
    number = whole_number(visit.query("page")) or 1
    found = await visit.office.outboxkeeping.page(of_state, of_purpose, number)
    context = OutboxPage(
        found=found,
        total=found.count(of_state, of_purpose),
        counts=tuple((one, ITEM_STATES[one], found.count(one, None)) for one in OutboxState),
        state=of_state or "",
        purpose=of_purpose or "",
        purposes=tuple((one, PURPOSES[one]) for one in Purpose),
        paused=await visit.office.outboxkeeping.paused(),
        now=visit.office.clock.now(),
    )
    return await visit.show("outbox/list.html", context)


async def show_item(visit: Visit) -> Response:
    """One item, with what can be done."""
    item = await visit.office.outboxkeeping.item(visit.part("item"))
    return await visit.show("outbox/item.html", ItemPage(item=item))


async def retry(visit: Visit) -> Response:
    """Try it at once; what may have arrived only if that was confirmed."""
    item = await visit.office.outboxkeeping.retry(
        visit.part("item"), despite_uncertainty=visit.field("despite") == "yes", actor=visit.actor
    )
    if await visit.office.outboxkeeping.paused():
        done = Sentence("{item} is tried again when the outbox is no longer paused.", item=item.id)
    else:
        done = Sentence("{item} is tried again now.", item=item.id)
    return await visit.go("/outbox", done=done)


async def cancel(visit: Visit) -> Response:
    """Never send it."""
    item = await visit.office.outboxkeeping.cancel(visit.part("item"), actor=visit.actor)
    return await visit.go("/outbox", done=Sentence("{item} is cancelled: it is not tried any more.", item=item.id))


async def retry_failed(visit: Visit) -> Response:
    """Everything that failed, once more."""
    items = await visit.office.outboxkeeping.retry_failed(actor=visit.actor)
    return await visit.go("/outbox", done=Sentence("Failed items that are tried again: {number}.", number=len(items)))


async def pause(visit: Visit) -> Response:
    """Nothing leaves."""
    await visit.office.outboxkeeping.pause(visit.whole("reason", 500), actor=visit.actor)
    return await visit.go("/outbox", done=PAUSED)


async def resume(visit: Visit) -> Response:
    """It leaves again."""
    waiting = await visit.office.outboxkeeping.resume(actor=visit.actor)
    return await visit.go("/outbox", done=Sentence("Mail of ours leaves again; waiting: {number}.", number=waiting))


PAUSED = N_("Paused: nothing of ours leaves, on any node, until somebody resumes it.")

ROUTES = [
    page("/outbox", show, Verb.SEE_OUTBOX),
    action("/outbox/retry-failed", retry_failed, Verb.CHANGE_OUTBOX),
    action("/outbox/pause", pause, Verb.CHANGE_OUTBOX),
    action("/outbox/resume", resume, Verb.CHANGE_OUTBOX),
    page("/outbox/{item}", show_item, Verb.SEE_OUTBOX),
    action("/outbox/{item}/retry", retry, Verb.CHANGE_OUTBOX),
    action("/outbox/{item}/cancel", cancel, Verb.CHANGE_OUTBOX),
]
