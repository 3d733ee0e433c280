"""SIGTERM while a client has sent the next mail transaction ahead."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway import write_configuration
from tests.support.mta import ScriptedMTA
from tests.support.served import CLEAN, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.served import Served

pytestmark = pytest.mark.xdist_group("kills")

__all__ = ["serve"]

MAIL_AND_RCPT = b"MAIL FROM:<resident@town.example>\r\nRCPT TO:<desk@police.example>\r\n"


async def test_a_mail_transaction_that_comes_after_sigterm_is_answered_421_and_nothing_else(
    tmp_path: Path, sqlite_url: str, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    next_hop = await ScriptedMTA().start()
    served = await serve(write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url))
    idle, client = await served.client(), await served.client()
    client.send(MAIL_AND_RCPT + b"DATA\r\n")
    for code in ("250", "250", "354"):
        await client.hear(code)
    served.process.send_signal(signal.SIGTERM)
    await idle.hear("421 4.3.2")  # it is stopping; the mail transaction in hand may end
    client.send(CLEAN + b".\r\n" + MAIL_AND_RCPT + MAIL_AND_RCPT + b"DATA\r\n")
    await client.hear("250 2.0.0")
    await client.hear("421 4.3.2")
    assert await client.closed() == b""
    async with asyncio.timeout(20):
        assert await served.process.wait() == 0
    assert len(next_hop.messages) == 1
    await next_hop.stop()
