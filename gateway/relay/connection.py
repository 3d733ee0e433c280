"""One SMTP client connection to a next hop: commands out, replies in, pipelined (RFC 5321, RFC 2920, RFC 3207).

Does no policy and keeps no transaction: `gateway.relay.transaction` does. Known limit: no AUTH, because a next
hop is the agency's own server.
"""

from __future__ import annotations

import asyncio
import math
import re
import ssl
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from gateway.model.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.settings import Endpoint

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*?))?\r*\Z", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|\Z)")
_REPLY_LIMIT = 64 * 1024
"""Octets of unfinished replies; no honest server sends more (RFC 5321 §4.5.3.1.5 allows 512 a line)."""


class NextHopError(Exception):
    """The next hop can't be used now: not reachable, gone, too slow, or not speaking SMTP. The message says which."""


class NextHopTimeoutError(NextHopError):
    """It is there but does not answer: trying again at once would only double the client's wait."""


class AnswerLostError(NextHopError):
    """Lost between our final dot and its answer: the message may have been delivered (RFC 1047)."""


class TlsRefusedError(NextHopError):
    """The TLS policy can't be met."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server offered in answer to EHLO: keyword, upper case, to its parameters."""

    keywords: dict[str, str]

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def size(self) -> int:
        """The SIZE limit in octets, 0 when there is none (RFC 1870 §4)."""
        text = self.keywords.get("SIZE", "")
        return int(text) if text.isascii() and text.isdigit() else 0


def parse_capabilities(reply: Reply) -> Capabilities:
    """From the answer to EHLO; the first line is a greeting."""
    lines = [line.split(maxsplit=1) for line in reply.text.split("\n")[1:]]
    return Capabilities({words[0].upper(): words[1] if len(words) > 1 else "" for words in lines if words})


def tls_context(policy: str) -> ssl.SSLContext:
    """The client's context for a TLS policy; only `verified` looks at the certificate."""
    if policy == "verified":
        context = ssl.create_default_context()
    else:  # without the authorities, which take longer to load than a handshake
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Awaited(NamedTuple):
    """Replies to come: `all` of them, `wanted`, in the order of the commands that were sent together."""

    all: asyncio.Future[list[Reply]]
    wanted: int
    replies: list[Reply]


