"""An agency's own texts: read at start and at SIGHUP, checked, and never half in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.settings import load
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

OWN = "Held: a message that you may be waiting for"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "texts/notice/subject.en.txt"
    path.parent.mkdir(parents=True)
    path.write_text(OWN, encoding="utf-8")
    return path


@pytest.fixture
async def gateway(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, template: Path
) -> AsyncIterator[Running]:
    more = '[templates]\nmail = "texts"'
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url, more=more, mode="assist"
    )
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


async def notice_of(gateway: Running, number: int) -> bytes:
    """The notice that the so-many-th listed message leads to, as it arrives."""
    content = f"From: a@mission.example\r\nSubject: Letter {number}\r\n\r\nHello.\r\n".encode()
    await gateway.send("a@mission.example", ["desk@police.example"], content)
    return (await gateway.next_hop.arrived(number))[-1].content


async def test_a_notice_says_the_agencys_own_subject_and_the_shipped_text(gateway: Running) -> None:
    notice = await notice_of(gateway, 1)
    assert OWN.encode() in notice.replace(b"\r\n ", b" ")


async def test_a_changed_text_waits_for_the_reload_and_a_broken_one_is_refused(
    gateway: Running, template: Path
) -> None:
    template.write_text("{{ sender }}", encoding="utf-8")
    assert OWN.encode() in (await notice_of(gateway, 1)).replace(b"\r\n ", b" ")
    with pytest.raises(ConfigurationError, match=r"templates\.mail: .* sender is not a variable of the notice"):
        gateway.service.obey(load(gateway.settings.file, {}))
    assert OWN.encode() in (await notice_of(gateway, 2)).replace(b"\r\n ", b" ")
    template.write_text("Another subject", encoding="utf-8")
    gateway.service.obey(load(gateway.settings.file, {}))
    assert b"Another subject" in (await notice_of(gateway, 3)).replace(b"\r\n ", b" ")
