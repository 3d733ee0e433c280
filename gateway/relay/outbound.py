"""Delivery of mail that we originate, over aiosmtplib: a well-kept client matters more here than speed.

A connection is kept for some seconds, for the next mail that goes the same way. Never retries by itself:
`gateway.operations.outbox` decides what follows from an outcome. Before the message leaves, `about_to_send` is awaited:
it commits the attempt and answers whether it may go on (decision 13).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
)

from gateway.model.reply import Reply
from gateway.relay.opening import tls_context
from gateway.relay.wire import normalize

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.model.outbox import Post
    from gateway.settings import Endpoint

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\s+(.*)", re.DOTALL)
TIMEOUT = 60.0
"""Seconds for each step of a delivery."""
REST = 5.0
"""Seconds that a connection is kept when it has nothing to do."""
MOST_MAILS = 100
"""On one connection."""


class OutcomeKind(Enum):
    """What came of one attempt."""

    SENT = "sent"
    TRY_LATER = "try later"
    """Nothing was delivered: not reached, 4yz, or the TLS policy could not be met."""
    REFUSED = "refused"
    """5yz: it will not be taken."""
    UNCERTAIN = "uncertain"
    """Lost after the message had begun to leave: it may have been delivered."""
    NOT_OURS = "not ours"
    """Another worker has the item now; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The kind, and the last reply or the trouble in words."""

    kind: OutcomeKind
    reply: str


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, and the name that its certificate must have."""

    endpoint: Endpoint
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Where to, and how: `tls` is none, opportunistic, required or verified; `username` "" means no AUTH."""

    servers: tuple[Server, ...]
    tls: str
    hostname: str
    username: str = ""
    password: str = field(default="", repr=False)


class TlsUnavailableError(Exception):
    """The TLS policy can't be met; nothing was said in clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What a connection was opened for: mail that needs the same may use it too."""

    server: Server
    policy: str
    hostname: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Resting:
    """A connection that has sent a mail and may send another, `until` then, in seconds of the event loop."""

    line: _Line
    client: SMTP
    sent: int
    until: float


class Lines:
    """The connections to the servers that take mail of ours. One for each worker; `close()` at the end."""

    def __init__(self, rest: float = REST) -> None:
        self._rest = rest
        self._resting: list[_Resting] = []
        self._leaving: asyncio.Task[None] | None = None

    async def send(self, post: Post, way: Submission, about_to_send: Callable[[], Awaitable[bool]]) -> Outcome:
        """One attempt, at the first of the servers that can be reached."""
        outcome = Outcome(OutcomeKind.TRY_LATER, "no server to send to")
        for server in way.servers:
            line = _line(server, way, verified=way.tls == "verified" or post.needs_verified_tls)
            resting = await self._take(line, post)
            if resting is not None:
                return await self._converse(resting, post, about_to_send)
            client = _client(line)
            try:
                await _open(client, line)
            except (SMTPException, OSError, TlsUnavailableError) as error:
                outcome = Outcome(OutcomeKind.TRY_LATER, f"{_where(server)}: {_words(error)}")
                client.close()
                continue
            except BaseException:
                client.close()
                raise
            return await self._converse(_Resting(line, client, 0, 0.0), post, about_to_send)
        return outcome

    async def close(self) -> None:
        """Say QUIT on every connection that rests."""
        if self._leaving is not None:
            self._leaving.cancel()
            await asyncio.wait([self._leaving])
        while self._resting:
            await _leave(self._resting.pop().client)

    async def _take(self, line: _Line, post: Post) -> _Resting | None:
        """A connection that rests and on which this mail's MAIL was taken; else one is opened, which costs nothing."""
        while (resting := self._newest(line)) is not None:
            self._resting.remove(resting)
            with suppress(SMTPException, OSError, UnicodeError):
                await _mail(resting.client, post)
                return resting
            resting.client.close()
        return None

    def _newest(self, line: _Line) -> _Resting | None:
        """What rests now: while one mail's MAIL is answered, others take what they need."""
        return next((resting for resting in reversed(self._resting) if resting.line == line), None)

    async def _converse(self, on: _Resting, post: Post, about_to_send: Callable[[], Awaitable[bool]]) -> Outcome:
        sent = False
        try:
            outcome = await _transaction(on.client, post, about_to_send, begun=on.sent > 0)
            sent = outcome.kind is OutcomeKind.SENT
        finally:
            if sent and on.sent + 1 < MOST_MAILS:
                self._keep(on)
            else:
                await _leave(on.client)
        return outcome

    def _keep(self, used: _Resting) -> None:
        until = asyncio.get_running_loop().time() + self._rest
        self._resting.append(_Resting(used.line, used.client, used.sent + 1, until))
        if self._leaving is None or self._leaving.done():
            self._leaving = asyncio.get_running_loop().create_task(self._let_go())

    async def _let_go(self) -> None:
        """Say QUIT on each when nobody has needed it for a while."""
        while self._resting:
            await asyncio.sleep(self._resting[0].until - asyncio.get_running_loop().time())
            now = asyncio.get_running_loop().time()
            while self._resting and self._resting[0].until <= now:
                await _leave(self._resting.pop(0).client)


