"""Sender authentication as values (RFC 8601 §2.7). Obtained elsewhere; screening only reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class Result(StrEnum):
    """The RFC 8601 result words that screening tells apart."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    """DKIM: it verifies, and is not accepted all the same."""
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class DnsStatus(StrEnum):
    """How a question to the DNS ended (RFC 2308 tells the second from the third)."""

    FOUND = "found"
    EMPTY = "no such records"
    ABSENT = "no such name"
    FAILED = "no answer"
    """Nothing is known: SERVFAIL, silence, or a bound of ours reached. The temperror of RFC 8601 §2.7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """One question and what came back, kept as evidence: DNS records change.

    `name` is lower case without the final dot; `kind` is "A", "AAAA", "MX", "TXT" or "PTR". `records` are an IP
    address, "10 mail.example" (RFC 1035 §3.3.9; the root is "."), the strings of a TXT record joined with each octet
    as one character (ISO-8859-1), or a name. `reason` says in words why there is no answer.
    """

    name: str
    kind: str
    status: DnsStatus
    records: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def failed(cls, name: str, kind: str, reason: str) -> Self:
        """Nothing came back, for this reason."""
        return cls(name=name, kind=kind, status=DnsStatus.FAILED, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """What one method (spf, dkim, dmarc) found, for which domain ("" when there is none), and why, in words."""

    result: Result = Result.NONE
    domain: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """The evidence for one message. `NOT_AUTHENTICATED` until verification is asked for."""

    spf: MethodResult = field(default_factory=MethodResult)
    dkim: tuple[MethodResult, ...] = ()
    dmarc: MethodResult = field(default_factory=MethodResult)
    dmarc_policy: str = ""
    """What the From domain asks of receivers: "none", "quarantine" or "reject"; "" when it publishes nothing."""
    answers: tuple[DnsAnswer, ...] = ()
    """What the DNS said, in the order in which it was asked."""

    @property
    def results(self) -> tuple[tuple[str, MethodResult], ...]:
        """Every result with the name of its method."""
        return (("spf", self.spf), *(("dkim", one) for one in self.dkim), ("dmarc", self.dmarc))

    @property
    def words(self) -> dict[str, str]:
        """One result word for each method; of several signatures, that of one that passes, else of the first."""
        signatures = [one.result for one in self.dkim] or [Result.NONE]
        dkim = Result.PASS if Result.PASS in signatures else signatures[0]
        return {"spf": str(self.spf.result), "dkim": str(dkim), "dmarc": str(self.dmarc.result)}

    @property
    def texts(self) -> dict[str, str]:
        """spf, dkim and dmarc, each as "pass example.org"; several signatures separated by commas."""
        dkim = ", ".join(_text(one) for one in self.dkim)
        return {"spf": _text(self.spf), "dkim": dkim or "none", "dmarc": _text(self.dmarc)}

    @property
    def overall(self) -> str:
        """pass, fail, none or error: the one word of listings."""
        results = (self.dmarc.result, self.spf.result, *(one.result for one in self.dkim))
        return next((_OVERALL[result] for result in results if result in _OVERALL), "none")


_OVERALL = {Result.PASS: "pass", Result.FAIL: "fail", Result.TEMPERROR: "error", Result.PERMERROR: "error"}


def _text(one: MethodResult) -> str:
    return f"{one.result} {one.domain}".strip()


NOT_AUTHENTICATED = Authentication()
