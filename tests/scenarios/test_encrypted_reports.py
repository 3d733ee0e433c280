"""S/MIME, over the wire: what goes to the collation address can be read there, and nowhere on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Role
from tests.scenarios.test_retraction import field, settled
from tests.support.envelopes import Reader, a_certificate, parsed, pem_of, reader
from tests.support.gateway import running_gateway, write_configuration
from tests.support.signatures import KeyPair, key_pair
from tests.support.visitors import Visitor, account, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.model.outbox import OutboxItem
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

__all__ = ["key_pair", "reader"]

SENDER = "liaison@mission.example"
LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
LARGE = LISTED + b"word word word word\r\n" * 1000
MOST = 24_000
"""Octets: LARGE fits, in its envelope it doesn't."""


@pytest.fixture
async def gateway(
    tmp_path: Path,
    sqlite_url: str,
    next_hop: ScriptedMTA,
    smarthost: ScriptedMTA,
    reader: Reader,
    key_pair: KeyPair,
) -> AsyncIterator[Running]:
    (tmp_path / "ildc.pem").write_bytes(reader.pem)
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url,
        collation=f'smime_certificate = "ildc.pem"\nmax_size = {MOST}', more=key_pair.write(tmp_path),
        console='listen = "127.0.0.1:0"\nsecond_factor = "optional"',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


def with_certificate(gateway: Running, path: Path) -> None:
    """As after a SIGHUP."""
    now = gateway.settings
    gateway.service.obey(replace(now, collation=replace(now.collation, smime_certificate=path)))


async def the_report(gateway: Running) -> OutboxItem:
    return next(item for item in await gateway.items() if item.purpose is Purpose.REPORT)


async def test_report_and_retraction_leave_encrypted_and_signed(
    gateway: Running, reader: Reader, key_pair: KeyPair
) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT)
    reference = (await gateway.cases())[0].case.reference
    await gateway.desk.casework.dismiss(reference, "a resident", actor="test:clerk")
    await settled(gateway, Purpose.RETRACTION)
    report, retraction = (
        one.content for one in gateway.smarthost.messages if one.recipients == ["collation@ildc.example"]
    )
    for content in (report, retraction):
        assert key_pair.verifies(content)
        assert parsed(content)["Subject"] == f"Encrypted message / Message chiffré [{reference}]"
        assert b"mission.example" not in content
    assert LISTED in reader.opens(report)
    assert b"Type of report: withdrawal" in reader.opens(retraction)
    assert field(retraction, "In-Reply-To") == field(report, "Message-ID") != ""


async def test_the_size_that_counts_is_that_of_the_envelope(gateway: Running, reader: Reader) -> None:
    assert len(LARGE) < MOST < len(LARGE) * 4 / 3
    await gateway.send(SENDER, ["desk@police.example"], LARGE)
    await settled(gateway, Purpose.REPORT)
    (report,) = [one.content for one in gateway.smarthost.messages if one.recipients == ["collation@ildc.example"]]
    assert len(report) <= MOST
    assert b"word word" not in reader.opens(report)
    assert b'"attached_as": null' in reader.opens(report)


async def test_with_a_certificate_that_expired_a_report_waits_and_says_so_until_there_is_another(
    gateway: Running, reader: Reader, tmp_path: Path
) -> None:
    (tmp_path / "old.pem").write_bytes(pem_of(a_certificate(reader.private, days=90)))
    with_certificate(gateway, tmp_path / "old.pem")
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    async with asyncio.timeout(20):
        while "expired" not in (await the_report(gateway)).last_reply:
            await asyncio.sleep(0.05)
    waiting = await the_report(gateway)
    assert (waiting.state, waiting.attempts) == (OutboxState.WAITING, 0)
    assert waiting.last_reply == "the S/MIME certificate expired on 2025-04-01"
    with_certificate(gateway, tmp_path / "ildc.pem")
    await settled(gateway, Purpose.REPORT)
    (report,) = [one.content for one in gateway.smarthost.messages if one.recipients == ["collation@ildc.example"]]
    assert LISTED in reader.opens(report)


async def test_a_certificate_that_is_none_leaves_the_old_configuration_in_force(
    gateway: Running, reader: Reader, tmp_path: Path
) -> None:
    (tmp_path / "wrong.pem").write_bytes(b"no certificate")
    with pytest.raises(ConfigurationError, match=r"wrong\.pem holds no certificate"):
        with_certificate(gateway, tmp_path / "wrong.pem")
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT)


async def test_the_console_shows_what_will_be_encrypted_and_of_what_was_the_outside(
    gateway: Running, reader: Reader
) -> None:
    await account(gateway.desk, "anna", (Role.REVIEWER,), "en")
    async with Visitor(gateway.console, "anna") as anna:
        await anna.sign_in()
        await gateway.send(SENDER, ["desk@police.example"], LISTED)
        await settled(gateway, Purpose.REPORT)
        reference = (await gateway.cases())[0].case.reference
        await anna.get(f"/cases/{reference}/draft/report")
        assert "It is encrypted before it leaves." in words(anna.text)
        assert "Foreign mission contact - report for collation" in words(anna.text)
        item = await the_report(gateway)
        await anna.get(f"/cases/{reference}/sent/{item.id}")
        assert "It is encrypted. Only who has the key" in words(anna.text)
        assert "Foreign mission contact - report" not in words(anna.text)
