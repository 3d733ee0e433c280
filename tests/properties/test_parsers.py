"""What peers, files and people hand us: whatever it is, it is read or refused in words, and never slowly."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.address import AddressError, Mailbox, canonical_domain, canonical_local_part, parse_path
from filters.calendar import MOST_ORGANIZERS, organizers
from filters.content import Header, decode_text, header_length, header_section, parse_header
from filters.encoded_words import decode_words
from filters.identities import claims
from filters.mime_parts import MimeLimits, Part
from filters.packs import format_csv, parse_csv, parse_pack
from gateway.errors import ConfigurationError
from gateway.model.delivery_status import failed_delivery
from gateway.model.reply import Reply
from gateway.model.trace import as_it_leaves, continues, forged_fields, received_field
from gateway.relay.connection import parse_capabilities
from gateway.relay.reply_reader import ReplyReader
from gateway.relay.retelling import for_client
from gateway.relay.routes import Offers
from gateway.relay.wire import encode
from gateway.settings import load
from gateway.settings.lines import key_lines
from gateway.smtp.client_attributes import MAX_VALUE, XCLIENT, XFORWARD, read_attributes
from gateway.smtp.grammar import parse_mail, parse_rcpt
from gateway.smtp.proxy_protocol import ProxyHeader, ProxyHeaderError, read_proxy_header
from gateway.smtp.replies import octets as on_the_wire
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from filters.packs import Parsed

OFFERS = Offers(size=1_000_000, eightbitmime=True, smtputf8=True)


def _texts(*pieces: str) -> st.SearchStrategy[str]:
    """Made of these pieces, or of whatever."""
    return st.one_of(st.lists(st.sampled_from(pieces), max_size=25).map("".join), st.text(max_size=60))


def _octets(*pieces: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(st.lists(st.sampled_from(pieces), max_size=40).map(b"".join), st.binary(max_size=200))


# --- commands and addresses -------------------------------------------------------------------------------------------

PATHS = _texts("a", "Z", "é", "中", "@", "x.example", ".", "..", "-", "_", '"', "\\", " ", "\t", "<", ">", ",", ":", "[", "]",
               "192.0.2.1", "IPv6:", "::1", "%", "!", "+", "(", ")", "\0", "\r", "\n", "\x7f", "\x85", "\u2028", "\udcff", "postmaster", "a" * 64, "b" * 63 + ".")  # fmt: skip
PARAMETERS = _texts(" ", "SIZE=", "SIZE=5", "BODY=", "8BITMIME", "7BIT", "BINARYMIME", "SMTPUTF8", "=", "AUTH=<>", "\t", "9" * 25, "\xa0", "\r", "²")  # fmt: skip


def _line(verb: str, space: str, path: str, parameters: str) -> bytes:
    return f"{verb}{space}<{path}>{parameters}".encode("utf-8", "surrogateescape" if "\udcff" in path else "replace")


@given(PATHS, PARAMETERS, st.booleans())
def test_a_reverse_path_is_read_alike_however_mail_is_spelled(path: str, parameters: str, extended: bool) -> None:
    """There is a short way for what nearly every MAIL looks like; a space sends it the long way."""
    tidy, spaced = (_line("MAIL FROM:", space, path, parameters) for space in ("", " "))
    read = parse_mail(tidy, OFFERS, extended=extended)
    assert read == parse_mail(spaced, OFFERS, extended=extended)
    assert isinstance(read, Reply) or _stands_alone(read.reverse_path)
    assert not isinstance(read, Reply) or read.permanent


@given(PATHS, PARAMETERS, st.booleans())
def test_a_recipient_is_read_or_refused(path: str, parameters: str, smtputf8: bool) -> None:
    read = parse_rcpt(_line("RCPT TO:", "", path, parameters), smtputf8=smtputf8)
    assert read.permanent if isinstance(read, Reply) else read.local_part and _stands_alone(read)


def _stands_alone(mailbox: Mailbox) -> bool:
    """What is said to the next hop for it is read back as the same, and can't break out of its brackets or its line."""
    text = str(mailbox)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text), ascii(text)
    again = parse_rcpt(f"RCPT TO:<{text}>".encode(), smtputf8=True) if text else mailbox
    return again == mailbox