def _line(server: Server, way: Submission, *, verified: bool) -> _Line:
    return _Line(
        server=server,
        policy="verified" if verified and not _is_this_machine(server.endpoint) else way.tls,
        hostname=way.hostname,
        username=way.username,
        password=way.password,
    )


def _client(line: _Line) -> SMTP:
    endpoint = line.server.endpoint
    return SMTP(
        hostname=endpoint.host, port=endpoint.port, local_hostname=line.hostname, timeout=TIMEOUT, start_tls=False
    )


async def _open(client: SMTP, line: _Line) -> None:
    await client.connect()
    if line.policy != "none":
        await client.ehlo()
        await _secure(client, line.server.name, line.policy)
    if line.username:
        await client.login(line.username, line.password)


async def _secure(client: SMTP, name: str, policy: str) -> None:
    """STARTTLS as the policy wants. A failed handshake leaves no connection to fall back on: it is tried later."""
    if client.supports_extension("STARTTLS"):
        await client.starttls(tls_context=tls_context(policy), server_hostname=name)
    elif policy != "opportunistic":
        raise TlsUnavailableError(f"STARTTLS is not offered, which tls = {policy!r} needs")


def _where(server: Server) -> str:
    named = server.name == server.endpoint.host
    return str(server.endpoint) if named else f"{server.name} ({server.endpoint})"


def _is_this_machine(endpoint: Endpoint) -> bool:
    """Mail to a loopback smarthost has not left the machine yet."""
    if endpoint.host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(endpoint.host).is_loopback
    return False


async def _mail(client: SMTP, post: Post) -> None:
    options = ["SMTPUTF8"] if post.smtputf8 else []
    if post.smtputf8 and not client.supports_extension("SMTPUTF8"):
        raise SMTPNotSupported("the server does not take addresses that are not ASCII (SMTPUTF8)")
    await client.mail(post.reverse_path, options=options, encoding=_encoding(post))


def _encoding(post: Post) -> str:
    return "utf-8" if post.smtputf8 else "ascii"


async def _transaction(
    client: SMTP, post: Post, about_to_send: Callable[[], Awaitable[bool]], *, begun: bool
) -> Outcome:
    """The rest of a mail transaction if MAIL has `begun` it, else all of it."""
    try:
        if not begun:
            await _mail(client, post)
        await client.rcpt(post.recipient, encoding=_encoding(post))
    except (SMTPException, OSError, UnicodeError) as error:
        return _not_delivered(error)
    if not await about_to_send():
        return Outcome(OutcomeKind.NOT_OURS, "")
    try:
        answer = await client.data(normalize(post.content))
    except SMTPResponseException as error:
        return _after_the_dot(error)
    except (SMTPException, OSError) as error:
        return Outcome(OutcomeKind.UNCERTAIN, _words(error))
    return Outcome(OutcomeKind.SENT, str(_reply(answer.code, answer.message)))


async def _leave(client: SMTP) -> None:
    """QUIT; what it is answered changes nothing any more."""
    with suppress(SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=5)
    client.close()


def _after_the_dot(error: SMTPResponseException) -> Outcome:
    """Only 4yz and 5yz say that it was not taken; what is no answer at all leaves it open."""
    if 400 <= error.code < 600:
        return _not_delivered(error)
    taken = 200 <= error.code < 300
    return Outcome(OutcomeKind.SENT if taken else OutcomeKind.UNCERTAIN, _words(error))


def _not_delivered(error: Exception) -> Outcome:
    permanent = isinstance(error, (SMTPNotSupported, UnicodeError)) or (
        isinstance(error, SMTPResponseException) and 500 <= error.code < 600
    )
    return Outcome(OutcomeKind.REFUSED if permanent else OutcomeKind.TRY_LATER, _words(error))


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return str(_reply(error.code, error.message))
    return str(error) or type(error).__name__


def _reply(code: int, message: str) -> Reply:
    printable = "".join(char if char.isprintable() or char == "\n" else "?" for char in message)
    found = _ENHANCED.match(printable)
    return Reply(code, found[1], found[2]) if found else Reply(code, "", printable)
