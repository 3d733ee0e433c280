"""What monitoring is told of late reports, held mail, the certificate, the disk, the audit chain, and alerts that stand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.monitoring import scrape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.certificates import Certificate
    from tests.support.gateway import Running
    from tests.support.monitoring import Numbers
    from tests.support.passage import Passage

LISTED = b"From: liaison@mission.example\r\nTo: desk@police.example\r\nSubject: Request\r\n\r\nPlease send it.\r\n"


async def until(gateway: Running, condition: Callable[[Numbers], bool]) -> Numbers:
    async with asyncio.timeout(20):
        while not condition(numbers := await scrape(gateway.metrics)):
            await asyncio.sleep(0.1)
    return numbers


async def test_the_age_of_what_is_late_and_the_chain_are_told(gateway: Running) -> None:
    """The first question comes after the mail: what is asked of the record is up to five seconds old."""
    gateway.smarthost.script = lambda stage, _: "451 4.7.1 later" if stage.startswith("MAIL") else None
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    numbers = await until(gateway, lambda seen: seen.has("liaison_audit_chain_intact"))
    assert numbers("liaison_audit_chain_intact") == 1
    assert 0 < numbers("liaison_report_oldest_unaccepted_seconds") < 60
    assert 0 < numbers("liaison_held_oldest_undecided_seconds") < 60
    assert numbers("liaison_alerts_standing", alert="report-overdue") == 0
    assert not numbers.has("liaison_smtp_certificate_expiry_timestamp_seconds")
    on_sqlite = gateway.settings.store.url.startswith("sqlite")
    assert numbers.has("liaison_store_disk_free_bytes") == on_sqlite


async def test_the_end_of_the_certificate_follows_a_reload(passage: Passage, localhost: Certificate) -> None:
    gateway = await passage.open()
    name = "liaison_smtp_certificate_expiry_timestamp_seconds"
    assert not (await scrape(gateway.metrics)).has(name)
    smtp = replace(gateway.settings.smtp, tls_certificate=localhost.certificate, tls_key=localhost.key)
    gateway.service.obey(replace(gateway.settings, smtp=smtp))
    assert 3_400_000_000 < (await scrape(gateway.metrics))(name) < 3_600_000_000