@given(PATHS)
def test_an_address_that_we_take_has_the_domain_that_other_readers_see(path: str) -> None:
    with suppress(AddressError):
        mailbox = parse_path(path)
        if mailbox.domain and not mailbox.domain.startswith("["):
            unrouted = path.rpartition(":")[2] if path.startswith("@") else path
            try:
                other = Address(addr_spec=unrouted)
            except (HeaderParseError, ValueError, IndexError):
                return
            assert other.domain == mailbox.domain
            if '"' not in mailbox.local_part:
                assert canonical_local_part(f'"{mailbox.local_part}"') == canonical_local_part(mailbox.local_part)
    canonical_domain(path)


XTEXT = _octets(b" ", b"NAME=", b"ADDR=", b"HELO=", b"PORT=", b"PROTO=", b"SOURCE=", b"LOGIN=", b"=", b"192.0.2.1", b"IPV6:::1", b"[UNAVAILABLE]",
                b"+0D", b"+0A", b"+00", b"+C3+A9", b"+E2+80+AE", b"+ED+B0+80", b"+", b"LOCAL", b"ESMTP", b"99999", b"\xb2", b"a" * 300, b"\xff")  # fmt: skip


@given(XTEXT, st.sampled_from([XCLIENT, XFORWARD]))
def test_what_a_relay_says_of_a_client_can_be_shown_and_passed_on(words: bytes, known: tuple[str, ...]) -> None:
    read = read_attributes(b"XCLIENT " + words, known)
    if isinstance(read, Reply):
        assert read.code == 501
        return
    for name, value in read.items():
        assert name in known
        assert value.isprintable()
        assert len(value.encode()) <= MAX_VALUE
        if name in {"ADDR", "DESTADDR"} and value:
            ipaddress.ip_address(value)


PROXIED = _octets(b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"192.0.2.1 ", b"::1 ", b"::ffff:1.2.3.4 ", b"25", b" 25", b"99999", b"\r\n", b"\r", b"\n",
                  b"\r\n\r\n\x00\r\nQUIT\n", b"\x21\x11\x00\x0c", b"\x21\x21\x00\x24", b"\x20\x00\x00\x00", b"\x21\x11\xff\xff", b"\x7f\x00\x00\x01", b"\x00" * 12)  # fmt: skip


@example(b"PROXY \n\r\n")
@given(PROXIED)
def test_a_proxy_header_is_the_same_however_it_comes_in(octets: bytes) -> None:
    """Octet by octet or all at once; refused at the first octet that no header has there, and not before."""
    whole, first = _proxy_header(octets), len(octets)
    for length in range(len(octets) + 1):
        partly = _proxy_header(octets[:length])
        if partly is not None:
            first = length
            break
    assert _proxy_header(octets[:first]) == whole
    if isinstance(whole, ProxyHeader):
        assert whole.length == first <= len(octets)
        if whole.address:
            ipaddress.ip_address(whole.address)
        assert not whole.port or 0 <= int(whole.port) <= 65535


def _proxy_header(octets: bytes) -> ProxyHeader | str | None:
    try:
        return read_proxy_header(octets)
    except ProxyHeaderError:
        return "refused"


# --- what a next hop says ---------------------------------------------------------------------------------------------

REPLIES = _octets(b"250", b"-", b" ", b"\r\n", b"\n", b"\r", b"5.1.1 ", b"2.0.0", b"4.", b"550 ", b"421 4.3.2 bye\r\n", b"354 go\r\n", b"999 x\r\n", b"text", b"\xff", b"\0", b"\x1b[2J",
                  b"250-SIZE 9999999999999999999999\r\n", b"250-SIZE \xc2\xb2\r\n")  # fmt: skip


