"""The commands of a mail transaction, form by form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.address import Mailbox
from gateway.model.reply import Reply
from gateway.relay.routes import Offers
from gateway.relay.transaction import MailParameters
from gateway.smtp.grammar import parse_mail, parse_rcpt

OFFERS = Offers(size=1000, eightbitmime=True, smtputf8=True)
SHORT_OFFERS = Offers(size=1000, eightbitmime=False, smtputf8=False)


def mail(line: str | bytes, offers: Offers = OFFERS, *, extended: bool = True) -> MailParameters | Reply:
    return parse_mail(line if isinstance(line, bytes) else line.encode(), offers, extended=extended)


def code(answer: object) -> str:
    assert isinstance(answer, Reply), answer
    return f"{answer.code} {answer.enhanced}"


@pytest.mark.parametrize(
    ("path", "reverse_path"),
    [
        ("<>", ""),
        ("<a@b.example>", "a@b.example"),
        ("<A.B+c@B.Example>", "A.B+c@B.Example"),
        (" <a@b.example>", "a@b.example"),
        ('<"a b"@b.example>', '"a b"@b.example'),
        ('<"a>b"@b.example>', '"a>b"@b.example'),
        ('<"a\\"<b"@b.example>', '"a\\"<b"@b.example'),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("<@one.example,@two.example:a@b.example>", "a@b.example"),
        ("<under_score@b.example>", "under_score@b.example"),
        ("<a@under_score.b.example>", "a@under_score.b.example"),
        ("<SRS0=x/y=z=c.example=d@b.example>", "SRS0=x/y=z=c.example=d@b.example"),
        ("<a@" + ".".join(["x" * 60] * 4) + ".example>", "a@" + ".".join(["x" * 60] * 4) + ".example"),
        ("<" + "x" * 64 + "@b.example>", "x" * 64 + "@b.example"),
        ("<a@single>", "a@single"),
    ],
)
def test_a_reverse_path_is_taken_as_it_was_written(path: str, reverse_path: str) -> None:
    answer = mail(f"MAIL FROM:{path}")
    assert isinstance(answer, MailParameters), answer
    assert str(answer.reverse_path) == reverse_path


@pytest.mark.parametrize("line", ["mail from:<a@b.example>", "Mail From:<a@b.example>", "MAIL FROM:\t<a@b.example>  "])
def test_letter_case_and_white_space_around_the_path_do_not_matter(line: str) -> None:
    assert isinstance(mail(line), MailParameters)


@pytest.mark.parametrize(
    "line",
    [
        "MAIL",
        "MAIL ",
        "MAIL FROM",
        "MAIL FROM:",
        "MAIL FROM: ",
        "MAIL FROM:a@b.example",
        "MAIL FROM:<a@b.example",
        "MAIL FROM:a@b.example>",
        "MAIL FROM:<a@b.example>>",
        "MAIL FROM:<<a@b.example>>",
        "MAIL FROM:<a@b.example>SIZE=1",
        "MAIL FROM:Consul <a@b.example>",
        "MAIL TO:<a@b.example>",
        "MAIL  FROM:<a@b.example>",
        "MAIL FROM :<a@b.example>",
        'MAIL FROM:<"a@b.example>',
        "MAIL FROM:<(any@b.example>",
        "MAIL FROM:<a b@b.example>",
        "MAIL FROM:<a@b.example> =",
    ],
)
def test_a_malformed_mail_command_is_a_syntax_error(line: str) -> None:
    assert code(mail(line)).startswith("501 5.")


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "@b.example",
        "a@",
        "a@@b.example",
        "a@b@c.example",
        ".a@b.example",
        "a.@b.example",
        "a..b@b.example",
        "a@.b.example",
        "a@b..example",
        "a@b.example.",
        "a@-b.example",
        "a@b-.example",
        "a@b.example:25",
        "a@[192.0.2.256]",
        "a@[192.0.2.1",
        "a@192.0.2.1]",
        "a@[IPv6:2001::db8::1]",
        "a@[IPv6:fe80::1%eth0]",
        "a@[]",
        "@one.example:",
        "@one.example a@b.example",
        "@one.example,a@b.example:c@d.example",
        "x" * 65 + "@b.example",
        "a@" + "x" * 64 + ".example",
        "a@" + "x." * 130 + "example",
        "a\x01@b.example",
        "a,b@b.example",
        "a@b.example,c@d.example",
        '"a"b@b.example',
        "a(comment)@b.example",
        "' @b.example",
    ],
)
def test_a_bad_address_is_refused_on_either_side_with_its_own_code(path: str) -> None:
    assert code(mail(f"MAIL FROM:<{path}>")) == "501 5.1.7"
    assert code(parse_rcpt(f"RCPT TO:<{path}>".encode(), smtputf8=True)) == "501 5.1.3"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", (0, "", False)),
        (" SIZE=0", (0, "", False)),
        (" SIZE=1000", (1000, "", False)),
        (" size=10 body=8bitmime smtputf8", (10, "8BITMIME", True)),
        (" BODY=7BIT", (0, "7BIT", False)),
        ("  SMTPUTF8   SIZE=5  ", (5, "", True)),
    ],
)
def test_offered_parameters_are_understood(parameters: str, expected: tuple[int, str, bool]) -> None:
    answer = mail("MAIL FROM:<a@b.example>" + parameters)
    assert isinstance(answer, MailParameters), answer
    assert (answer.size, answer.body, answer.smtputf8) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("SIZE=1001", "552 5.3.4"),
        ("SIZE=99999999999999999999", "552 5.3.4"),
        ("SIZE=999999999999999999999", "501 5.5.4"),
        ("SIZE=-1", "501 5.5.4"),
        ("SIZE=", "501 5.5.4"),
        ("SIZE", "501 5.5.4"),
        ("SIZE=1e3", "501 5.5.4"),
        ("SIZE=1 SIZE=2", "501 5.5.4"),
        ("BODY=BINARYMIME", "501 5.5.4"),
        ("BODY", "501 5.5.4"),
        ("SMTPUTF8=yes", "501 5.5.4"),
        ("=x", "501 5.5.4"),
        ("-X=y", "501 5.5.4"),
        ("X=y=z", "501 5.5.4"),
        ("SIZE=\u0661", "501 5.5.4"),
        ("RET=HDRS", "555 5.5.4"),
        ("ENVID=QQ314159", "555 5.5.4"),
        ("AUTH=<>", "555 5.5.4"),
        ("REQUIRETLS", "555 5.5.4"),
        ("X-UNKNOWN=1", "555 5.5.4"),
    ],
)
def test_other_parameters_are_refused(parameters: str, expected: str) -> None:
    assert code(mail("MAIL FROM:<a@b.example> " + parameters)) == expected


@pytest.mark.parametrize("parameter", ["BODY=8BITMIME", "SMTPUTF8"])
def test_what_is_not_offered_now_is_refused(parameter: str) -> None:
    assert code(mail(f"MAIL FROM:<a@b.example> {parameter}", SHORT_OFFERS)) == "555 5.5.4"


@pytest.mark.parametrize("parameter", ["SIZE=5", "BODY=8BITMIME", "SMTPUTF8"])
def test_a_client_that_said_helo_has_no_parameters(parameter: str) -> None:
    assert code(mail(f"MAIL FROM:<a@b.example> {parameter}", extended=False)) == "555 5.5.4"


def test_an_address_beyond_ascii_needs_smtputf8() -> None:
    path = "<\u7528\u6237@\u4f8b\u5b50.example>"
    assert code(mail(f"MAIL FROM:{path}")) == "553 5.6.7"
    assert isinstance(mail(f"MAIL FROM:{path} SMTPUTF8"), MailParameters)
    assert code(parse_rcpt(f"RCPT TO:{path}".encode(), smtputf8=False)) == "553 5.6.7"
    assert isinstance(parse_rcpt(f"RCPT TO:{path}".encode(), smtputf8=True), Mailbox)


def test_an_address_in_another_charset_is_a_syntax_error() -> None:
    assert code(mail(b"MAIL FROM:<\xc3\x28@b.example> SMTPUTF8")) == "501 5.1.7"
    assert code(parse_rcpt(b"RCPT TO:<caf\xe9@police.example>", smtputf8=True)) == "501 5.1.3"


@pytest.mark.parametrize("path", ["postmaster", "Postmaster", "POSTMASTER"])
def test_a_bare_postmaster_is_a_recipient(path: str) -> None:
    assert parse_rcpt(f"RCPT TO:<{path}>".encode(), smtputf8=False) == Mailbox(path, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("RCPT", "501 5.5.4"),
        ("RCPT TO:", "501 5.5.4"),
        ("RCPT TO:a@police.example", "501 5.5.4"),
        ("RCPT FROM:<a@police.example>", "501 5.5.4"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<abuse>", "501 5.1.3"),
        ("RCPT TO:<a@police.example> NOTIFY=NEVER", "555 5.5.4"),
        ("RCPT TO:<a@police.example> ORCPT=rfc822;a@police.example", "555 5.5.4"),
        ("RCPT TO:<a@police.example> b@police.example", "555 5.5.4"),
    ],
)
def test_a_recipient_has_no_parameters_and_is_not_null(line: str, expected: str) -> None:
    assert code(parse_rcpt(line.encode(), smtputf8=False)) == expected


def test_a_source_route_is_dropped_from_a_recipient() -> None:
    answer = parse_rcpt(b"RCPT TO:<@a.example,@b.example:desk@police.example>", smtputf8=False)
    assert answer == Mailbox("desk", "police.example")


@given(st.binary(max_size=80), st.booleans())
def test_no_octets_make_the_grammar_raise(octets: bytes, extended: bool) -> None:
    for line in (octets, b"MAIL FROM:<" + octets + b">", b"MAIL FROM:<a@b.example> " + octets):
        assert isinstance(parse_mail(line, OFFERS, extended=extended), (Reply, MailParameters))
    for line in (octets, b"RCPT TO:<" + octets + b">", b"RCPT TO:<a@b.example> " + octets):
        assert isinstance(parse_rcpt(line, smtputf8=extended), (Reply, Mailbox))


@given(st.binary(max_size=80))
def test_a_refusal_never_repeats_what_is_no_printable_ascii(octets: bytes) -> None:
    answer = parse_mail(b"MAIL FROM:<a@b.example> " + octets, OFFERS, extended=True)
    if isinstance(answer, Reply):
        assert answer.text.isascii()
        assert answer.text.isprintable()