class Connection(asyncio.Protocol):
    """A connection that is open, greeted, and past EHLO and STARTTLS once `open_connection` returned it."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self.endpoint = endpoint
        self.capabilities = Capabilities({})
        self.transactions = 0
        self.refusals = 0
        """Refusals since the last delivery."""
        self.introduced = False
        """XCLIENT was said: it is one client's connection now."""
        self.idle_since = 0.0
        self.until = math.inf
        """In the event loop's time: nothing is waited for any longer, however patient the route is."""
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._input = b""
        self._lines: list[bytes] = []
        self._waiting: deque[_Awaited] = deque()
        self._lost: str = ""
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.closing = False
        self._banner = self.expect()
        """Waited for from the start: it may be here before anybody asks."""

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._reply_line(line)
        if len(self._input) > _REPLY_LIMIT or sum(map(len, self._lines)) + len(self._lines) > _REPLY_LIMIT:
            self._fail("sent an endless reply")

    def eof_received(self) -> None:
        self._fail("closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"dropped the connection ({exc})" if exc else "closed the connection")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # --- replies --------------------------------------------------------------------------------------------------

    def _reply_line(self, line: bytes) -> None:
        parsed = _parsed(line)
        if parsed is None:
            self._fail("sent a line that is no SMTP reply")
            return
        code, text, last = parsed
        self._lines.append(text)
        if last:
            lines, self._lines = self._lines, []
            self._reply(_reply(code, tuple(lines)))

    def _reply(self, reply: Reply) -> None:
        if reply.code == 421:
            self.closing = True
        if self._waiting:
            awaited = self._waiting[0]
            awaited.replies.append(reply)
            if len(awaited.replies) == awaited.wanted:
                self._waiting.popleft()
                if not awaited.all.done():
                    awaited.all.set_result(awaited.replies)
        elif reply.code != 421:  # RFC 5321 §3.8: a server may say 421 unasked
            self._fail("answered a command that was not sent")

    def _fail(self, reason: str, error: type[NextHopError] = NextHopError) -> None:
        self._lost = self._lost or reason
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            waiter = self._waiting.popleft().all
            if not waiter.done():
                waiter.set_exception(error(f"{self.endpoint} {self._lost}"))
                waiter.exception()  # whoever waits hears of it; nobody has to
        if self._transport is not None:
            self._transport.abort()

    # --- time -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Something is waited for from now on. One timer for the connection, not one for each command."""
        self._due = due = min(self._loop.time() + self._timeout, self.until)
        if self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._look_at_the_time)

    def _look_at_the_time(self) -> None:
        self._timer = None
        if not self._waiting or self._lost:
            return
        if self._due > self._loop.time():
            self._timer = self._loop.call_at(self._due, self._look_at_the_time)
        else:
            late = f"within {self._timeout:g} s" if self.until > self._due else "while the client could wait"
            self._fail(f"did not answer {late}", NextHopTimeoutError)

    # --- commands -------------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Nothing is known to be wrong with it."""
        return not self._lost and not self.closing and self._transport is not None

    def expect(self, count: int = 1) -> asyncio.Future[list[Reply]]:
        """The next replies in order; NextHopTimeoutError in it if they don't come in time."""
        awaited = _Awaited(self._loop.create_future(), count, [])
        if self._lost:
            awaited.all.set_exception(NextHopError(f"{self.endpoint} {self._lost}"))
        else:
            self._waiting.append(awaited)
            self._watch()
        return awaited.all

    async def commands(self, *lines: bytes) -> list[Reply]:
        """Send the lines (without CRLF), together if the server takes pipelines, and return their replies in order."""
        if len(lines) > 1 and "PIPELINING" not in self.capabilities:
            return [await self.command(line) for line in lines]
        replies = self.expect(len(lines))
        self._write(b"\r\n".join((*lines, b"")))
        return await replies

    def send(self, line: bytes) -> asyncio.Future[list[Reply]]:
        """Send one line (without CRLF); its reply will be alone in the list."""
        replies = self.expect()
        self._write(line + b"\r\n")
        return replies

    async def command(self, line: bytes) -> Reply:
        """Send one line and return its reply."""
        return (await self.send(line))[0]

    async def content(self, octets: Iterable[bytes]) -> Reply:
        """After 354: stream the encoded content, which ends in the final dot, and return the answer to it.

        AnswerLostError once the final dot was written; any other NextHopError means that nothing was delivered. A
        refusal that comes before the final dot is the answer too, but the connection can't be used any more.
        """
        answer = self.expect()
        try:
            last = await self._all_but_the_last(octets, answer)
            if answer.done():
                return self._early(answer.result()[0])
        except BaseException:
            self.abort()  # in mid-message nothing else can be said on this connection
            raise
        # The last chunk carries the final dot. Once it is written the message may be delivered whatever we hear.
        self._write(last)
        self._watch()
        try:
            return (await answer)[0]
        except NextHopError as error:
            raise AnswerLostError(str(error)) from error

    async def _all_but_the_last(self, octets: Iterable[bytes], answer: asyncio.Future[list[Reply]]) -> bytes:
        """Send the chunks for as long as the next hop keeps silent; return the one that must not be sent yet."""
        held = b""
        for chunk in octets:
            if answer.done():
                break
            if held:
                self._write(held)
                if not self._writable.is_set():
                    self._watch()
                    await self._writable.wait()
            held = chunk
        return held

    def _early(self, reply: Reply) -> Reply:
        """What was said before the final dot."""
        self._fail("answered before the final dot")
        if reply.transient or reply.permanent:
            return reply
        raise NextHopError(f"{self.endpoint} {self._lost}")

    def _write(self, octets: bytes) -> None:
        if self._transport is not None and not self._lost:
            self._transport.write(octets)

    # --- opening --------------------------------------------------------------------------------------------------

    async def greet(self, hostname: str) -> None:
        """Wait for the banner, then EHLO, or HELO where EHLO is not known (RFC 5321 §3.2)."""
        banner = (await self._banner)[0]
        if not banner.positive:
            raise NextHopError(f"{self.endpoint} greeted with {banner}")
        await self.hello(hostname)

    async def hello(self, hostname: str) -> None:
        """EHLO or HELO, and remember what is offered."""
        answer = await self.command(b"EHLO " + hostname.encode())
        if answer.positive:
            self.capabilities = parse_capabilities(answer)
            return
        if answer.permanent:
            answer = await self.command(b"HELO " + hostname.encode())
            self.capabilities = Capabilities({})
        if not answer.positive:
            raise NextHopError(f"{self.endpoint} refused our greeting: {answer}")

    async def start_tls(self, context: ssl.SSLContext, hostname: str) -> None:
        """STARTTLS; everything learned before it is forgotten (RFC 3207 §4.2), unread plain text is an attack."""
        answer = await self.command(b"STARTTLS")
        if not answer.positive:
            raise TlsRefusedError(f"{self.endpoint} refused STARTTLS: {answer}")
        if self._input or self._lines or not self.usable:
            self._fail("sent plain text after its answer to STARTTLS")
            raise TlsRefusedError(f"{self.endpoint} {self._lost}")
        loop = asyncio.get_running_loop()
        assert self._transport is not None  # noqa: S101 -- the command above went through it
        try:
            async with asyncio.timeout(self._timeout):
                self._transport = await loop.start_tls(
                    self._transport, self, context, server_hostname=self.endpoint.host
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            self._fail(f"failed the TLS handshake ({error})")
            raise TlsRefusedError(f"{self.endpoint} {self._lost}") from error
        await self.hello(hostname)

    def close(self) -> None:
        """Say goodbye without waiting for the answer. Only where no command or content is under way."""
        if self._transport is not None and not self._lost:
            self._lost = "was closed by us"
            if self._timer is not None:
                self._timer.cancel()
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    def abort(self) -> None:
        """Hang up. In mid-message a QUIT would be read as content, and be waited for if the peer does not read."""
        self._fail("was closed by us")


async def open_connection(endpoint: Endpoint, *, hostname: str, tls: str, timeout: float) -> Connection:
    """A connection ready for MAIL. `tls` is none, opportunistic, required or verified.

    NextHopError when it can't be had. Only `opportunistic` falls back to clear text.
    """
    connection = await _greeted(endpoint, hostname, timeout)
    if tls == "none":
        return connection
    try:
        await _secure(connection, tls, hostname)
    except TlsRefusedError:
        connection.close()
        if tls != "opportunistic":
            raise
        return await _greeted(endpoint, hostname, timeout)
    except (NextHopError, asyncio.CancelledError):
        connection.close()
        raise
    return connection


async def _secure(connection: Connection, tls: str, hostname: str) -> None:
    if "STARTTLS" in connection.capabilities:
        await connection.start_tls(tls_context(tls), hostname)
    elif tls != "opportunistic":
        raise TlsRefusedError(f"{connection.endpoint} does not offer STARTTLS, which tls = {tls!r} needs")


async def _greeted(endpoint: Endpoint, hostname: str, timeout: float) -> Connection:
    connection = Connection(endpoint, timeout)
    try:
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().create_connection(lambda: connection, endpoint.host, endpoint.port)
    except (OSError, TimeoutError) as error:
        raise NextHopError(f"{endpoint} can't be reached ({str(error) or 'no answer'})") from error
    try:
        await connection.greet(hostname)
    except (NextHopError, asyncio.CancelledError):  # cancelled: whoever wanted it can wait no longer
        connection.close()
        raise
    return connection


@lru_cache(maxsize=64)
def _parsed(line: bytes) -> tuple[int, bytes, bool] | None:
    """Code, text, and whether the reply ends with this line; None for what is no SMTP reply."""
    found = _REPLY_LINE.match(line)
    return (int(found[1]), found[3] or b"", found[2] != b"-") if found is not None else None


@lru_cache(maxsize=64)
def _reply(code: int, lines: tuple[bytes, ...]) -> Reply:
    """From the wire: the enhanced code of the last line, if any; text kept printable."""
    texts = [_printable(line) for line in lines]
    found = _ENHANCED.match(texts[-1])
    enhanced = found[1] if found and found[1][0] == str(code)[0] else ""
    if enhanced:
        texts = [text.removeprefix(enhanced).lstrip() for text in texts]
    return Reply(code, enhanced, "\n".join(texts))


def _printable(line: bytes) -> str:
    return "".join(char if char.isprintable() else "?" for char in line.decode("utf-8", "replace"))
