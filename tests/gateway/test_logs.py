"""Log lines: what they look like, what they hide, what hostile text does to them."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import pytest
import structlog

from filters.address import NULL_PATH, Mailbox
from gateway import counters
from gateway.events import Event
from gateway.logs import configure, hash_with, redact, redact_words
from gateway.settings import Log, LogAddresses, LogFormat, LogLevel
from tests.support.clocks import StoppedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIL = b"a line of somebody's mail"
RESIDENT = Mailbox("Resident", "HOME.example")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    yield
    configure(Log())  # redaction as it is before anybody sets it up
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configuration)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def _json_lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_has_time_level_event_and_what_was_given(stream: io.StringIO) -> None:
    configure(Log(format=LogFormat.JSON), clock=StoppedClock(), stream=stream)
    structlog.get_logger().info(Event.TRANSACTION, size=4096)
    assert _json_lines(stream) == [
        {"event": "transaction", "level": "info", "size": 4096, "timestamp": "2026-05-04T12:00:00.123+00:00"}
    ]


def test_a_console_line_is_one_line_for_people(stream: io.StringIO) -> None:
    configure(Log(), clock=StoppedClock(), stream=stream)
    structlog.get_logger().warning(Event.NEXT_HOP_FAILED, reason="no answer")
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("2026-05-04T12:00:00.123+00:00")
    assert "warning" in line
    assert "next_hop_failed" in line
    assert "reason='no answer'" in line


def _choke_on(content: bytes) -> None:
    raise RuntimeError(f"after {len(content)} octets")


def _fail(words: str) -> None:
    raise RuntimeError(words)


def test_lines_below_the_level_are_not_written(stream: io.StringIO) -> None:
    configure(Log(format=LogFormat.JSON, level=LogLevel.WARNING), stream=stream)
    structlog.get_logger().info(Event.STARTED)
    structlog.get_logger().error(Event.STORE_FAILED)
    assert [line["event"] for line in _json_lines(stream)] == ["store_failed"]


@pytest.mark.parametrize("form", LogFormat)
def test_an_exception_is_told_without_the_values_of_its_variables(stream: io.StringIO, form: LogFormat) -> None:
    configure(Log(format=form), stream=stream)
    try:
        _choke_on(MAIL)
    except RuntimeError:
        structlog.get_logger().exception(Event.FAULT)
    assert "RuntimeError: after 25 octets" in stream.getvalue()
    assert "somebody" not in stream.getvalue()


def test_a_terminal_is_not_obeyed_by_what_an_exception_says(stream: io.StringIO) -> None:
    configure(Log(), stream=stream)
    try:
        _fail("\x1b[2J\u202e")
    except RuntimeError:
        structlog.get_logger().exception(Event.FAULT)
    assert r"RuntimeError: \x1b[2J\u202e" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_text_that_is_no_utf8_is_logged_escaped_as_json(stream: io.StringIO) -> None:
    configure(Log(format=LogFormat.JSON), stream=stream)
    structlog.get_logger().info(Event.PROTOCOL_VIOLATION, what=b"caf\xe9".decode("utf-8", "surrogateescape"))
    assert r"caf\udce9" in stream.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [io.StringIO, _Terminal])
def test_a_terminal_is_not_obeyed_by_what_a_client_says(kind: type[io.StringIO]) -> None:
    stream = kind()
    configure(Log(), stream=stream)
    structlog.get_logger().info(Event.PROTOCOL_VIOLATION, what="\x1b[2J\u202e\udce9", helo="a\r\nb")
    (line,) = stream.getvalue().splitlines()
    assert r"\x1b[2J\u202e\udce9" in line
    assert r"a\r\nb" in line


def test_values_that_json_lacks_are_written_as_text(stream: io.StringIO) -> None:
    configure(Log(format=LogFormat.JSON), stream=stream)
    structlog.get_logger().info(Event.TRANSACTION, sender=RESIDENT)
    assert _json_lines(stream)[0]["sender"] == "Resident@HOME.example"


def test_what_libraries_warn_of_is_a_line_of_ours(stream: io.StringIO) -> None:
    configure(Log(format=LogFormat.JSON), stream=stream)
    logging.getLogger("mail.log").warning("odd: %s", "x")
    logging.getLogger("mail.log").info("chatter")
    (line,) = _json_lines(stream)
    assert (line["event"], line["source"], line["message"]) == ("library", "mail.log", "odd: x")


def test_a_library_that_formats_wrongly_breaks_nothing_of_ours(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(Log(format=LogFormat.JSON), stream=stream)
    logging.getLogger("mail.log").warning("%d", "x")
    assert stream.getvalue() == ""
    assert "Logging error" in capsys.readouterr().err


def test_an_address_is_hashed_by_what_is_compared_of_it() -> None:
    configure(Log(addresses=LogAddresses.HASHED))
    assert redact(RESIDENT) == redact("resident@home.EXAMPLE") != redact("other@home.example")


def test_a_key_makes_other_digests() -> None:
    configure(Log())
    digests = []
    for key in (b"", b"one", b"two"):
        hash_with(key)
        digests.append(redact(RESIDENT))
    hash_with(b"")
    assert len(set(digests)) == 3


def test_an_address_is_plain_or_nothing_where_that_was_configured() -> None:
    configure(Log(addresses=LogAddresses.PLAIN))
    assert redact(RESIDENT) == "Resident@HOME.example"
    configure(Log(addresses=LogAddresses.NONE))
    assert redact(RESIDENT) == "-"


@pytest.mark.parametrize("how", LogAddresses)
def test_the_null_path_is_nobody_and_stays_readable(how: LogAddresses) -> None:
    configure(Log(addresses=how))
    assert redact(NULL_PATH) == redact("") == "<>"


@pytest.mark.parametrize("address", ["postmaster", "a@", "\udce9@x.example", "a@b@c", "\x00"])
def test_no_address_is_too_odd_to_be_hidden(address: str) -> None:
    configure(Log())
    assert len(redact(address)) == 16


class _Full(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_is_lost_and_counted_and_costs_nobody_anything() -> None:
    slots = counters.begin(1)
    configure(Log(format=LogFormat.JSON), stream=_Full())
    structlog.get_logger().info(Event.TRANSACTION)
    structlog.get_logger().error(Event.FAULT)
    assert slots.totals()[counters.LOG_LINES_LOST] == 2
    slots.close()


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_stands_still_stops_nobody_and_reads_whole_lines_when_it_goes_on(kind: str) -> None:
    slots = counters.begin(1)
    with _pair(kind) as (reader, writer):
        configure(Log(format=LogFormat.JSON), stream=writer)
        for at in range(2000):
            structlog.get_logger().info(Event.TRANSACTION, at=at, reply="é" * 1500)
        lost = slots.totals()[counters.LOG_LINES_LOST]
        assert 0 < lost < 2000
        first = _heard(reader)
        structlog.get_logger().info(Event.TRANSACTION, at="afterwards")
        lines = (first + _heard(reader)).decode().splitlines()
    whole = [line for line in lines if line.endswith("}")]
    assert len(lines) - len(whole) <= 1  # the one that was broken off, in a line of its own
    assert len(whole) == 2000 - lost + 1
    assert json.loads(whole[-1])["at"] == "afterwards"
    slots.close()


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_is_only_slow_loses_nothing(kind: str) -> None:
    slots = counters.begin(1)
    heard: list[bytes] = []
    with _pair(kind) as (reader, writer):

        def read_slowly() -> None:
            while octets := os.read(reader, 4096):
                heard.append(octets)
                time.sleep(0.0005)

        configure(Log(format=LogFormat.JSON), stream=writer)
        reading = threading.Thread(target=read_slowly)
        reading.start()
        for at in range(2000):
            structlog.get_logger().info(Event.TRANSACTION, at=at, reply="x" * 500)
        writer.close()
        reading.join()
    assert [json.loads(line)["at"] for line in b"".join(heard).splitlines()] == list(range(2000))
    assert slots.totals()[counters.LOG_LINES_LOST] == 0
    slots.close()


@contextmanager
def _pair(kind: str) -> Iterator[tuple[int, TextIO]]:
    """The two ends of a stream, the second as `sys.stderr` is."""
    if kind == "pipe":
        reader, writer = os.pipe()
    else:
        reader, writer = (end.detach() for end in socket.socketpair())
    with open(writer, "w", encoding="utf-8") as stream:
        yield reader, stream
    os.close(reader)


def _heard(reader: int) -> bytes:
    """Everything that has been written until now."""
    heard = b""
    while select.select([reader], [], [], 0)[0]:
        heard += os.read(reader, 65536)
    return heard


WORDS = "550 5.1.1 <Resident@home.example>: \"a b\"@home.example, 'o'neil@home.example' (other=resident@home.example.)"


def test_addresses_in_somebody_else_s_words_are_hidden_like_others() -> None:
    configure(Log(addresses=LogAddresses.NONE))
    assert redact_words(WORDS) == "550 5.1.1 <->: -, - (-)"
    configure(Log(addresses=LogAddresses.HASHED))
    assert f"<{redact(RESIDENT)}>" in redact_words(WORDS)
    configure(Log(addresses=LogAddresses.PLAIN))
    assert redact_words(WORDS) == WORDS


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize("kind", [io.StringIO, _Terminal])
def test_an_address_in_an_exception_or_a_library_s_words_is_hidden(form: LogFormat, kind: type[io.StringIO]) -> None:
    stream = kind()
    configure(Log(format=form), stream=stream)
    try:
        _fail("no such key: 'Resident@home.example'")
    except RuntimeError:
        structlog.get_logger().exception(Event.FAULT)
        logging.getLogger("asyncio").exception("about %s", "Resident@home.example")
    said = stream.getvalue()
    assert said.count(redact(RESIDENT)) >= 3
    assert "RuntimeError: no such key" in said
    assert "Resident" not in said
