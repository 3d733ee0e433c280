"""Delivery of one mail that we originate, over aiosmtplib: speed doesn't matter here, a well-kept client does.

Never retries by itself and keeps nothing: `gateway.operations.outbox` decides what follows from an outcome. Before the
message leaves, `about_to_send` is awaited: it commits the attempt and answers whether it may go on (decision 13).
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
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
    password: str = ""


class TlsUnavailableError(Exception):
    """The TLS policy can't be met; nothing was said in clear."""


async def send(post: Post, way: Submission, about_to_send: Callable[[], Awaitable[bool]]) -> Outcome:
    """One attempt, at the first of the servers that can be reached."""
    outcome = Outcome(OutcomeKind.TRY_LATER, "no server to send to")
    for server in way.servers:
        endpoint = server.endpoint
        client = SMTP(
            hostname=endpoint.host, port=endpoint.port, local_hostname=way.hostname, timeout=TIMEOUT, start_tls=False
        )
        try:
            await _open(client, server, way, verified=way.tls == "verified" or post.needs_verified_tls)
        except (SMTPException, OSError, TlsUnavailableError) as error:
            outcome = Outcome(OutcomeKind.TRY_LATER, f"{_where(server)}: {_words(error)}")
            client.close()
            continue
        try:
            return await _transaction(client, post, about_to_send)
        finally:
            await _leave(client)
    return outcome


async def _open(client: SMTP, server: Server, way: Submission, *, verified: bool) -> None:
    await client.connect()
    policy = "verified" if verified and not _is_this_machine(server.endpoint) else way.tls
    if policy != "none":
        await client.ehlo()
        await _secure(client, server.name, policy)
    if way.username:
        await client.login(way.username, way.password)


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


async def _transaction(client: SMTP, post: Post, about_to_send: Callable[[], Awaitable[bool]]) -> Outcome:
    try:
        options = ["SMTPUTF8"] if post.smtputf8 else []
        encoding = "utf-8" if post.smtputf8 else "ascii"
        if post.smtputf8 and not client.supports_extension("SMTPUTF8"):
            return Outcome(OutcomeKind.REFUSED, "the server does not take addresses that are not ASCII (SMTPUTF8)")
        await client.mail(post.reverse_path, options=options, encoding=encoding)
        await client.rcpt(post.recipient, encoding=encoding)
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
