"""A mail server that keeps whatever it is given: the demo's next hop, and its outbound mailbox.

Listens on loopback and never passes anything on, which is what keeps a demo from writing to the world. Content is
kept octet for octet as it came, dots unstuffed (RFC 5321 §4.5.2).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiosmtpd.smtp import Envelope, Session

_LARGEST = 2**26
"""Octets: more than the gateway lets through."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail that was taken. `reverse_path` is "" for the null path."""

    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes


class Mailbox:
    """Takes every mail and keeps it in `letters`, in order of arrival."""

    def __init__(self, hostname: str) -> None:
        self.letters: list[Letter] = []
        self.port = 0
        self._hostname = hostname
        self._sessions: list[SMTP] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        """Keep it."""
        reverse_path = (envelope.mail_from or "").removeprefix("<>")
        self.letters.append(Letter(reverse_path, tuple(envelope.rcpt_tos), envelope.original_content or b""))
        return "250 2.0.0 Kept"

    async def listen(self) -> asyncio.Server:
        """Accept connections on a port of the system's choice."""
        server = await asyncio.get_running_loop().create_server(self._session, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def hang_up(self) -> None:
        """Close every connection that is still open."""
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()

    def _session(self) -> SMTP:
        session = SMTP(
            self, hostname=self._hostname, ident="demo mailbox", data_size_limit=_LARGEST, enable_SMTPUTF8=True
        )
        self._sessions.append(session)
        return session


@asynccontextmanager
async def open_mailbox(hostname: str) -> AsyncIterator[Mailbox]:
    """A mailbox that listens until the block ends."""
    mailbox = Mailbox(hostname)
    server = await mailbox.listen()
    try:
        yield mailbox
    finally:
        server.close()
        mailbox.hang_up()