@given(REPLIES, st.lists(st.integers(0, 200), max_size=10))
def test_a_next_hop_s_replies_are_the_same_however_they_are_cut(octets: bytes, cuts: list[int]) -> None:
    whole, pieces = ReplyReader(), ReplyReader()
    replies = list(whole.read(octets))
    places = [0, *sorted(cut for cut in cuts if cut < len(octets)), len(octets)]
    heard: list[Reply] = []
    for start, end in pairwise(places):
        if not pieces.fault:
            heard += pieces.read(octets[start:end])
    assert (heard, pieces.fault) == (replies, whole.fault)
    for reply in replies:
        assert 200 <= reply.code <= 599
        assert all(line.isprintable() for line in reply.text.split("\n"))
        parse_capabilities(reply).size  # noqa: B018 -- a property
        _can_be_said(for_client(reply))


def _can_be_said(reply: Reply) -> None:
    """Every line has the code, the last one a space behind it, all of it ASCII; and what is read of it is the same."""
    said = on_the_wire(reply)
    assert said.isascii()
    assert re.fullmatch(rb"(?:%d-[^\r\n]*\r\n)*%d [^\r\n]*\r\n" % (reply.code, reply.code), said)
    assert reply.code // 100 in {2, 4, 5}
    assert reply.enhanced.startswith(f"{reply.code // 100}.")
    assert len(ReplyReader().read(said)) == 1


# --- header sections and parts ----------------------------------------------------------------------------------------

SECTIONS = _octets(b"From: ", b"a@mfa.gov.cn", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"X-Liaison-Flag", b"Authentication-Results", b"mx.police.example", b";", b"(", b")",
                   b"\\", b'"', b"=?utf-8?b?", b"=?x?q?=0d=0a?=", b"?=", b"\0", b"\xff", b"x-liaison-")  # fmt: skip


@given(SECTIONS)
def test_forged_fields_are_taken_out_and_nothing_else(section: bytes) -> None:
    section = header_section(section)
    forged = forged_fields(section, "mx.police.example")
    assert all(0 <= one.start < one.end <= len(section) for one in forged)
    assert all(before.end <= after.start for before, after in pairwise(forged))
    kept = as_it_leaves(section, forged)
    assert not continues(kept)
    kept = kept.removeprefix(b"\r\n")
    assert len(kept) == len(section) - sum(one.end - one.start for one in forged)
    assert all(one in parse_header(section).fields for one in parse_header(kept).fields) or kept[:1] in b" \t>F"


@given(st.lists(SECTIONS, max_size=6))
def test_nothing_that_leaves_has_a_bare_newline_or_an_early_end(chunks: list[bytes]) -> None:
    wire = b"".join(encode(chunks))
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", wire) is None
    assert wire.endswith(b".\r\n")
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3
    assert wire == b"".join(encode([b"".join(chunks)]))


@given(st.text(max_size=300), st.text(max_size=40), _texts("a@police.example", ">", "\r\n", "é"))
def test_our_received_field_is_one_field_whatever_the_client_calls_itself(helo: str, address: str, to: str) -> None:
    recipient = None
    with suppress(AddressError):
        recipient = str(parse_path(to, smtputf8=True))
    field = received_field(
        helo=helo, client_ip="192.0.2.1", by="mx.police.example", protocol="ESMTP", tls=address, trace_id="1", at=NOON, recipient=recipient,
    )  # fmt: skip
    assert field.isascii()
    assert re.fullmatch(rb"Received: [ -~]+(?:\r\n\t[ -~]+)+\r\n", field)
    assert len(parse_header(field).fields) == 1


MIME = _octets(b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/report; boundary=b\r\n", b"Content-Type: text/calendar; charset=utf-7\r\n", b"Content-Transfer-Encoding: base64\r\n",
               b"Content-Type: message/delivery-status\r\n", b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n", b"\r\n", b"\n", b"--b\r\n", b"--b--\r\n", b"--b", b"Action: failed\r\n",
               b"Status: 5.1.1\r\n", b"Diagnostic-Code: smtp; no\r\n", b"Message-ID: <1@x.example>\r\n", b"BEGIN:VCALENDAR\r\n", b"ORGANIZER:mailto:a@mfa.gov.cn\r\n", b'ORGANIZER;SENT-BY="mailto:%00@x":x\r\n', b"=", b"====", b"=3", b"T1JH", b"\xff", b"\0")  # fmt: skip

