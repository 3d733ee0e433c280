"""HTTP requests, read: a head of octets in, a path out, or what is wrong with it (RFC 9112 §3). Bodies are not read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

HEAD_LIMIT = 8 * 1024
"""Octets of a request line with all its fields."""

_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) (?:https?://[^/\x00-\x20\x7f-\xff]*)?(/[\x21-\x7e]*) HTTP/1\.[01]")
"""The target in origin-form or in absolute-form, which proxies write (RFC 9112 §3.2)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: the path without its query; `head_only` for HEAD."""

    path: str
    head_only: bool = False


def read_head(head: bytes) -> Request | HTTPStatus:
    """The request, or the status that refuses it."""
    line = _REQUEST_LINE.fullmatch(head.partition(b"\r\n")[0])
    if line is None:
        return HTTPStatus.BAD_REQUEST
    if line[1] not in {b"GET", b"HEAD"}:
        return HTTPStatus.METHOD_NOT_ALLOWED
    return Request(line[2].partition(b"?")[0].decode("ascii"), head_only=line[1] == b"HEAD")
