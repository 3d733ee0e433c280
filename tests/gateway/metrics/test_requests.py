from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.metrics.requests import Request, read_head


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"GET /metrics HTTP/1.1", "/metrics"),
        (b"GET /metrics HTTP/1.0", "/metrics"),
        (b"GET /metrics?name[]=up HTTP/1.1", "/metrics"),
        (b"GET http://127.0.0.1:9025/readyz HTTP/1.1", "/readyz"),
        (b"GET / HTTP/1.1", "/"),
        (b"GET /../../etc/passwd HTTP/1.1", "/../../etc/passwd"),
    ],
)
def test_a_request_has_a_path(line: bytes, path: str) -> None:
    assert read_head(line + b"\r\nHost: x\r\n\r\n") == Request(path)


def test_head_wants_no_body() -> None:
    assert read_head(b"HEAD /healthz HTTP/1.1\r\n\r\n") == Request("/healthz", head_only=True)


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH", b"BREW"])
def test_other_methods_are_not_allowed(method: bytes) -> None:
    assert read_head(method + b" /metrics HTTP/1.1\r\n\r\n") is HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET /metrics HTTP/2.0\r\n\r\n",
        b"GET /metrics HTTP/1.1 \r\n\r\n",
        b"GET  /metrics HTTP/1.1\r\n\r\n",
        b"GET /met\x00rics HTTP/1.1\r\n\r\n",
        b"GET /met\xffrics HTTP/1.1\r\n\r\n",
        b"GET /a\nX: HTTP/1.1\r\n\r\n",
        b"get /metrics HTTP/1.1\r\n\r\n",
        b"GET metrics HTTP/1.1\r\n\r\n",
        b"CONNECT mx.police.example:25 HTTP/1.1\r\n\r\n",
        b"EHLO client.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"G" * 9000 + b" / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_bad_one(head: bytes) -> None:
    assert read_head(head) is HTTPStatus.BAD_REQUEST


@given(st.binary(max_size=300) | st.builds(lambda rest: b"GET /" + rest, st.binary(max_size=100)))
def test_whatever_comes_it_is_a_path_of_printable_characters_or_a_refusal(head: bytes) -> None:
    read = read_head(head)
    assert isinstance(read, HTTPStatus) or (read.path.isascii() and read.path.isprintable() and read.path[0] == "/")
