from __future__ import annotations

import base64
import quopri

import pytest

from gateway.compose.mime import json_part, multipart, original_part, text_part
from tests.support.correspondence import entities, sha256

ASCII = b"From: a@mission.example\r\n\r\nhello\r\n.\r\nFrom here\r\n"
EIGHTBIT = b"From: a@mission.example\r\n\r\n\xb4\xf3\xca\xb9\xb9\xdd\r\n"


def original_of(content: bytes) -> tuple[bytes, bytes]:
    header, body = entities(content)[-1]
    return header, base64.b64decode(body, validate=False) if b"base64" in header else body


@pytest.mark.parametrize(
    ("original", "eightbit", "form", "encoding"),
    [
        pytest.param(ASCII, False, b"message/rfc822", b"7bit", id="7bit"),
        pytest.param(ASCII, True, b"message/rfc822", b"7bit", id="7bit-to-8bitmime"),
        pytest.param(ASCII.rstrip(), False, b"message/rfc822", b"7bit", id="no-final-line-end"),
        pytest.param(b"From: a\r\n\r\n" + b"x" * 998, False, b"message/rfc822", b"7bit", id="longest-line"),
        pytest.param(EIGHTBIT, True, b"message/rfc822", b"8bit", id="8bit-to-8bitmime"),
        pytest.param(EIGHTBIT, False, b"application/octet-stream", b"base64", id="8bit"),
        pytest.param(b"Subject: \xc3\xa9\r\n\r\nx", True, b"application/octet-stream", b"base64", id="8bit-header"),
        pytest.param(b"From: a\r\n\r\n" + b"x" * 999, True, b"application/octet-stream", b"base64", id="long-line"),
        pytest.param(b"A: a\r\n\r\n" + b"x" * 100_000, True, b"application/octet-stream", b"base64", id="100000"),
        pytest.param(b"From: a\r\n\r\n\0\r\n", True, b"application/octet-stream", b"base64", id="nul"),
        pytest.param(b"From: a\r\n\r\na\nb\r\n", True, b"application/octet-stream", b"base64", id="bare-lf"),
        pytest.param(b"From: a\r\n\r\na\rb\r\n", True, b"application/octet-stream", b"base64", id="bare-cr"),
        pytest.param(b"From: a\r\n\r\na\r", True, b"application/octet-stream", b"base64", id="final-cr"),
        pytest.param(bytes(range(256)) * 9, True, b"application/octet-stream", b"base64", id="binary"),
        pytest.param(b"", False, b"message/rfc822", b"7bit", id="empty"),
    ],
)
def test_the_original_arrives_octet_for_octet_in_the_form_that_carries_it(
    original: bytes, eightbit: bool, form: bytes, encoding: bytes
) -> None:
    part = original_part(original, filename="LG-2345-6789.eml", eightbit=eightbit)
    header, received = original_of(multipart((text_part("hello\n"), part)).octets())
    assert b"Content-Type: " + form in header
    assert b"Content-Transfer-Encoding: " + encoding in header
    assert b'filename="LG-2345-6789.eml"' in header
    assert sha256(received) == sha256(original)
    assert part.media_type.encode() == form


@pytest.mark.parametrize("original", [ASCII, EIGHTBIT, b"\0" * 3000, b"a\rb\nc" * 500])
def test_what_goes_to_a_hop_without_8bitmime_is_ascii_in_lines_that_fit(original: bytes) -> None:
    content = multipart((original_part(original, filename="x.eml", eightbit=False),)).octets()
    assert content.isascii()
    assert b"\0" not in content
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_a_multipart_around_8bit_says_so_itself() -> None:
    plain, eightbit = (original_part(each, filename="x.eml", eightbit=True) for each in (ASCII, EIGHTBIT))
    assert b"Content-Transfer-Encoding: 8bit" in multipart((plain, eightbit)).fields
    assert b"Content-Transfer-Encoding: 7bit" in multipart((plain, plain)).fields


def test_the_boundary_occurs_in_no_part_even_if_the_original_is_an_earlier_report_of_itself() -> None:
    first = multipart((text_part("a\n"), original_part(ASCII, filename="x.eml", eightbit=False)))
    second = multipart((text_part("a\n"), original_part(first.octets(), filename="x.eml", eightbit=False)))
    assert original_of(second.octets())[1] == first.octets()


def test_the_same_parts_make_the_same_bytes() -> None:
    made = [multipart((text_part("a\n"), original_part(ASCII, filename="x.eml", eightbit=False))) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    "text", ["Référence : LG\n", "a" * 500 + "\n", "trailing \n.\nFrom x\n\n", "=\n", "mixed\r\nends\n"]
)
def test_text_is_quoted_printable_in_canonical_lines(text: str) -> None:
    part = text_part(text)
    assert part.content.isascii()
    assert max(map(len, part.content.split(b"\r\n"))) <= 76
    assert part.content.count(b"\n") == part.content.count(b"\r") == part.content.count(b"\r\n")
    expected = text.replace("\r\n", "\n").replace("\n", "\r\n")
    assert quopri.decodestring(part.content).decode() == expected


def test_json_is_an_attachment_that_survives_any_hop() -> None:
    part = json_part('{"name": "' + "大" * 2000 + '"}\n', "report.json")
    assert b"application/json" in part.fields
    assert b'filename="report.json"' in part.fields
    assert max(map(len, part.content.split(b"\r\n"))) <= 76
