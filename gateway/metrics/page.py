"""One answer to monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from http import HTTPStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def plain(status: HTTPStatus, *lines: str) -> Page:
    """Sentences, one a line."""
    return Page(status=status, body="".join(f"{line}\n" for line in lines).encode())