LIMITS = MimeLimits(parts=200, depth=10)


@given(MIME)
def test_parts_are_read_whatever_they_are(content: bytes) -> None:
    length = header_length(content)
    message = Part.whole(parse_header(content[:length]), memoryview(content), length)
    for part in message.parts(5):
        part.decoded()
        assert part.media_type == part.media_type.lower()
        assert len(part.body) <= len(content)
    assert len(organizers(message.header, memoryview(content), length, LIMITS)) <= MOST_ORGANIZERS
    found = failed_delivery(content)
    assert found is None or (found.message_id and found.reason and len(found.reason) <= 300)


# --- files ------------------------------------------------------------------------------------------------------------

TOML = _texts("[[entry]]\n", "[entry]\n", "kind = ", "value = ", '"domain"', '"x.example"', "mission = ", "{ en = ", "}", "[", "]", "legacy = ", "true", "review_by = ", "2027-05-31", "9999-99-99",
              "1e999", "nan", "0x" + "f" * 5000, "9" * 5000, '"""', "'''", '"\\ud800"', "\n", "=", "note = ", '"\\u0000"', "#", "\r", "\0", "\ud800", "entry = ", ",", "07:32:00", "a.b = ")  # fmt: skip
CSV = _texts("kind,value\n", "kind;value;note\n", "kind", "value", ",", ";", '"', "\n", "\r\n", "\r", "domain", "x.example", "\0", "\ufeff", "review_by", "2027-W01-1", "legacy", "\ud800", "a" * 140_000)  # fmt: skip


def _lines_are_named(parsed: Parsed, text: str) -> None:
    _, problems = parsed
    assert all(problem.message for problem in problems)
    assert all(0 <= problem.line <= len(text.splitlines()) + text.count("\r") + 1 for problem in problems)


@example('[[entry]]\nkind = "domain"\nvalue = ' + "9" * 5000)
@example('[[entry]]\nkind = "domain"\nvalue = 0x' + "f" * 5000)
@example("[[entry]]\nlegacy = 0x" + "f" * 5000)
@given(TOML)
def test_a_pack_in_toml_never_fails_without_a_word(text: str) -> None:
    _lines_are_named(parse_pack(text, "p"), text)


@given(CSV)
def test_a_list_in_csv_never_fails_without_a_word(text: str) -> None:
    _lines_are_named(parse_csv(text, "p"), text)
    with suppress(UnicodeEncodeError):
        format_csv(parse_csv(text, "p")[0]).encode()


SETTINGS = _texts("mode = ", '"auto"', "[smtp]\n", "[[route]]\n", "[route]\n", "domains = ", "[", "]", '"police.example"', '"127.0.0.1:25"', "next_hop = ", "workers = ", "5", "-1", "1e9", "0x" + "f" * 5000, "9" * 5000,
                  "listen = ", "{", "}", ",", "\n", "=", ".", '"é"', '"\\u0000"', "''", "[policy.confirmed]\n", "delivery = ", "true", "nan", "1979-05-27", "idle_timeout = ", "[store]\n", "url = ", '"\\n"', "timeout = ", "inf")  # fmt: skip


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "gateway.toml"


@example('[[route]]\ndomains = ["police.example"]\nnext_hop = ["127.0.0.1:25"]\ntimeout = 0x' + "f" * 5000)
@example("mode = 0x" + "f" * 5000)
@given(SETTINGS)
def test_a_configuration_is_read_or_every_problem_has_its_place(configuration: Path, text: str) -> None:
    configuration.write_text(text, encoding="utf-8", errors="surrogatepass")
    problems: Sequence[str] = ()
    try:
        load(configuration, {})
    except ConfigurationError as error:
        problems = error.problems or ("nothing is said",)
    assert [one for one in problems if not re.match(rf"{re.escape(str(configuration))}:\d+: ", one)] == []


# --- nothing is slow --------------------------------------------------------------------------------------------------

LARGE = 250_000


def _reply_of(octets: bytes) -> None:
    ReplyReader().read(octets)


