"""Sets up structlog, and hides addresses: log lines go to stderr, one JSON object or one readable line each.

Never logs content of mail, and writes the addresses of clean mail only as `[log] addresses` says. A log line about a
hostile message costs nobody the message: what can't be written as it is, is written escaped.
"""

from __future__ import annotations

import json
import logging
import os
import re
import select
import stat
import sys
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, TextIO, assert_never

import orjson

from filters.address import ADDRESS_IN_WORDS, Mailbox
from gateway.clock import Clock, SystemClock
from gateway.counters import LOG_LINES_LOST, count
from gateway.events import Event
from gateway.settings.values import LogAddresses, LogFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict, Processor, WrappedLogger

    from gateway.settings import Log

if "rich" in sys.modules:
    import structlog
else:
    # structlog draws rich in where it finds it, 8 MB for tracebacks that show local variables: those hold mail, and
    # nobody sees them here. None stands for a module that can't be imported.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog

    del sys.modules["rich"]

_DIGEST_OCTETS = 8
"""Of a hashed address: 64 bits tell the correspondents of an agency apart."""
_AT_ONCE = 1000
"""Characters, which are 4000 octets at most: a pipe that has room at all takes 4096 (pipe(7), PIPE_BUF)."""
_PATIENCE = 1.0
"""Seconds for a reader of the log that is slow: a burst of mail writes more than a pipe holds."""
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class _Redaction:
    """How addresses are hidden in this process: set by `configure`, and by `hash_with`."""

    how = LogAddresses.HASHED
    digest = blake2b(digest_size=_DIGEST_OCTETS, person=b"log")
    """With the key in it: of a copy, the rest of a digest costs half."""


def redact(address: Mailbox | str) -> str:
    """The address of clean mail as the log may hold it: 16 hex digits of a digest, the address itself, or "-".

    The null path is no address: it stays "<>". Equal canonical addresses have equal digests.
    """
    mailbox = address if isinstance(address, Mailbox) else _mailbox(address)
    return _hidden(str(mailbox), mailbox.key) if str(mailbox) else "<>"


def redact_id(message_id: str) -> str:
    """A Message-ID of clean mail, as `redact` has addresses: some hold one, and all of them name one message."""
    return _hidden(message_id, message_id) if message_id else ""


def _hidden(text: str, key: str) -> str:
    """The text as this process may log it; texts of equal keys have equal digests."""
    if _Redaction.how is LogAddresses.HASHED:
        return _digest(key)
    return text if _Redaction.how is LogAddresses.PLAIN else "-"


def hashed(argument: str) -> frozenset[str]:
    """How the log may name this address, or this Message-ID, where it hashes: see `redact` and `redact_id`."""
    in_brackets = f"<{argument.strip().strip('<>')}>"
    address = _mailbox(in_brackets[1:-1]).key
    return frozenset(map(_digest, (address, in_brackets)))


def _mailbox(address: str) -> Mailbox:
    """Without judging: what is no address is hidden like one."""
    local_part, at, domain = address.rpartition("@")
    return Mailbox(local_part, domain) if at else Mailbox(address, "")


def redact_words(text: str) -> str:
    """Somebody else's words, such as a next hop's reply or an exception's, with every address in them redacted."""
    if _Redaction.how is LogAddresses.PLAIN or "@" not in text:
        return text
    return ADDRESS_IN_WORDS.sub(lambda found: redact(found[0].strip("'.`")), text)


