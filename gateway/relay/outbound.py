"""Connections for mail that we originate, over aiosmtplib: a well-kept client matters more here than speed.

A connection is kept for some seconds, for the next mail that goes the same way; what is said on it stands in
`gateway.relay.mailing`. Never retries by itself: `gateway.operations.outbox` decides what follows from an outcome.
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiosmtplib import SMTP, SMTPException, SMTPHeloError

from filters.sentence import Sentence
from gateway.relay.mailing import TROUBLE, Outcome, OutcomeKind, begin, hand_over, not_delivered, words
from gateway.relay.opening import tls_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.model.outbox import Post
    from gateway.settings import Endpoint

TIMEOUT = 60.0
"""Seconds for each step of a delivery."""
PATIENCE = 2
"""Times as long for the answer to the final dot. RFC 5321 §4.5.3.2.6 has ten minutes; but who hangs holds up others,
and what is sent again has the same Message-ID."""
REST = 5.0
"""Seconds that a connection is kept when it has nothing to do."""
MOST_MAILS = 100
"""On one connection."""


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
    timeout: float = TIMEOUT
    """Seconds for each step."""


class TlsUnavailableError(Exception):
    """STARTTLS can't be had as the policy wants it; no mail transaction was begun in clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What a connection was opened for: mail that needs the same may use it too."""

    server: Server
    policy: str
    hostname: str
    username: str
    password: str = field(repr=False)
    timeout: float


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
        outcome = Outcome(OutcomeKind.TRY_LATER, Sentence("no server to send to"))
        for server in way.servers:
            line = _line(server, way, verified=way.tls == "verified" or post.needs_verified_tls)
            resting = await self._take(line, post)
            if resting is not None:
                return await self._converse(resting, post, about_to_send)
            try:
                client = await _open(line)
            except (*TROUBLE, TlsUnavailableError) as error:
                outcome = Outcome(
                    OutcomeKind.TRY_LATER, Sentence("{where}: {reason}", where=_where(server), reason=words(error))
                )
                continue
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
            with suppress(*TROUBLE):
                await begin(resting.client, post)
                return resting
            resting.client.close()
        return None

    def _newest(self, line: _Line) -> _Resting | None:
        """What rests now: while one mail's MAIL is answered, others take what they need."""
        return next((resting for resting in reversed(self._resting) if resting.line == line), None)

    async def _converse(self, on: _Resting, post: Post, about_to_send: Callable[[], Awaitable[bool]]) -> Outcome:
        sent = False
        try:
            outcome = await _transaction(on, post, about_to_send)
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


@dataclass(frozen=True, slots=True)
class Trial:
    """How a way out was found: which server answered and what it offers, or the reason why none can be used."""

    server: str = ""
    offered: tuple[str, ...] = ()
    reason: str = ""


async def try_out(way: Submission, *, verified: bool) -> Trial:
    """Open a connection as for a mail (`verified`: one that needs verified TLS), password and all, and send nothing."""
    trial = Trial(reason="no server to send to")
    for server in way.servers:
        try:
            client = await _open(_line(server, way, verified=verified))
        except (*TROUBLE, TlsUnavailableError) as error:
            trial = Trial(reason=f"{_where(server)}: {words(error)}")
            continue
        offered = tuple(sorted(keyword.upper() for keyword in client.esmtp_extensions))
        await _leave(client)
        return Trial(server=_where(server), offered=offered)
    return trial


async def _transaction(on: _Resting, post: Post, about_to_send: Callable[[], Awaitable[bool]]) -> Outcome:
    """All of a mail transaction; on a connection that rested, MAIL was said already."""
    if not on.sent:
        try:
            await begin(on.client, post)
        except TROUBLE as error:
            return not_delivered(error)
    return await hand_over(on.client, post, about_to_send, within=on.line.timeout * PATIENCE)


def _line(server: Server, way: Submission, *, verified: bool) -> _Line:
    return _Line(
        server=server,
        policy="verified" if verified and not _is_this_machine(server.endpoint) else way.tls,
        hostname=way.hostname,
        username=way.username,
        password=way.password,
        timeout=way.timeout,
    )


async def _open(line: _Line) -> SMTP:
    """A connection that is ready for MAIL. Only `opportunistic` falls back to clear text, on a new connection.

    Not with a password: who spoils a handshake would be told it.
    """
    try:
        return await _opened(line, line.policy)
    except TlsUnavailableError:
        if line.policy != "opportunistic" or line.username:
            raise
        return await _opened(line, "none")


async def _opened(line: _Line, policy: str) -> SMTP:
    endpoint = line.server.endpoint
    client = SMTP(
        hostname=endpoint.host,
        port=endpoint.port,
        local_hostname=line.hostname,
        timeout=line.timeout,
        start_tls=False,
    )
    try:
        await client.connect()
        await _greet(client)
        secured = policy != "none" and await _secure(client, line.server.name, policy)
        if line.username:
            _demand_secrecy(line, secured=secured)
            await client.login(line.username, line.password)
    except BaseException:
        client.close()
        raise
    return client


async def _greet(client: SMTP) -> None:
    """EHLO, or HELO where EHLO is not known (RFC 5321 §3.2)."""
    try:
        await client.ehlo()
    except SMTPHeloError as error:
        if error.code < 500:
            raise
        await client.helo()


async def _secure(client: SMTP, name: str, policy: str) -> bool:
    """STARTTLS as the policy wants; what was learned before it is forgotten (RFC 3207 §4.2). Whether there is TLS."""
    if client.supports_extension("STARTTLS"):
        try:
            await client.starttls(tls_context=tls_context(policy), server_hostname=name)
        except TROUBLE as error:
            raise TlsUnavailableError(Sentence("STARTTLS failed: {reason}", reason=words(error))) from error
        await _greet(client)
        return True
    if policy != "opportunistic":
        raise TlsUnavailableError(Sentence("STARTTLS is not offered, which tls = {policy} needs", policy=repr(policy)))
    return False


def _demand_secrecy(line: _Line, *, secured: bool) -> None:
    """A password is said in clear where the configuration says so, or where it does not leave the machine."""
    if not secured and line.policy != "none" and not _is_this_machine(line.server.endpoint):
        raise TlsUnavailableError(
            Sentence("STARTTLS is not offered, and the password is not said in clear (but with tls = 'none')")
        )


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


async def _leave(client: SMTP) -> None:
    """QUIT; what it is answered changes nothing any more."""
    with suppress(SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=5)
    client.close()
