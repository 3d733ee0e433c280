"""A held copy leaves once, however often its release is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.outbox import OutboxState, Purpose
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, a_delivery, a_post, freeze, record

if TYPE_CHECKING:
    from gateway.desk import Desk
    from gateway.model.outbox import OutboxItem

FIRST, ALICE = "LG-TEST-0001", "console:alice"


async def releases(desk: Desk) -> list[OutboxItem]:
    async with desk.store.reading() as work:
        return [item for item in await work.outbox.list() if item.purpose is Purpose.RELEASE]


async def released_in_vain(desk: Desk) -> None:
    """A case whose one held copy was released, and refused for good by the mail server."""
    async with desk.store.begin() as work:
        await record(work, a_case(number=1), RAW, a_delivery())
    (item,) = await desk.casework.release(FIRST, (), actor=ALICE)
    async with desk.store.begin() as work:
        await work.outbox.claim("w", "n", NOON, NOON.replace(hour=13), 1)
        await freeze(work, item.id, a_post(item))
        await work.outbox.mark_sending(item.id, "w", NOON)
        await work.outbox.settle(item.id, state=OutboxState.FAILED, reply="550 no", attempts=1)


async def test_a_release_that_failed_and_is_asked_for_again_is_the_same_mail_once_more(desk: Desk) -> None:
    """A second mail beside it would leave the first one to be tried again too, and the recipient with two copies."""
    await released_in_vain(desk)
    await desk.casework.release(FIRST, (), actor=ALICE)
    (item,) = await releases(desk)
    assert (item.state, item.last_reply) == (OutboxState.WAITING, f"550 no; once more, asked for by {ALICE}")
    assert await desk.outboxkeeping.retry_failed(actor="console:olga") == []
    async with desk.store.reading() as work:
        rows = [entry.action for entry in await work.audit.entries(subject=FIRST)]
    assert rows.count("release-requested") == 2
