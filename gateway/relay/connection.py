"""One SMTP client connection to a next hop: commands out, replies in, pipelined (RFC 5321, RFC 2920, RFC 3207).

Does no policy and keeps no transaction: `gateway.relay.transaction` does; `gateway.relay.opening` opens it. What is
waited for is told to a callback (`ask()`), because that is how nearly all mail goes through; `commands()` and the
others are coroutines around it. Known limit: no AUTH, because a next hop is the agency's own server.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from gateway.relay.reply_reader import ReplyReader

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Sequence

    from gateway.model.reply import Reply
    from gateway.settings import Endpoint


class NextHopError(Exception):
    """The next hop can't be used now: not reachable, gone, too slow, or not speaking SMTP. The message says which."""


class NextHopTimeoutError(NextHopError):
    """It is there but does not answer: trying again at once would only double the client's wait."""


class NobodyThereError(NextHopError):
    """No next hop of a route takes a connection. Each of them has been logged."""


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


class _Awaited(NamedTuple):
    """Replies to come: `heard` is told of all of them, `wanted`, in the order of the commands that were sent together.

    It is told of a NextHopError instead if they don't come.
    """

    heard: Callable[[Sequence[Reply] | NextHopError], None]
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
        self.until = math.inf
        """In the event loop's time: nothing is waited for any longer, however patient the route is."""
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._resting_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._waiting: deque[_Awaited] = deque()
        self._lost: str = ""
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.closing = False
        self._banner = self.send(b"")
        """Waited for from the start: it may be here before anybody asks."""

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        replies = self._reader.read(data)
        awaited = self._waiting[0] if self._waiting else None
        fault = self._reader.fault
        if awaited is not None and awaited.wanted == len(replies) and not awaited.replies and not fault:
            self._waiting.popleft()  # what was waited for, all of it and nothing else: nearly always
            self._notice_closing(replies)
            awaited.heard(replies)
        elif replies or fault:
            self._share_out(replies, fault)

    def eof_received(self) -> None:
        self._fail("closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"dropped the connection ({exc})" if exc else "closed the connection")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # --- replies --------------------------------------------------------------------------------------------------

    def _notice_closing(self, replies: Sequence[Reply]) -> None:
        for reply in replies:
            if reply.code == 421:
                self.closing = True

    def _share_out(self, replies: Sequence[Reply], fault: str) -> None:
        """To those who wait for them now: what comes in excess answers nothing that will be sent because of it.

        What is wrong is noticed before anybody is told, so that nobody sends anything more on this connection.
        """
        self._notice_closing(replies)
        complete: list[_Awaited] = []
        for reply in replies:
            if self._waiting:
                awaited = self._waiting[0]
                awaited.replies.append(reply)
                if len(awaited.replies) == awaited.wanted:
                    complete.append(self._waiting.popleft())
            elif reply.code != 421:  # RFC 5321 §3.8: a server may say 421 unasked
                fault = fault or "answered a command that was not sent"
        if fault:
            self._fail(fault)
        for awaited in complete:
            awaited.heard(awaited.replies)

    def _fail(self, reason: str, error: type[NextHopError] = NextHopError) -> None:
        self._lost = self._lost or reason
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            self._loop.call_soon(self._waiting.popleft().heard, error(f"{self.endpoint} {self._lost}"))
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

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate that the server showed, in DER; None where there is no TLS."""
        secured: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object") if self._transport else None
        return None if secured is None else secured.getpeercert(binary_form=True)

    @property
    def greeting(self) -> str:
        """What the server said first; "" before it has."""
        return str(self._banner.result()[0]) if self._banner.done() and not self._banner.exception() else ""

    # --- commands -------------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Nothing is known to be wrong with it."""
        return not self._lost and not self.closing and self._transport is not None

    def rest(self) -> None:
        """Nobody uses it from now on."""
        self._resting_since = self._loop.time()

    @property
    def rested(self) -> float:
        """Seconds since `rest()`."""
        return self._loop.time() - self._resting_since

    def ask(self, octets: bytes, wanted: int, heard: Callable[[Sequence[Reply] | NextHopError], None]) -> None:
        """Send the octets (whole lines, or none), and let `heard` be told of the next replies in order.

        It is called later, never before this returns; with NextHopTimeoutError if they don't come in time.
        """
        if self._lost:
            self._loop.call_soon(heard, NextHopError(f"{self.endpoint} {self._lost}"))
            return
        self._waiting.append(_Awaited(heard, wanted, []))
        self._watch()
        if octets and self._transport is not None:
            self._transport.write(octets)

    def send(self, octets: bytes, wanted: int = 1) -> asyncio.Future[list[Reply]]:
        """`ask()`, with a future that holds the replies, or raises the NextHopError."""
        answer: asyncio.Future[list[Reply]] = self._loop.create_future()
        self.ask(octets, wanted, partial(_tell, answer))
        return answer

    async def commands(self, *lines: bytes) -> list[Reply]:
        """Send the lines (without CRLF), together if the server takes pipelines, and return their replies in order."""
        if len(lines) > 1 and "PIPELINING" not in self.capabilities:
            return [await self.command(line) for line in lines]
        return await self.send(b"\r\n".join((*lines, b"")), len(lines))

    async def command(self, line: bytes) -> Reply:
        """Send one line (without CRLF) and return its reply."""
        return (await self.send(line + b"\r\n"))[0]

    async def content(self, octets: Iterable[bytes]) -> Reply:
        """After 354: stream the encoded content, which ends in the final dot, and return the answer to it.

        AnswerLostError once the final dot was written; any other NextHopError means that nothing was delivered. A
        refusal that comes before the final dot is the answer too, but the connection can't be used any more.
        """
        answer = self.send(b"")
        try:
            last = await self._all_but_the_last(octets, answer)
            if answer.done():
                return self._early(answer.result()[0])
            if self._lost:
                return (await answer)[0]  # which raises: no final dot was sent
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
        """Send the chunks for as long as the next hop keeps silent; return the one that must not be sent yet.

        Others have their turn between two chunks, also where the next hop takes them as fast as they come.
        """
        held = b""
        for chunk in octets:
            if answer.done() or self._lost:
                break
            if held:
                self._write(held)
                await asyncio.sleep(0)
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
        if self._reader.unfinished or not self.usable:
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

    async def leave(self) -> None:
        """Say goodbye, hear the answer, and hang up: nothing is left for the event loop to do, not even under TLS."""
        with suppress(NextHopError):
            await self.command(b"QUIT")
        self.abort()

    def abort(self) -> None:
        """Hang up. In mid-message a QUIT would be read as content, and be waited for if the peer does not read."""
        self._fail("was closed by us")


def _tell(answer: asyncio.Future[list[Reply]], heard: Sequence[Reply] | NextHopError) -> None:
    if answer.done():
        return
    if isinstance(heard, NextHopError):
        answer.set_exception(heard)
        answer.exception()  # whoever waits hears of it; nobody has to
    else:
        answer.set_result(list(heard))
