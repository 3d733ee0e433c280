"""Parts of a message: where each begins and ends to the octet, and which are walked through."""

from __future__ import annotations

import pytest

from filters.content import header_length, parse_header
from filters.mime_parts import MimeLimits, Part, walk

LIMITS = MimeLimits(parts=100, depth=5)


def message(content: bytes) -> Part:
    length = header_length(content)
    return Part.whole(parse_header(content[:length]), memoryview(content), length)


def walked(content: bytes, limits: MimeLimits = LIMITS) -> list[tuple[str, bool]]:
    return [(part.media_type, opened) for part, opened in walk(message(content), limits)]


def multipart(boundary: bytes, *parts: bytes, end: bytes = b"\r\n") -> bytes:
    inner = b"".join(b"--" + boundary + end + part + end for part in parts)
    return b"Content-Type: multipart/mixed; boundary=" + boundary + end + end + inner + b"--" + boundary + b"--" + end


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("body", [b"", b"x", b"x\r\n", b"\r\nx\r\n\r\n", b"\n", b"\r\n\r\n", b"x\r"])
def test_a_body_is_every_octet_between_its_empty_line_and_the_line_end_of_the_delimiter(
    body: bytes, end: bytes
) -> None:
    if end == b"\n":
        body = body.replace(b"\r", b"")
    content = multipart(b"b", b"Content-Type: x/y" + end + end + body, end=end)
    part, *_ = message(content).parts(10)
    assert part.body == body


def test_a_part_without_a_header_is_all_body() -> None:
    part, *_ = message(multipart(b"b", b"\r\nwords")).parts(10)
    assert (part.header.fields, part.body) == ((), b"words")


def test_the_walk_tells_what_is_opened_and_what_is_not() -> None:
    content = multipart(
        b"b",
        multipart(b"c", b"Content-Type: a/a\r\n\r\n"),
        b"Content-Type: multipart/x\r\n\r\n",
        b"Content-Type: multipart/y; boundary=never\r\n\r\nx",
    )
    assert [one for one in walked(content) if one[0]] == [
        ("multipart/mixed", True), ("multipart/mixed", True), ("a/a", False), ("multipart/x", False), ("multipart/y", False),
    ]  # fmt: skip


def test_the_walk_goes_as_deep_and_as_far_as_its_limits() -> None:
    content = multipart(b"b", multipart(b"c", multipart(b"d", b"Content-Type: a/a\r\n\r\n")))
    assert walked(content, MimeLimits(parts=100, depth=2))[:3] == [
        ("multipart/mixed", True),
        ("multipart/mixed", True),
        ("multipart/mixed", False),
    ]
    assert len(walked(content, MimeLimits(parts=2, depth=5))) == 2
