"""An entry of the lists tells what it met."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.gateway import Running

SENDER = "liaison@mission.example"


def _mail(author: str) -> bytes:
    return f"From: {author}\r\nTo: desk@police.example\r\nMessage-ID: <{author}>\r\n\r\nHello.\r\n.\r\n".encode()


async def test_a_recorded_message_counts_for_the_entries_that_it_met_and_once(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], _mail(SENDER))
    await gateway.send(SENDER, ["desk@police.example"], _mail(SENDER))
    await gateway.send("a@city.example", ["desk@police.example"], _mail("a@city.example"))
    rows = await gateway.desk.listreading.rows()
    assert {row.entry.value: row.hits.recent for row in rows if row.hits.recent} == {"mission.example": 1}
    (case,) = [file.case for file in await gateway.cases()]
    assert next(row.hits.last for row in rows if row.hits.recent) == case.received_at
