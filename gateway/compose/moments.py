"""Moments as our mail writes them: in UTC, to the second, without a month's name."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.compose.text import ComposeError


def timestamp(at: datetime) -> str:
    """The numeric date and the time in UTC, the same in both languages. `at` must know its time zone."""
    return f"{in_utc(at):%Y-%m-%d %H:%M:%S UTC}"


def rfc3339(at: datetime) -> str:
    """The same for programs (RFC 3339 §5.6), to the second."""
    return f"{in_utc(at):%Y-%m-%dT%H:%M:%SZ}"


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC; `ComposeError` for a time without a zone, which would mean the machine's."""
    if at.tzinfo is None:
        raise ComposeError("a time without a time zone can't stand in a mail")
    return at.astimezone(UTC)