def _digest(key: str) -> str:
    digest = _Redaction.digest.copy()
    digest.update(key.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def hash_with(key: bytes) -> None:
    """From now on digests of addresses are made with this key; the same on every node, so that they can be compared.

    Without the key, nobody who has the log can try out addresses.
    """
    _Redaction.digest = blake2b(digest_size=_DIGEST_OCTETS, key=key, person=b"log")


def configure(log: Log, *, clock: Clock | None = None, stream: TextIO | None = None) -> None:
    """Set up logging for this process.

    Call it before the first line is logged: loggers keep the set-up that they met.
    """
    stream = stream or sys.stderr
    _Redaction.how = log.addresses
    level = logging.getLevelNamesMapping()[log.level.value.upper()]
    lines = _Lines(stream)
    structlog.configure(
        processors=[_stamp(clock or SystemClock()), *_rendering(log, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)


class _Lines:
    """Writes lines. Where one can't be written (a full disk, a reader that left or stands still), mail goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._has_room = _room(stream)
        self._broken_off = ""
        """A line end, while the last line lacks it."""

    def msg(self, line: str) -> None:
        rest = f"{self._broken_off}{line}\n"
        try:
            while rest:
                if not self._has_room():
                    raise BlockingIOError
                self._stream.write(rest[:_AT_ONCE])
                self._stream.flush()
                rest = rest[_AT_ONCE:]
                self._broken_off = "\n" if rest else ""
        except (OSError, ValueError):
            count(LOG_LINES_LOST)

    log = debug = info = warn = warning = error = critical = exception = fatal = failure = msg  # structlog's names


def _room(stream: TextIO) -> Callable[[], bool]:
    """Whether `_AT_ONCE` can be written without waiting for a reader that stands still.

    Journald on a disk that hangs, or a terminal on which somebody stopped the output, would stop all mail. A file has
    no reader; and what blocks is not ours to change, for other programs write to it too.
    """
    try:
        number = stream.fileno()
        if stat.S_ISREG(os.fstat(number).st_mode):
            return lambda: True
    except (OSError, ValueError):  # no file at all
        return lambda: True
    return _Reader(number).takes_more


class _Reader:
    """Who reads the log, at the other end of a pipe or a socket: is waited for, but not again while it stands still."""

    def __init__(self, number: int) -> None:
        self._poll = select.poll()
        self._poll.register(number, select.POLLOUT)
        self._stands_still = False

    def takes_more(self) -> bool:
        room = bool(self._poll.poll(0 if self._stands_still else _PATIENCE * 1000))
        self._stands_still = not room
        return room


def _rendering(log: Log, stream: TextIO) -> list[Processor]:
    match log.format:
        case LogFormat.JSON:
            return [_as_json]
        case LogFormat.CONSOLE if stream.isatty():
            # Plain tracebacks: rich ones show local variables, and those hold mail.
            renderer = structlog.dev.ConsoleRenderer(
                colors=True, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
            )
            return [_with_trace, _escape_unprintable, renderer]
        case LogFormat.CONSOLE:
            return [_as_line]
        case unreachable:
            assert_never(unreachable)


def _stamp(clock: Clock) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    second = after = clock.now()
    text = ""

    def stamp(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Level and time; one function, because each that is called costs every line."""
        nonlocal second, after, text  # the text of the second is made once
        now = clock.now()
        if not second <= now < after:
            second = now.replace(microsecond=0)
            after = second + timedelta(seconds=1)
            text = second.isoformat()[:19]
        event["level"] = method
        event["timestamp"] = f"{text}.{now.microsecond // 1000:03}+00:00"
        return event

    return stamp


def _as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    if "exc_info" in event:
        event = _with_trace(logger, method, event)
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:  # text that is no UTF-8: octets of a hostile client, decoded with surrogates
        return json.dumps(event, default=str)


def _with_trace(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What an exception says may hold the address that it is about."""
    event = structlog.processors.format_exc_info(logger, method, event)
    if "exception" in event:
        event["exception"] = redact_words(event["exception"])
    return event


def _as_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """As on a terminal, without colours: where nobody looks on, a line costs every message a third of that."""
    if "exc_info" in event:
        event = _with_trace(logger, method, event)
    when, level, what, trace = (
        event.pop("timestamp"),
        event.pop("level"),
        event.pop("event"),
        event.pop("exception", ""),
    )
    line = f"{when} [{level:<9}] {what:<30} {' '.join([f'{name}={_shown(value)}' for name, value in event.items()])}"
    return _escaped(line) if not trace else "\n".join(map(_escaped, (line, *trace.split("\n"))))


def _shown(value: object) -> str:
    """In quotes where its end would not be seen."""
    text = str(value)
    return repr(text) if " " in text or not text else text


def _escaped(line: str) -> str:
    return line if _UNPRINTABLE.search(line) is None else _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], line)


def _escape_unprintable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A terminal obeys control characters and hides others: neither may come from a message."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _escaped(value)
    return event


class _Forward(logging.Handler):
    """Passes on what libraries say through the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line of ours for one record of theirs."""
        try:
            message = redact_words(record.getMessage())
        except (TypeError, ValueError):  # their format and their arguments don't fit
            self.handleError(record)
            return
        logger = structlog.get_logger()
        logger.log(record.levelno, Event.LIBRARY, source=record.name, message=message, exc_info=record.exc_info)
