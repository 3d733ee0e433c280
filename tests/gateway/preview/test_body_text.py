"""The text of a part: whatever its labels say, there is text, and a sentence where it may not be the sender's."""

from __future__ import annotations

import base64
import quopri

import pytest

from filters.content import header_length, parse_header
from filters.mime_parts import Part
from gateway.preview.body_text import Reading, read_text
from gateway.preview.flowed import reflowed

BROKEN = "Some of it is no text in its character set. It shows as \ufffd."


def reading(content_type: str, body: bytes, encoding: str = "", most: int = 1000) -> Reading:
    fields = f"Content-Type: {content_type}\r\n" if content_type else ""
    fields += f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    content = f"{fields}X: y\r\n\r\n".encode() + body
    length = header_length(content)
    return read_text(Part.whole(parse_header(content[:length]), memoryview(content), length + 2), most)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("", b"plain", "plain"),
        ("text/plain", "été".encode(), "été"),
        ("text/plain", "été".encode("cp1252"), "été"),
        ("text/plain; charset=us-ascii", "été".encode(), "été"),
        ("text/plain; charset=iso-8859-1", "“quotes” €".encode("cp1252"), "“quotes” €"),
        ("text/plain; charset=ISO-8859-1", b"hole \x81", "hole \x81"),
        ("text/plain; charset=gb2312", "总领事馆 鎔".encode("gb18030"), "总领事馆 鎔"),
        ("text/plain; charset=big5", "領事".encode("big5"), "領事"),
        ("text/plain; charset=hz-gb-2312", "领事".encode("hz"), "领事"),
        ("text/plain; charset=utf-16", "领事".encode("utf-16"), "领事"),
        ("text/plain; charset=koi8-r", "посол".encode("koi8-r"), "посол"),
        ("text/plain; charset=utf-8", b"a\r\nb\nc", "a\nb\nc"),
        ("text/html", '<meta charset="gb2312">领事'.encode("gb18030"), '<meta charset="gb2312">领事'),
        ("text/html; charset=utf-8", '<meta charset="gb2312">é'.encode(), '<meta charset="gb2312">é'),
    ],
)
def test_text_is_read_in_its_charset(content_type: str, body: bytes, text: str) -> None:
    assert reading(content_type, body) == Reading(text, whole=True, notes=())


@pytest.mark.parametrize(
    ("content_type", "body", "text", "note"),
    [
        ("text/plain; charset=utf-8", b"a\xff", "a\ufffd", BROKEN),
        ("text/plain; charset=x-secret", b"a", "a", "Its character set, x-secret, is unknown: it is read as another."),
        (
            "text/plain; charset=utf-7",
            b"+ADw-",
            "+ADw-",
            "Its character set, utf-7, is unknown: it is read as another.",
        ),
        ("text/plain; charset=rot13", b"a", "a", "Its character set, rot13, is unknown: it is read as another."),
    ],
)
def test_what_cannot_be_read_is_told(content_type: str, body: bytes, text: str, note: str) -> None:
    found = reading(content_type, body)
    assert (found.text, list(found.notes)) == (text, [note])


@pytest.mark.parametrize(
    ("encoding", "body", "text", "notes"),
    [
        ("base64", base64.encodebytes(b"words" * 30), "words" * 30, 0),
        ("quoted-printable", quopri.encodestring("été ==".encode()), "été ==", 0),
        ("Base64 (a comment)", b"d29yZHM=", "words", 0),
        ("base64", b"d29y!ZHM=", "words", 1),
        ("quoted-printable", b"a=ZZb", "a=ZZb", 1),
        ("x-uuencode", b"words", "words", 1),
        ("8bit", b"words", "words", 0),
    ],
)
def test_transfer_encodings_are_undone_and_broken_ones_told(encoding: str, body: bytes, text: str, notes: int) -> None:
    found = reading("text/plain; charset=utf-8", body, encoding)
    assert (found.text, len(found.notes)) == (text, notes)


def test_no_more_is_read_than_asked_and_a_cut_within_a_character_is_no_fault() -> None:
    assert reading("text/plain; charset=utf-8", "é".encode() * 100_000, most=100) == Reading(
        "é" * 100, whole=False, notes=()
    )
    assert reading("text/plain", b"a" + "é".encode() * 100_000, most=100) == Reading(
        "a" + "é" * 99, whole=False, notes=()
    )
    assert not reading("text/plain", b"!" * 100_000, "base64", most=10).whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("> one \n> two\n>> deep \nback", "> one two\n>> deep \nback"),
        ("> one \n>> two", "> one \n>> two"),
        (" stuffed \n >no quote", "stuffed >no quote"),
        ("end \n-- \nName", "end \n-- \nName"),
        ("", ""),
        ("\n\n", "\n\n"),
    ],
)
def test_flowed_paragraphs_are_put_together(text: str, expected: str) -> None:
    assert reflowed(text) == expected


def test_the_space_of_a_flow_goes_where_the_sender_says() -> None:
    assert reflowed("领 \n事 \n馆", delete_space=True) == "领事馆"
