"""The SMTP engine: octets in, commands to the session, replies out. aiosmtpd's `SMTP`, driven by callbacks.

The commands of a mail transaction (MAIL, RCPT, DATA, RSET, NOOP, QUIT) are taken straight from the input buffer by our
own grammar, like EHLO with a plain name, and DATA is read in chunks. Every other line goes to aiosmtpd's own loop,
`_handle_client()`, which begins with the first such line and then waits in `Lines.readuntil()`: while it is parked
there the engine reads on by itself. So there is one buffer and one order of commands. What that loop is given stands
in `gateway.smtp.borrowed`.

Engines are made without aiosmtpd's constructor; what it would set stands in their class (`gateway.smtp.template`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import structlog
from aiosmtpd.smtp import SMTP

from gateway.counters import FAULTS, PROTOCOL_VIOLATIONS, SESSIONS_NOT_SECURED, count
from gateway.events import Event
from gateway.smtp import replies
from gateway.smtp.borrowed import Lines, SessionCommands, with_enhanced_code
from gateway.smtp.client_identity import peer_of
from gateway.smtp.commands import COMMANDS, FOREIGN_VERBS, WITHOUT_ARGUMENT
from gateway.smtp.replies import octets
from gateway.smtp.session_time import SessionTime

if TYPE_CHECKING:
    import asyncio

    from gateway.model.reply import Reply
    from gateway.smtp.client_identity import Peer
    from gateway.smtp.data import DataReader
    from gateway.smtp.server import SmtpServer
    from gateway.smtp.session import Session

INPUT_LIMIT = 64 * 1024
"""Octets read ahead of a hook that waits; beyond it the client is not read from (back-pressure)."""
LINGER = 5.0
"""Seconds for a client to read our last words."""

log = structlog.get_logger()


class Engine(SMTP):
    """One SMTP session's engine; a server's class of them is made by `engine_class()`."""

    conversation: Session
    """Once the connection is admitted."""
    presented: Peer | None = None
    """Whom a proxy named before the session began."""
    _server: SmtpServer
    _input = b""
    """What is read, or was: from `_at` on nothing has been taken yet."""
    _at = 0
    _output = b""
    _wire: asyncio.Transport | None = None
    _lines: Lines | None = None
    """What aiosmtpd's loop reads from; None until it is needed."""
    _data: DataReader | None = None
    _longest_line = 0
    _commands_left = _errors_left = 0
    _discarding = False
    _waiting = False
    """A command is being carried out that what follows must wait for."""
    _waiting_to_write = False
    _deaf = False
    _ended = False
    """The client says no more."""
    _admitted = False
    _secured = False

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.Transport", transport)
        peer = self.presented or peer_of(transport)
        self.client_ip = peer.address
        self.last_active = self.loop.time()
        self._time = SessionTime(self.last_active)
        limits = self._server.limits
        self._longest_line, self._commands_left, self._errors_left = (
            limits.max_command_line,
            limits.max_commands,
            limits.max_errors,
        )
        refusal = self._server.admit(self)
        if refusal is not None:
            self.close_with(refusal)
            return
        self._admitted = True
        self.conversation = self._server.converse(peer, self.answered)
        self._wire.write(self._server.greeting)

    def data_received(self, data: bytes) -> None:
        if self._wire is None:
            return  # we have hung up
        self.last_active = self.loop.time()
        self._input = self._input[self._at :] + data if self._input else data
        self._at = 0
        self.read_on()

    def eof_received(self) -> bool:
        """What the client has said is answered before the connection is closed (RFC 5321 §4.1.1.10).

        Else a message may be delivered whose sender never hears of it, and sends it again. TLS has no half-open state.
        """
        self._ended = True
        return self._is_busy and not self._secured

    def connection_lost(self, error: Exception | None) -> None:
        if self._wire is None:
            return
        self._wire = None
        self._server.dismiss(self)
        if self._handler_coroutine is not None:
            self._lend("transport", None)
            self._handler_coroutine.cancel()
        if self._admitted:
            self.conversation.lost()
        if self._data is not None:
            self._data.spool.close()

    def pause_writing(self) -> None:
        self._waiting_to_write = True

    def resume_writing(self) -> None:
        self._waiting_to_write = False
        self.read_on()

    def _begin_session(self) -> None:
        """aiosmtpd's side of it: a session that has not been greeted yet."""
        self._lend("transport", self._wire)
        self._lend("_writer", self._wire)  # at the end aiosmtpd's loop closes it once more, which is harmless
        self.session = self._create_session()
        self.session.peer = self.client_ip
        self.envelope = self._create_envelope()

    def _lend(self, name: str, value: object) -> None:
        """Set an attribute of aiosmtpd's to something that serves its loop as well as what it declares."""
        vars(self)[name] = value

    # --- reading --------------------------------------------------------------------------------------------------

    def read_on(self) -> None:
        """Take commands and content off the input for as long as nothing must be waited for."""
        try:
            while self._input and not self._waiting and not self._waiting_to_write and self._wire is not None:
                if not (self._read_command() if self._data is None else self._read_content(self._data)):
                    break
        except Exception:  # where a command or a message ends is not certain any more: only closing is safe
            count(FAULTS)
            log.exception(Event.FAULT)
            self.close_with(replies.FAULT_CLOSING)
        if self._output:
            self._flush()
        if self._deaf or len(self._input) > INPUT_LIMIT:
            self._throttle()
        if self._ended and not self._is_busy and self._wire is not None:  # all is answered
            self._wire.close()
            self.connection_lost(None)

    @property
    def _is_busy(self) -> bool:
        return self._waiting or self._waiting_to_write

    def resume(self) -> None:
        """What was waited for is done."""
        self._waiting = False
        self.read_on()

    def _go_on_soon(self) -> None:
        """There is room for more content; the session that made it must not be held up by this one."""
        self.last_active = self.loop.time()
        self.loop.call_soon(self.resume)

    def _throttle(self) -> None:
        """Leave what the client sends to TCP's flow control for as long as too much of it waits here."""
        full = len(self._input) - self._at > INPUT_LIMIT
        if full == self._deaf or self._wire is None:
            return
        self._deaf = full
        if full:
            self._wire.pause_reading()
        else:
            self._wire.resume_reading()

    def _read_content(self, data: DataReader) -> bool:
        rest = data.feed(self._input[self._at :])
        self._input, self._at = rest or b"", 0
        if rest is None:
            self._waiting = data.spool.must_wait(self._go_on_soon)
            return False
        self._data = None
        self.reply_or_wait(self.conversation.content(data))
        return True

    def _read_command(self) -> bool:
        start, end = self._at, self._input.find(b"\r\n", self._at)
        if end < 0:
            self._overlong()
            return False
        line = self._input[start:end]
        self._input, self._at = (self._input, end + 2) if end + 2 < len(self._input) else (b"", 0)
        self._commands_left -= 1
        if self._commands_left < 0 and not self.conversation.in_transaction:
            self.close_with(replies.SESSION_SPENT)
        elif self._discarding or len(line) > self._longest_line:
            self._discarding = False
            self.reply(replies.LINE_TOO_LONG)
        elif b"\r" in line or b"\n" in line or b"\0" in line:
            self.reply(replies.BAD_CHARACTER)
        else:
            self._execute(line)
        return True

    def _overlong(self) -> None:
        """Throw away what can't be a command any more, but not the CR that may end it."""
        if len(self._input) - self._at > self._longest_line + 1:
            self._discarding = True
            self._at = len(self._input) - 1

    # --- commands -------------------------------------------------------------------------------------------------

    def _execute(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        command = COMMANDS.get(verb)
        if command is None and verb.endswith(b"\t"):  # RFC 5321 §4.1.1: white space at the end of a line is borne
            verb = verb.rstrip(b"\t")
            command = COMMANDS.get(verb)
        if command is None:
            self._refuse_or_hand_over(verb, line)
        elif argument and verb in WITHOUT_ARGUMENT and argument.strip():
            self.reply(replies.NO_ARGUMENT_ALLOWED)
        else:
            try:
                command(self, line)
            except Exception:
                count(FAULTS)
                log.exception(Event.FAULT)
                self.reply(replies.OUR_FAULT)

    def _refuse_or_hand_over(self, verb: bytes, line: bytes) -> None:
        if verb in FOREIGN_VERBS:
            self.close_with(replies.NOT_SMTP)
        elif verb == b"BDAT":
            self.close_with(replies.BDAT_NOT_OFFERED)  # what follows would be content, and read as commands
        elif verb not in SessionCommands.NAMES:
            self.reply(replies.UNKNOWN_COMMAND)
        elif not line.isascii():
            self.reply(replies.NOT_ASCII)
        else:
            self.hand_over(line)

    def hand_over(self, line: bytes) -> None:
        """Let aiosmtpd's loop carry this command out; it begins with the first one, and then waits for more."""
        self._waiting = True
        if self._lines is not None:
            self._lines.hand_over(line)
            return
        self._lines = Lines(self)
        self._lines.hand_over(line)
        self._lend("_reader", self._lines)
        self._lend("_smtp_methods", SessionCommands(self))
        self._begin_session()
        self._handler_coroutine = self._server.own(self._handle_client())

    def reply_or_wait(self, reply: Reply | None) -> None:
        """Queue the reply; None: read on when `answered()` is told it."""
        if reply is None:
            self._waiting = True
        else:
            self.reply(reply)

    def answered(self, reply: Reply) -> None:
        """What had to be waited for is there."""
        if self._wire is None:
            return
        self._waiting = False
        self.reply(reply)
        self.last_active = self.loop.time()
        if self._input or self._ended:
            self.read_on()
        elif self._output:
            self._flush()

    def take_content(self, reader: DataReader) -> None:
        """What comes next is content, and `reader` gets it."""
        self._data = reader
        self.reply(replies.GO_AHEAD)

    def begin_again(self) -> None:
        """The session is as new, for aiosmtpd's loop too if it runs."""
        if self._lines is not None:
            self._begin_session()

    async def handle_exception(self, error: Exception) -> str:
        """What aiosmtpd answers when its own loop fails."""
        count(FAULTS)
        log.error(Event.FAULT, exc_info=error)
        return octets(replies.OUR_FAULT)[:-2].decode()

    # --- replies --------------------------------------------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Queue a reply; they leave together when the engine has to wait."""
        self._output += octets(reply)
        if reply.code >= 500 and reply.code not in replies.NOT_SESSION_ERRORS:
            self._count_error()

    def _count_error(self) -> None:
        self._errors_left -= 1
        if self._errors_left < 0:
            self.close_with(replies.TOO_MANY_ERRORS)

    async def push(self, status: str | bytes) -> None:
        """A reply in aiosmtpd's words, with an enhanced code where RFC 2034 wants one."""
        if self._lines is not None and self._lines.greeting:
            return
        text = status.decode("ascii", "replace") if isinstance(status, bytes) else status
        self._output += with_enhanced_code(text).encode("ascii", "replace") + b"\r\n"
        if text.startswith("5"):
            self._count_error()
        self._flush()

    def _flush(self) -> None:
        if self._wire is not None:
            self._wire.write(self._output)
        self._output = b""

    def close_with(self, reply: Reply) -> None:
        """Say it and hang up."""
        wire = self._wire
        if wire is not None:
            wire.write(self._output + octets(reply))
            self._output = b""
            if not wire.is_closing():  # once the client hangs up it is
                wire.close()
            if wire.get_write_buffer_size():
                self.loop.call_later(LINGER, wire.abort)  # a client that never reads would keep the socket for ever
            self.connection_lost(None)

    # --- time -----------------------------------------------------------------------------------------------------

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Note that something happened; the server's sweeper looks once a second, instead of a timer per command."""
        self.last_active = self.loop.time()

    def sweep(self, now: float) -> None:
        """Close what has taken too long. What somebody is at work on, to answer it, has limits of its own."""
        limits = self._server.limits
        if self._time.is_up(now, limits):
            self._commands_left = 0  # the next command outside a mail transaction is one too many
        held_up = self._data is not None and self._server.memory.is_crowded
        in_hand = self.conversation.transaction_id
        objection = self._time.objection(now, self.last_active, in_hand, limits, held_up=held_up)
        if objection is not None and not self._waiting:
            self.close_with(objection)

    def drain(self) -> None:
        """Shutting down: close the session unless a mail transaction is in hand."""
        if not self._admitted or not (self._waiting or self.conversation.in_transaction):
            self.close_with(replies.SERVICE_CLOSING)

    # --- the session's commands, called by aiosmtpd's loop --------------------------------------------------------

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """RFC 3207: whatever was said before TLS is forgotten, whatever was sent ahead of it is an attack."""
        if arg:
            self.reply(replies.NO_ARGUMENT_ALLOWED)
        elif self._server.tls is None or self._secured:
            self.reply(replies.NOT_OFFERED)
        elif self._input:
            count(PROTOCOL_VIOLATIONS)
            log.warning(Event.PROTOCOL_VIOLATION, what="octets sent ahead of the TLS handshake")
            self.close_with(replies.NOT_OFFERED)
        else:
            await self._start_tls()

    async def _start_tls(self) -> None:
        await self.push("220 2.0.0 Ready to start TLS")
        plain, context = self._wire, self._server.tls
        assert plain is not None and context is not None  # noqa: S101, PT018 -- smtp_STARTTLS asked
        try:
            secured = await self.loop.start_tls(
                plain, self, context, server_side=True, ssl_handshake_timeout=self._server.limits.starttls_timeout
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            count(SESSIONS_NOT_SECURED)
            log.info(Event.TLS_FAILED, reason=str(error) or type(error).__name__)
            plain.abort()
            self.connection_lost(error)
            return
        if secured is None:
            return  # the client left in mid-handshake
        self._wire = secured  # what is in the input now came through TLS: its client need not wait for us
        self._secured = True
        self._begin_session()
        self.conversation.secured(secured.get_extra_info("ssl_object"))
