"""One mail transaction with a next hop: its RCPT codes are ours, its answer to DATA is ours (decision 1).

The transaction is opened by the first recipient. A connection that turns out to be dead costs the client nothing:
MAIL and RCPT are replayed once on a new one, also when it died while the client was uploading; never after our
final dot (the answer is lost then, and the client is told to try again: RFC 1047).

Nearly all mail finds what it needs at hand: `ask()` and `hand_over()` write, and tell a callback what was answered.
Where something else must be waited for (a connection to be opened, a client to be introduced, content in many pieces),
and whenever something goes wrong, they leave it to the coroutines behind `recipient()` and `deliver()`.
"""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from gateway.counters import FAULTS, count
from gateway.events import Event
from gateway.logs import redact_words
from gateway.model.conclusion import OUR_FAULT
from gateway.relay.connection import AnswerLostError, NextHopError, NextHopTimeoutError, NobodyThereError
from gateway.relay.introduction import introduce
from gateway.relay.retelling import (
    ANSWER_LOST,
    NO_ANSWER_TO_THAT,
    NOT_SUPPORTED,
    UNREACHABLE,
    for_client,
    temporary,
)
from gateway.settings import ClientInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

    from filters.address import Mailbox
    from filters.envelope import Origin
    from gateway.model.reply import Reply
    from gateway.relay.connection import Connection
    from gateway.relay.pool import Pool
    from gateway.settings import Endpoint

    Answered = Callable[[Reply], None]
    """Is told the reply, once."""
    Own = Callable[[Coroutine[Any, Any, Reply], Answered], None]
    """Runs the work to its end, and tells its reply; 451 if it fails."""

log = structlog.get_logger()


class MailParameters(NamedTuple):
    """What MAIL carries on to the next hop: `size` 0 when not declared, `body` "" when not given."""

    reverse_path: Mailbox
    size: int = 0
    body: str = ""
    smtputf8: bool = False


