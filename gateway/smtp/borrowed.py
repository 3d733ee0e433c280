"""What aiosmtpd's own loop is given in place of its own parts: lines to read, hooks, a table of commands, codes.

The loop handles the session's commands (EHLO, HELO, STARTTLS, VRFY, EXPN, HELP, AUTH); those of a mail transaction and
what is no command never reach it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.smtp import replies

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from gateway.model.reply import Reply
    from gateway.smtp.engine import Engine

_ENHANCED = {"454": "4.7.0", "500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1"}
"""For the replies that aiosmtpd words itself."""


_FIXED_ANSWERS = {
    "VRFY": replies.CANNOT_VERIFY,  # RFC 5321 §7.3
    "EXPN": replies.NO_LISTS,  # RFC 5321 §7.3
    "HELP": replies.HELP,  # nothing about us that a stranger needs
    "AUTH": replies.NOT_OFFERED,  # mail comes in from strangers, and strangers have no password here
}


class Hooks:
    """aiosmtpd's hooks; they find the session through the engine that calls them."""

    async def handle_EHLO(self, server: Engine, session: Any, envelope: Any, name: str, lines: list[str]) -> list[str]:
        session.host_name = name
        return [_words(server.conversation.hello(name, extended=True))]

    async def handle_HELO(self, server: Engine, session: Any, envelope: Any, name: str) -> str:
        session.host_name = name
        return _words(server.conversation.hello(name, extended=False))


def _words(reply: Reply) -> str:
    """As aiosmtpd pushes it: without the last CRLF."""
    return replies.octets(reply)[:-2].decode()


class Lines:
    """What aiosmtpd's loop reads from: the lines that the engine hands over, one at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._first: bytes | None = None
        self._line: asyncio.Future[bytes] | None = None

    @property
    def greeting(self) -> bool:
        """The loop has just begun and says its greeting, which the client has had from the engine."""
        return self._first is not None

    async def readuntil(self) -> bytes:
        """The next handed-over line; until it comes the engine reads on by itself."""
        if self._first is not None:
            line, self._first = self._first, None
            return line
        self._line = asyncio.get_running_loop().create_future()
        self._engine.resume()
        return await self._line

    def hand_over(self, line: bytes) -> None:
        """Let aiosmtpd's loop have this line, whose CRLF is gone already: the first one before the loop begins."""
        if self._line is None:
            self._first = line
        elif not self._line.done():
            self._line.set_result(line)


class SessionCommands:
    """aiosmtpd's table of commands, bound when one is called and not at every connection."""

    NAMES = frozenset({b"EHLO", b"HELO", b"STARTTLS", b"VRFY", b"EXPN", b"HELP", b"AUTH"})

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, command: str) -> Callable[[str | None], Coroutine[Any, Any, None]] | None:
        """The method for the command, or None."""
        if command.encode() not in self.NAMES:
            return None
        fixed = _FIXED_ANSWERS.get(command)
        return getattr(self._engine, f"smtp_{command}") if fixed is None else partial(self._answer, fixed)

    async def _answer(self, reply: Reply, arg: str | None) -> None:
        self._engine.reply(reply)


def with_enhanced_code(text: str) -> str:
    """aiosmtpd words some refusals itself, without one. Greetings get none (RFC 2034 §3)."""
    code, rest = text[:3], text[4:]
    enhanced = _ENHANCED.get(code)
    if enhanced is None or rest[:2] in {"4.", "5."}:
        return text
    return f"{code} {enhanced} {rest.removeprefix('Error: ')}"
