from __future__ import annotations

from email.header import decode_header, make_header

import pytest

from gateway.compose.headers import (
    field,
    is_internationalized,
    mailbox,
    new_message_id,
    phrase,
    strict_message_id,
    token,
    unstructured,
)
from gateway.compose.text import ComposeError


def decoded(words: list[str]) -> str:
    return str(make_header(decode_header(" ".join(words))))


def test_a_field_is_folded_at_its_words_before_column_78() -> None:
    folded = field("Subject", *["word"] * 40)
    lines = folded.removesuffix(b"\r\n").split(b"\r\n")
    assert len(lines) == 3
    assert all(len(line) <= 78 for line in lines)
    assert all(line.startswith(b" word") for line in lines[1:])
    assert folded.replace(b"\r\n", b"").decode() == "Subject:" + " word" * 40


def test_a_word_that_is_longer_than_a_line_should_be_stays_whole() -> None:
    assert field("References", "<" + "a" * 200 + ">") == b"References: <" + b"a" * 200 + b">\r\n"


def test_a_word_that_is_longer_than_a_line_may_be_is_refused() -> None:
    with pytest.raises(ComposeError, match="998"):
        field("References", "a" * 990)


@pytest.mark.parametrize("control", ["\r\nBcc: x@evil.example", "\n", "\r", "\0", "\x0b", "\x1f", "\x7f", "\u2028"])
def test_no_value_can_end_its_field(control: str) -> None:
    with pytest.raises(ComposeError, match="control character"):
        field("Subject", "value" + control)


def test_an_ascii_display_name_is_a_quoted_string() -> None:
    assert " ".join(phrase('The "Example" \\ Service,  <x>')) == '"The \\"Example\\" \\\\ Service, <x>"'


@pytest.mark.parametrize("name", ["Sûreté d'Exemple", "é" * 300, "公安部 " * 40 + "x", "a" * 44 + "é", "📨" * 60])
def test_any_other_display_name_is_encoded_words_of_75_characters_that_decode_back(name: str) -> None:
    words = list(phrase(name))
    assert all(len(word) <= 75 and word.isascii() for word in words)
    assert decoded(words) == name.strip()


def test_a_subject_keeps_its_ascii_words_readable() -> None:
    words = list(unstructured("Contact d'une mission étrangère - signalement [LG-2345-6789]"))
    assert words[:3] == ["Contact", "d'une", "mission"]
    assert words[-1] == "[LG-2345-6789]"
    assert decoded(words) == "Contact d'une mission étrangère - signalement [LG-2345-6789]"


def test_adjacent_words_that_are_not_ascii_keep_the_space_between_them() -> None:
    assert decoded(list(unstructured("a été très bien"))) == "a été très bien"


def test_a_subject_that_looks_encoded_is_encoded_once_more() -> None:
    assert decoded(list(unstructured("=?utf-8?q?spoof?= it"))) == "=?utf-8?q?spoof?= it"


@pytest.mark.parametrize(
    "address",
    [
        "office@mission.example",
        "o'neil+tag=a@mission.example",
        '"office, second"@mission.example',
        '"a\\"b"@mission.example',
        '""@mission.example',
        "office@[192.0.2.1]",
        "office@[IPv6:2001:db8::1]",
        "大使@例え.example",
    ],
)
def test_one_mailbox_is_taken_as_it_is(address: str) -> None:
    assert mailbox(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "postmaster",
        "office@",
        "@mission.example",
        "a@mission.example,b@evil.example",
        "a@mission.example> <b@evil.example",
        "<a@mission.example>",
        "@relay.example:a@mission.example",
        "a b@mission.example",
        "a..b@mission.example",
        ".a@mission.example",
        "a@mission..example",
        "a@-mission.example",
        "a@mission.example.",
        'a"b@mission.example',
        '"a@mission.example',
        '"a"b"@mission.example',
        "a@mission.example(comment)",
        "a@mission.example\r\nBcc: b@evil.example",
        "a@mission.example\n",
        '"a\r\nb"@mission.example',
        "a\0@mission.example",
        "a\u3000b@mission.example",
        "a" * 310 + "@mission.example",
    ],
)
def test_what_is_not_one_mailbox_is_refused(address: str) -> None:
    with pytest.raises(ComposeError):
        mailbox(address)


@pytest.mark.parametrize("value", ["", "a b", "a;b", "a\r\n", "a\n", "é", "<a>", "a" * 201])
def test_a_token_is_short_and_plain(value: str) -> None:
    with pytest.raises(ComposeError, match="the reference is not a token"):
        token("the reference", value)


def test_a_message_id_is_made_of_a_token_and_the_host_name() -> None:
    assert new_message_id("0123abcd", "mx.police.example") == "<0123abcd@mx.police.example>"


@pytest.mark.parametrize("hostname", ["", "mx police", "mx>", "mx\r\n", "mx..example", "[192.0.2.1", "é.example"])
def test_a_host_name_that_does_not_fit_a_message_id_is_refused(hostname: str) -> None:
    with pytest.raises(ComposeError, match="host name"):
        new_message_id("0123abcd", hostname)


@pytest.mark.parametrize("text", ["<1@mission.example>", " <a.b+c=d@[x-literal]>\t", "<$x$@y>"])
def test_a_strict_message_id_is_taken(text: str) -> None:
    assert strict_message_id(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1@mission.example",
        "<1>",
        "<1@a> <2@b>",
        "<1@a>\r\nBcc: x@evil.example",
        "<1@a>\n",
        "<1@a\0>",
        "<1@é.example>",
        '<"quoted"@a>',
        "<1@a>x",
        "<1..2@a>",
        "<" + "1" * 250 + "@a>",
    ],
)
def test_what_is_not_strictly_a_message_id_is_left_out(text: str) -> None:
    assert strict_message_id(text) == ""


def test_only_an_address_beyond_ascii_needs_smtputf8() -> None:
    assert not is_internationalized("a@b.example", "c@d.example")
    assert is_internationalized("a@b.example", "é@d.example")