class NextHopTransaction:
    """MAIL, RCPT and DATA with one route's next hop. `finish()` ends it, whatever happened."""

    def __init__(self, pool: Pool, parameters: MailParameters, origin: Origin, own: Own) -> None:
        self._pool = pool
        self._parameters = parameters
        self._origin = origin
        self._own = own
        self._connection: Connection | None = None
        self._accepted: list[Mailbox] = []
        """Every recipient that the next hop said 2yz to, as the client was told."""
        self._open: list[Mailbox] | None = None
        """The recipients of the transaction that is open on the connection; None when MAIL is still to be sent."""
        self._refusal: Reply | None = None
        """What MAIL was refused with; answered at every RCPT."""
        self._pooled = False
        """The connection has served others before."""
        self._deadline = math.inf
        """In the event loop's time: the client waits no longer."""
        self.hop: Endpoint | None = None
        """Who was spoken with last."""
        self.heard: Reply | None = None
        """What that next hop said to our final dot, in its own words."""
        self._replaying = False
        """A connection died: from now on only new ones are used, for what is pooled may have died with it."""

    # --- with what is at hand -------------------------------------------------------------------------------------

    def ask(self, mailbox: Mailbox, answered: Answered) -> None:
        """RCPT: `answered` is told the next hop's answer for this recipient, or 451 when it can't be had."""
        connection = self._at_hand()
        if connection is None:
            self._own(self.recipient(mailbox), answered)
            return
        octets, wanted = _rcpt_line(mailbox) + b"\r\n", 1
        if self._open is None:
            octets, wanted = self._mail_line(connection) + b"\r\n" + octets, 2
        step = partial(self._asked, connection, mailbox)
        connection.ask(octets, wanted, partial(self._hear, step, partial(self._rcpt, mailbox), answered))

    def _at_hand(self) -> Connection | None:
        """A connection on which RCPT can be said at once, after MAIL if that is still to be said; else None."""
        if self._refusal is not None or self._replaying:
            return None
        connection = self._connection
        if connection is not None:
            return connection if self._open is not None and connection.usable else None
        self._connection = connection = self._pool.idle()
        if connection is None:
            return None
        self._pooled, connection.until, self.hop = True, math.inf, connection.endpoint
        told = self._pool.route.client is ClientInfo.NONE and "PIPELINING" in connection.capabilities.keywords
        return connection if told and self._unsupported(connection) is None else None

    def _asked(self, connection: Connection, mailbox: Mailbox, replies: Sequence[Reply]) -> Reply:
        refusal = self._opened_by(connection, replies[0]) if self._open is None else None
        reply = refusal or self._noted(connection, mailbox, replies[-1])
        if reply.positive:
            self._accepted.append(mailbox)
        return reply

    def hand_over(self, recipients: list[Mailbox], octets: bytes, *, deadline: float, answered: Answered) -> None:
        """`deliver()` for content that is in memory whole: `answered` is told the answer to the final dot."""
        connection = self._connection
        if connection is None or self._open != recipients or not connection.usable:
            self._own(self.deliver(recipients, lambda: (octets,), deadline=deadline), answered)
            return
        self._deadline = connection.until = deadline
        step = partial(self._went_ahead, connection, octets, answered)
        attempt = partial(self._deliver, recipients, lambda: (octets,))
        connection.ask(b"DATA\r\n", 1, partial(self._hear, step, attempt, answered))

    def _went_ahead(
        self, connection: Connection, octets: bytes, answered: Answered, replies: Sequence[Reply]
    ) -> Reply | None:
        """After 354 the content goes out, the final dot with it: from here on an answer can be lost."""
        if replies[0].code != 354:
            return self._refused_data(replies[0], again=False)
        if not connection.usable:  # more came with it than was asked for: nothing was sent yet
            raise NextHopError("the next hop said more than 354")
        connection.ask(octets, 1, partial(self._hear_the_end, connection, answered))
        return None

    def _hear_the_end(self, connection: Connection, answered: Answered, heard: Sequence[Reply] | NextHopError) -> None:
        if isinstance(heard, NextHopError):
            answered(self._failed(heard, ANSWER_LOST))
        else:
            answered(self._delivered(connection, heard[0]))

    def _hear(
        self,
        step: Callable[[Sequence[Reply]], Reply | None],
        attempt: Callable[[], Awaitable[Reply]],
        answered: Answered,
        heard: Sequence[Reply] | NextHopError,
    ) -> None:
        """Take the step that the replies allow, which may have an answer; if there are none, make the attempt anew."""
        try:
            if isinstance(heard, NextHopError):
                raise heard  # noqa: TRY301 -- what happened to the connection is told as a value
            self._demand_life(heard)
            reply = step(heard)
        except NextHopError as error:
            self._own(self._after(error, attempt), answered)
            return
        except Exception:  # nobody else would hear of it: this is called by the event loop
            count(FAULTS)
            log.exception(Event.FAULT)
            self._drop()
            reply = OUR_FAULT
        if reply is not None:
            answered(reply)

    # --- RCPT -----------------------------------------------------------------------------------------------------

    async def recipient(self, mailbox: Mailbox) -> Reply:
        """The next hop's answer to RCPT for this recipient; 451 when it can't be had."""
        if self._refusal is not None:
            return self._refusal
        return await self._attempted(lambda: self._rcpt(mailbox))

    async def _rcpt(self, mailbox: Mailbox) -> Reply:
        connection = await self._connect()
        replayed = self._accepted if self._open is None else []  # a new connection, after the last one died
        reply = (await self._round(connection, [*replayed, mailbox]))[-1]
        if reply.positive:
            self._accepted.append(mailbox)
        return reply

    # --- DATA -----------------------------------------------------------------------------------------------------

    async def deliver(
        self, recipients: Sequence[Mailbox], content: Callable[[], Iterable[bytes]], *, deadline: float
    ) -> Reply:
        """Deliver to these recipients (each accepted before) and return the answer to the final dot.

        `content` yields the octets to send, dot-stuffed and with the final dot, anew for each attempt; `deadline` is
        in the event loop's time: a client that waits longer than its own limit would send again what was delivered
        (RFC 1047).
        """
        self._deadline = deadline
        return await self._attempted(lambda: self._deliver(list(recipients), content))

    async def _deliver(self, recipients: list[Mailbox], content: Callable[[], Iterable[bytes]]) -> Reply:
        connection = await self._connect()
        again = self._open != recipients
        if again:
            refusal = await self._reopened(connection, recipients)
            if refusal is not None:
                return temporary(refusal)
        go_ahead = (await self._said(connection, b"DATA"))[0]
        if go_ahead.code != 354:
            return self._refused_data(go_ahead, again=again)
        return self._delivered(connection, await connection.content(content()))

    def _delivered(self, connection: Connection, reply: Reply) -> Reply:
        """The final dot was answered."""
        self._open, self.heard = None, reply
        connection.refusals = 0 if reply.positive else connection.refusals + 1
        return self._told(reply)

    def _refused_data(self, reply: Reply, *, again: bool) -> Reply:
        """What DATA was answered with instead of 354. `again`: the recipients had been accepted in another round."""
        if reply.positive:  # nothing was taken
            self._log(reply)
            return NO_ANSWER_TO_THAT
        told = self._told(reply)
        return temporary(told) if again else told

    def _told(self, reply: Reply) -> Reply:
        """As the client may hear it; what it is not to hear stands in the log."""
        told = for_client(reply)
        if told is NO_ANSWER_TO_THAT:
            self._log(reply)
        return told

    def _log(self, reply: Reply) -> None:
        log.warning(Event.NEXT_HOP_FAILED, reason=f"{self.hop} answered: {redact_words(str(reply))}")

    async def _reopened(self, connection: Connection, recipients: list[Mailbox]) -> Reply | None:
        """MAIL and RCPT for exactly these recipients; the first refusal, or None."""
        if self._open is not None:
            await self._said(connection, b"RSET")
            self._open = None
        replies = await self._round(connection, recipients)
        return next((reply for reply in replies if not reply.positive), None)

    # --- one round of commands on one connection ------------------------------------------------------------------

    async def _connect(self) -> Connection:
        if self._connection is not None and not self._connection.usable:
            self._drop()
        if self._connection is None:
            pooled = None if self._replaying else self._pool.idle()
            self._pooled = pooled is not None
            self._connection = pooled or await self._opened()
        self._connection.until, self.hop = self._deadline, self._connection.endpoint
        return self._connection

    async def _opened(self) -> Connection:
        try:
            async with asyncio.timeout_at(None if self._deadline == math.inf else self._deadline):
                return await self._pool.open()
        except TimeoutError:
            raise NextHopTimeoutError("no connection to the next hop while the client could wait") from None

    async def _said(self, connection: Connection, *lines: bytes) -> list[Reply]:
        """The replies to these lines; NextHopError where they tell that the connection is dead."""
        replies = await connection.commands(*lines)
        self._demand_life(replies)
        return replies

    def _demand_life(self, replies: Sequence[Reply]) -> None:
        """NextHopError for a pooled connection that says 421: it has died of age, and that is not our client's."""
        if self._pooled:
            for reply in replies:
                if reply.code == 421:
                    raise NextHopError("the next hop closes the connection")

    async def _round(self, connection: Connection, recipients: list[Mailbox]) -> list[Reply]:
        """MAIL if it is still to be sent, and RCPT for these: a reply for each."""
        lines = [_rcpt_line(mailbox) for mailbox in recipients]
        if self._open is None:
            telling = self._pool.route.client is not ClientInfo.NONE
            objection = (await self._introduced(connection) if telling else None) or self._unsupported(connection)
            if objection is not None:
                return [objection] * len(recipients)
            lines.insert(0, self._mail_line(connection))
        replies = await self._said(connection, *lines)
        refusal = self._opened_by(connection, replies.pop(0)) if self._open is None else None
        if refusal is not None:
            return [refusal] * len(recipients)
        return [self._noted(connection, *answer) for answer in zip(recipients, replies, strict=True)]

    def _opened_by(self, connection: Connection, reply: Reply) -> Reply | None:
        """MAIL was answered: the refusal, which speaks for all recipients, or None."""
        if reply.positive:
            connection.transactions += 1
            self._open = []
            return None
        connection.refusals += 1
        self._refusal = self._told(reply)
        return self._refusal

    def _noted(self, connection: Connection, mailbox: Mailbox, reply: Reply) -> Reply:
        """RCPT was answered."""
        reply = self._told(reply)
        if reply.positive and self._open is not None:
            self._open.append(mailbox)
        else:
            connection.refusals += 1
        return reply

    async def _introduced(self, connection: Connection) -> Reply | None:
        """Tell the next hop of the client, where the route says so; what it has against that client, or None."""
        refusal = await introduce(connection, self._origin.client, self._pool.route.client, self._pool.hostname)
        if refusal is None:
            return None
        if self._pooled and refusal.code == 421:
            raise NextHopError(f"{connection.endpoint} closes the connection")
        connection.refusals += 1
        self._refusal = for_client(refusal)
        return self._refusal

    def _unsupported(self, connection: Connection) -> Reply | None:
        """What EHLO promised by hearsay and this next hop lacks: not now; from here on it is not offered either."""
        utf8 = self._parameters.smtputf8 and "SMTPUTF8" not in connection.capabilities
        eightbit = self._parameters.body == "8BITMIME" and "8BITMIME" not in connection.capabilities
        return NOT_SUPPORTED if utf8 or eightbit else None

    def _mail_line(self, connection: Connection) -> bytes:
        line = f"MAIL FROM:<{self._parameters.reverse_path}>"
        if self._parameters.size and "SIZE" in connection.capabilities:
            line += f" SIZE={self._parameters.size}"
        if self._parameters.body and "8BITMIME" in connection.capabilities:
            line += f" BODY={self._parameters.body}"
        if self._parameters.smtputf8:
            line += " SMTPUTF8"
        return line.encode()

    async def _attempted(self, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """The attempt's reply, or what becomes of it."""
        try:
            return await attempt()
        except NextHopError as error:
            return await self._after(error, attempt)

    async def _after(self, error: NextHopError, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """Once more on a new connection if the first one died; 451 for every other trouble."""
        if isinstance(error, AnswerLostError | NextHopTimeoutError):
            return self._failed(error, ANSWER_LOST)
        if self._connection is None:  # none could be opened: no use in asking again at once
            return self._failed(error, UNREACHABLE)
        self._drop()
        self._replaying = True
        try:
            return await attempt()
        except AnswerLostError as failure:
            return self._failed(failure, ANSWER_LOST)
        except NextHopError as failure:
            return self._failed(failure, UNREACHABLE)

    def _failed(self, error: NextHopError, reply: Reply) -> Reply:
        if not isinstance(error, NobodyThereError):
            log.warning(Event.NEXT_HOP_FAILED, reason=str(error))
        self._drop()
        return reply

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        self._connection = self._open = None

    def finish(self) -> None:
        """Nothing more to come: give the connection back, resetting what is still open on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._open is None:
            self._pool.release(connection)
        else:
            self._pool.reset_and_release(connection)


def _rcpt_line(mailbox: Mailbox) -> bytes:
    return f"RCPT TO:<{mailbox}>".encode()