def _message(content: bytes) -> None:
    failed_delivery(content)
    length = header_length(content)
    organizers(parse_header(content[:length]), memoryview(content), length, LIMITS)


_CALENDARS = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
_REPORT = b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
_ENTRY = '[[entry]]\nkind = "domain"\nvalue = "x%d.example"\n'
SLOW = {
    "reply of CRs": lambda n: _reply_of(b"250 " + b"\r" * n + b"x\r\n"),
    "reply without end": lambda n: _reply_of(b"250 " + b"x" * n),
    "reply of many lines": lambda n: _reply_of(b"250-\r\n" * (n // 6)),
    "boundaries": lambda n: _message(_CALENDARS + b"--b\r\n" * (n // 5)),
    "boundaries that are none": lambda n: _message(_CALENDARS + b"--b \t x\r\n" * (n // 10)),
    "spaces behind a boundary": lambda n: _message(_CALENDARS + b"--b" + b" " * n),
    "multiparts inside each other": lambda n: _message(_CALENDARS + (b"--b\r\n" + _CALENDARS) * (n // 50)),
    "groups of a report": lambda n: _message(_REPORT + b"\r\n \r\n" * (n // 5)),
    "spaces of a report": lambda n: _message(_REPORT + b"\r\n" + b" " * n + b"x"),
    "content type": lambda n: _message(b"Content-Type: multipart/x" + b"; boundary" * (n // 10) + b"\r\n\r\n"),
    "forged names": lambda n: forged_fields(b"X-Liaison-" + b"a" * n, "mx"),
    "forged folds": lambda n: forged_fields(b"Authentication-Results" + b" \r\n " * (n // 4) + b"x", "mx"),
    "forged comments": lambda n: forged_fields(b"Authentication-Results:" + b"(" * n, "mx"),
    "forged fields": lambda n: as_it_leaves(b"X-Liaison-a:\n" * (n // 13), forged_fields(b"X-Liaison-a:\n" * (n // 13), "mx")),
    "bare newlines": lambda n: b"".join(encode([b"\r\n.\r.\n." * (n // 8)])),
    "encoded words": lambda n: decode_words("=?" * (n // 2)),
    "encoded words, adjacent": lambda n: decode_text(b"=?utf-8?q?a?= " * (n // 14)),
    "claims": lambda n: claims(Mailbox("", ""), Header(parse_header(b"From: " + b"a@b.example," * (n // 12)).fields)),
    "claims in comments": lambda n: claims(Mailbox("", ""), parse_header(b"From: " + b"(" * n + b"a@b.example")),
    "claims in quotes": lambda n: claims(Mailbox("", ""), parse_header(b"From: " + b'"a@' * (n // 3))),
    "mail of quotes": lambda n: parse_mail(b"MAIL FROM:<" + b'""' * (n // 2), OFFERS, extended=True),
    "mail of spaces": lambda n: parse_mail(b"MAIL FROM:<a@b.example>" + b" " * n + b"\xff", OFFERS, extended=True),
    "rcpt of backslashes": lambda n: parse_rcpt(b'RCPT TO:<"' + b"\\" * n, smtputf8=True),
    "entries in TOML": lambda n: parse_pack("".join(_ENTRY % one for one in range(n // 3)), "p"),
    "entries in one line of TOML": lambda n: parse_pack("entry = [" + "{a = 1}," * (n // 3) + "]", "p"),
    "entries in CSV": lambda n: parse_csv("kind,value\n" + "".join(f"domain,x{one}.example\n" for one in range(n // 10)), "p"),
    "keys of a configuration": lambda n: key_lines("".join(f"k{one} = [1,\n2]\n" for one in range(n // 15))),
    "array of a configuration": lambda n: key_lines("k = [" + "1,\n" * (n // 3) + "]"),
}  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", SLOW.values(), ids=SLOW)
def test_work_grows_with_the_input_and_no_faster(read: Callable[[int], object]) -> None:
    """Each takes a blink where it is linear, and minutes where it is not: the limit tells the two apart."""
    read(LARGE)
