"""One mail transaction with a server that takes mail of ours: MAIL, RCPT, DATA and the content (RFC 5321 §3.3).

aiosmtplib has opened the connection and reads the replies; what is said stands here, octet for octet. Its own methods
read an address anew before they send it, and don't tell an answer to DATA from one to the message: a server that says
250 instead of 354 has taken nothing. Never retries, and never changes what is sent but for line ends (RFC 6152 §3).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from aiosmtplib import SMTPException, SMTPNotSupported, SMTPResponseException

from filters.sentence import Sentence
from gateway.model.reply import Reply
from gateway.relay.wire import encode, pieces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiosmtplib import SMTP, SMTPResponse
    from aiosmtplib.protocol import SMTPProtocol

    from gateway.model.outbox import Post

TROUBLE = (SMTPException, OSError, ValueError)
"""What a server, a connection, or an address that can't be said there raises."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\s+(.*)", re.DOTALL)
_DONE, _GO_AHEAD = range(200, 300), range(354, 355)


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


async def begin(client: SMTP, post: Post) -> None:
    """MAIL, with what the server's EHLO allows to declare. One of `TROUBLE` where it was not taken."""
    if post.smtputf8 and not client.supports_extension("SMTPUTF8"):
        raise SMTPNotSupported("the server does not take addresses that are not ASCII (SMTPUTF8)")
    await _say(client, _mail_line(client, post))


async def hand_over(
    client: SMTP, post: Post, about_to_send: Callable[[], Awaitable[bool]], *, within: float
) -> Outcome:
    """The rest of the mail transaction that `begin()` began; `within` is in seconds, for the answer to the final dot.

    Before DATA `about_to_send` is awaited: it commits the attempt and answers whether it may go on (decision 13).
    """
    try:
        await _say(client, b"RCPT TO:<%b>" % _path(post.recipient, post))
        if not await about_to_send():
            return Outcome(OutcomeKind.NOT_OURS, "")
        await _say(client, b"DATA", wanted=_GO_AHEAD)
    except TROUBLE as error:
        return not_delivered(error)
    return await _content(client, post.content, within)


async def _content(client: SMTP, content: bytes, within: float) -> Outcome:
    """What goes out has clean line ends and stuffed dots, as everything that leaves here."""
    connection = client.protocol
    if connection is None or not connection.is_connected:
        return Outcome(OutcomeKind.TRY_LATER, Sentence("the connection was lost before the message"))
    hearing = asyncio.get_running_loop().create_task(connection.read_response(timeout=within))
    try:
        whole = await _poured(connection, content, hearing)
        answer = await hearing
    except TROUBLE as error:
        client.close()
        return Outcome(OutcomeKind.UNCERTAIN, words(error))
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    reply = _reply(answer.code, answer.message)
    return _answered(reply) if whole else _early(client, reply)


async def _poured(connection: SMTPProtocol, content: bytes, hearing: asyncio.Task[SMTPResponse]) -> bool:
    """Whether all of it was sent, the final dot too; piece by piece, so that others have their turn in between.

    Who answers before the final dot is sent no more. Before anything is sent, `hearing` has begun: aiosmtplib throws
    away what it hears while nobody listens.
    """
    for octets in encode(pieces(content)):
        await asyncio.sleep(0)
        if hearing.done():
            return False
        connection.write(octets)
    return True


def _early(client: SMTP, reply: Reply) -> Outcome:
    """An answer to half a message: nothing was delivered, and nothing more can be said on this connection."""
    client.close()
    if reply.permanent or reply.transient:
        return _answered(reply)
    return Outcome(OutcomeKind.TRY_LATER, f"answered before the final dot: {reply}")


def _answered(reply: Reply) -> Outcome:
    """Only 4yz and 5yz say that it was not taken; what is no answer at all leaves it open."""
    if reply.positive:
        return Outcome(OutcomeKind.SENT, str(reply))
    if reply.transient:
        return Outcome(OutcomeKind.TRY_LATER, str(reply))
    return Outcome(OutcomeKind.REFUSED if reply.permanent else OutcomeKind.UNCERTAIN, str(reply))


async def _say(client: SMTP, line: bytes, *, wanted: range = _DONE) -> None:
    """One command, and the answer that lets the next one follow; every other is raised.

    More than one answer answers nothing that is said later: the connection is of no use any more.
    """
    answer = await client.execute_command(line)
    if answer.code not in wanted:
        raise SMTPResponseException(answer.code, answer.message)
    connection = client.protocol
    if connection is None or connection._buffer:  # noqa: SLF001 -- aiosmtplib keeps it for the next command
        client.close()
        raise SMTPException("the server said more than it was asked")


def _mail_line(client: SMTP, post: Post) -> bytes:
    line = b"MAIL FROM:<%b>" % _path(post.reverse_path, post)
    if client.supports_extension("SIZE"):
        line += b" SIZE=%d" % _size(client, post)
    if not post.content.isascii() and client.supports_extension("8BITMIME"):
        line += b" BODY=8BITMIME"
    return line + b" SMTPUTF8" if post.smtputf8 else line


def _path(address: str, post: Post) -> bytes:
    return address.encode("utf-8" if post.smtputf8 else "ascii")


def _size(client: SMTP, post: Post) -> int:
    """The size to declare; what a server says that it won't take is not tried (RFC 1870 §6.1)."""
    size, limit = len(post.content), client.esmtp_extensions.get("size", "")
    if limit.isascii() and limit.isdigit() and 0 < int(limit) < size:
        raise SMTPResponseException(552, f"5.3.4 the server takes messages of {int(limit)} octets, this one has {size}")
    return size


def not_delivered(error: Exception) -> Outcome:
    """What becomes of a mail that nothing was sent of."""
    permanent = isinstance(error, (SMTPNotSupported, ValueError)) or (
        isinstance(error, SMTPResponseException) and 500 <= error.code < 600
    )
    return Outcome(OutcomeKind.REFUSED if permanent else OutcomeKind.TRY_LATER, words(error))


def words(error: Exception) -> str:
    """The server's reply as one line, or the trouble."""
    if isinstance(error, SMTPResponseException):
        return str(_reply(error.code, error.message))
    said = error.args[0] if error.args else ""
    return said if isinstance(said, Sentence) else str(error) or type(error).__name__


def _reply(code: int, message: str) -> Reply:
    printable = "".join(char if char.isprintable() or char == "\n" else "?" for char in message)
    found = _ENHANCED.match(printable)
    return Reply(code, found[1], found[2]) if found else Reply(code, "", printable)
