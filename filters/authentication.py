"""Sender authentication as values (RFC 8601 §2.7). Obtained elsewhere; screening only reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Result(StrEnum):
    """The RFC 8601 result words that screening tells apart."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """What one method (spf, dkim, dmarc) found, and for which domain ("" when there is none)."""

    result: Result = Result.NONE
    domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """The evidence for one message. `NOT_AUTHENTICATED` until verification is asked for."""

    spf: MethodResult = field(default_factory=MethodResult)
    dkim: tuple[MethodResult, ...] = ()
    dmarc: MethodResult = field(default_factory=MethodResult)
    dmarc_policy: str = ""
    """What the From domain asks of receivers: "none", "quarantine" or "reject"; "" when it publishes nothing."""


NOT_AUTHENTICATED = Authentication()
