from __future__ import annotations

import pytest

from filters.content import HeaderField, decode_text, fields_of_note, header_length, message_id, parse_header
from tests.support.arrivals import header


@pytest.mark.parametrize(
    ("content", "length"),
    [
        *((b"A: b\r\n\r\nbody", 6), (b"A: b\n\nbody\r\n\r\n", 5), (b"A: b\n\r\nbody", 5), (b"A: b\r\n\nbody", 6)),
        *((b"\r\nbody", 0), (b"\nbody", 0), (b"A: b\r\n", 6), (b"A: b", 4), (b"", 0), (b"A: b\r\n \r\n\r\n", 9)),
    ],
)
def test_the_header_section_ends_before_the_first_empty_line(content: bytes, length: int) -> None:
    assert header_length(content) == length


def test_fields_come_in_order_with_their_folding() -> None:
    parsed = parse_header(b"From: a@x.example\r\nSubject: one\r\n\ttwo\r\nX-Empty:\r\n")
    assert parsed.fields == (
        HeaderField("from", b" a@x.example"),
        HeaderField("subject", b" one\r\n\ttwo"),
        HeaderField("x-empty", b""),
    )


@pytest.mark.parametrize(
    "section",
    [
        *(b" From: a@x.example\r\n", b"\tFrom: a@x.example\r\n", b"From : a@x.example\r\n", b"From\t: a@x.example\r\n"),
        *(b"From\r\n : a@x.example\r\n", b"From \r\n\t: a@x.example\r\n", b"Fr\0om: a@x.example\r\n"),
        *(b"F\x01rom: a@x.example\r\n", b"\xef\xbb\xbfFrom: a@x.example\r\n", b"From\xa0: a@x.example\r\n"),
        *(b"junk From: a@x.example\r\n", b"From user Mon Jan 1 10:00:00\r\n From: a@x.example\r\n"),
    ],
)
def test_a_name_that_only_some_parsers_accept_is_read_and_called_odd(section: bytes) -> None:
    [field] = parse_header(section).fields
    assert (field.name, field.value.strip(), field.odd) == ("from", b"a@x.example", True)
    assert fields_of_note(section) == (field,)


@pytest.mark.parametrize("line", [b"From user@x.example Mon Jan  1 10:00:00 2026\r\n", b">From user Mon\n"])
def test_a_leading_mbox_line_is_skipped(line: bytes) -> None:
    assert parse_header(line + b"From: a@x.example\r\n").fields == (HeaderField("from", b" a@x.example"),)


def test_what_is_no_field_is_left_out_and_loses_nothing_after_it() -> None:
    assert [field.name for field in parse_header(b"junk\r\n: x\r\n\x00: y\r\nTo: z\r\n").fields] == ["to"]


def test_fields_of_note_are_found_in_any_letter_case_and_repeated() -> None:
    section = b"To: x\r\nFROM: a\r\nsender: b\r\nReply-To: c\r\n d\r\nfrom: e\r\nResent-Sender: f\r\nFromage: g\r\n"
    assert [(field.name, field.value) for field in fields_of_note(section)] == [
        *(("from", b" a"), ("sender", b" b"), ("reply-to", b" c\r\n d"), ("from", b" e"), ("resent-sender", b" f")),
    ]


def test_a_field_inside_a_fold_is_text() -> None:
    assert fields_of_note(b"Subject: fwd\r\n From: a@mfa.gov.cn\r\n") == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((b" plain ", "plain"), (b"one\r\n two\n\tthree", "one two three"), ("é 中".encode(), "é 中"), (b"\xe9", "é")),
        *((b"=?utf-8?B?5Lit5paH?=", "中文"), (b"=?UTF-8?q?a_b=40c?=", "a b@c"), (b"=?utf-8*fr?q?=C3=A9?=", "é")),
        *((b"=?gb2312?B?1tDOxA==?=", "中文"), (b"=?GBK?B?1tDOxA?=", "中文"), (b"=?big5?B?pKSk5Q==?=", "中文")),
        *((b"=?nonsense?q?=E9?=", "é"), (b"=?utf-7?q?+AGE-?=", "+AGE-"), (b"=?rot13?q?abc?=", "abc")),
        (b"=?utf-8?q?=E4=B8?=\r\n =?utf-8?q?=AD=E6=96=87?=", "中文"),
        *((b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"), (b"=?utf-8?q?a?= b", "a b"), (b'"=?utf-8?q?a?="', '"a"')),
        *((b"=?utf-8?B?Q?=", ""), (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="), (b"=?a?q?", "=?a?q?")),
        *((b"a\0b\x07", "a\ufffdb\ufffd"), (b"=?utf-8?q?a=0D=0AB:_c?=", "a\ufffd\ufffdB: c")),
        *(("a\u202eb".encode(), "a\ufffdb"), (b"=?utf-8?q?=FF?=", "\ufffd"), (b"\xed\xa0\x80", "í\xa0\ufffd")),
    ],
)
def test_a_value_is_decoded_for_display(value: bytes, text: str) -> None:
    assert decode_text(value) == text


@pytest.mark.parametrize("value", ["<a.b@x.example>", "<a@[192.0.2.1]>", "<20260601.1@mail.x.example>"])
def test_a_strict_message_id_is_given(value: str) -> None:
    assert message_id(header(f"Message-ID: {value}")) == value


@pytest.mark.parametrize(
    "value",
    [
        *("", "a@x.example", "<a>", "<a@>", "<@x>", "<a@b@c>", "<a b@x.example>", '<"a b"@x.example>', "<é@x.example>"),
        *("<a@x.example> <b@x.example>", "<a@x.example>\r\n x", "<a@x.example\0>", "<a..b@x>", "<" + "a" * 250 + "@x>"),
    ],
)
def test_any_other_message_id_is_none(value: str) -> None:
    assert message_id(header(f"Message-ID: {value}")) == ""


def test_two_message_ids_are_none() -> None:
    assert message_id(header("Message-ID: <a@x.example>", "Message-ID: <b@x.example>")) == ""
