"""The database goes away in the middle of a step, and is soon back, as in a restart or a fail-over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.model.case import DeliveryState
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running

DESK = "desk@police.example"
ASKED = "RCPT TO:<collation@ildc.example>"
"""The last that the smarthost hears before the attempt is committed."""


async def test_a_delivery_is_written_down_when_the_database_is_back_and_the_client_is_told_then(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    on_postgres.next_hop.script = at("content", lambda: postgres.shut(postgres_database))
    sending = asyncio.ensure_future(
        on_postgres.send("attache@flagged.example", [DESK], letter("attache@flagged.example"))
    )
    await on_postgres.next_hop.arrived()
    await asyncio.sleep(1)
    assert not sending.done()
    postgres.reopen(postgres_database)
    await sending
    (file,) = await on_postgres.cases()
    assert [delivery.state for delivery in file.deliveries] == [DeliveryState.RELAYED]


async def test_what_was_about_to_leave_waits_again_and_is_not_left_to_its_lease(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    on_postgres.smarthost.script = at(ASKED, lambda: postgres.shut(postgres_database))
    await on_postgres.send("office@mission.example", [DESK], letter("office@mission.example"))
    async with asyncio.timeout(20):
        while not any(ASKED in link.commands for link in on_postgres.smarthost.links):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    postgres.reopen(postgres_database)
    await waiting_again(on_postgres)
    assert on_postgres.smarthost.messages == []
    (report,) = [item for item in await on_postgres.items() if item.purpose is Purpose.REPORT]
    await on_postgres.desk.outboxkeeping.retry(report.id, actor="test:clerk")
    await on_postgres.smarthost.arrived()


async def waiting_again(gateway: Running) -> None:
    """The report, with the database's trouble as its reason."""
    async with asyncio.timeout(20):
        while True:
            (report,) = [item for item in await gateway.items() if item.purpose is Purpose.REPORT]
            if report.state is OutboxState.WAITING and "database" in report.last_reply:
                return
            await asyncio.sleep(0.05)


def at(stage: str, happens: Callable[[], None]) -> Callable[[str, object], str | None]:
    """A script: at this stage, the first time, this happens; everything is answered as usual."""
    left = [happens]

    def script(reached: str, _link: object) -> str | None:
        if reached == stage and left:
            left.pop()()
        return None

    return script


def letter(sender: str) -> bytes:
    return f"From: {sender}\r\nTo: {DESK}\r\nSubject: a meeting\r\n\r\nWe ask.\r\n".encode()
