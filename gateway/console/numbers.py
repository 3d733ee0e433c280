"""Whole numbers as addresses and forms say them."""

from __future__ import annotations

_DIGITS = 15
"""At most: every database can compare such a number."""


def whole_number(said: str) -> int | None:
    """The number, or None for what is none: digits of other scripts and powers are digits to `str.isdigit` too."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _DIGITS else None
