"""Questions to the DNS, over dnspython: bounded in number and time, and every answer kept as evidence.

A failure is an answer too (`DnsStatus.FAILED`): nothing here raises for what a name server does or doesn't say.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from filters.authentication import DnsAnswer, DnsStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.rdata import Rdata

    from gateway.settings import Endpoint

ONE_SERVER = 2.0
"""Seconds until the next name server is asked, or the same one again."""
MOST_QUESTIONS = 150
"""For one message; RFC 7208 §4.6.4 alone allows 10 terms with 10 mail servers each."""
MOST_OCTETS = 16_384
"""Of records in one answer: a megabyte of TXT over TCP is nothing that has to be kept."""
_PAYLOAD = 1232
"""Octets in a UDP answer: what passes every path unfragmented."""


class Resolver:
    """Knows whom to ask. No name servers: the system's (`/etc/resolv.conf`)."""

    def __init__(self, nameservers: Sequence[Endpoint] = ()) -> None:
        self._nameservers = tuple(nameservers)
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def resolve(self, name: str, kind: str, within: float) -> DnsAnswer:
        """Ask one question; `within` is in seconds. `name` is ASCII, the final dot may be missing."""
        name = name.lower().removesuffix(".")
        try:
            labels = [label.encode("ascii") for label in name.split(".")] if name else []
            question = dns.name.Name([*labels, b""])
        except (UnicodeEncodeError, dns.exception.DNSException):
            return DnsAnswer(
                name=name, kind=kind, status=DnsStatus.ABSENT, reason="not a domain name (RFC 1035 §2.3.4)"
            )
        if within <= 0:
            return _failed(name, kind, "the time for questions is used up")
        try:
            async with asyncio.timeout(within):  # dnspython bounds its own waiting, but not a connect that hangs
                answer = await self._configured().resolve(
                    question, kind, search=False, raise_on_no_answer=False, lifetime=within
                )
        except dns.resolver.NXDOMAIN:
            return DnsAnswer(name=name, kind=kind, status=DnsStatus.ABSENT)
        except (dns.exception.DNSException, OSError, TimeoutError) as error:
            return _failed(name, kind, str(error) or f"no answer within {within:.0f} s")
        return _answer(name, kind, [_text(record) for record in answer.rrset or ()])

    def _configured(self) -> dns.asyncresolver.Resolver:
        """Made at the first question: a machine without `resolv.conf` can run, it just gets no answers."""
        if self._resolver is None:
            resolver = dns.asyncresolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                resolver.nameservers = [dns.nameserver.Do53Nameserver(one.host, one.port) for one in self._nameservers]
            resolver.timeout = ONE_SERVER
            resolver.use_edns(0, 0, _PAYLOAD)
            self._resolver = resolver
        return self._resolver


class Inquiry:
    """All questions about one message: each asked once, `seconds` for them together."""

    def __init__(self, resolver: Resolver, seconds: float, most: int = MOST_QUESTIONS) -> None:
        self._resolver = resolver
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._most = most
        self._answers: dict[tuple[str, str], DnsAnswer] = {}

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        """What was asked and answered so far, in order."""
        return tuple(self._answers.values())

    async def ask(self, name: str, kind: str) -> DnsAnswer:
        """The answer: A, AAAA, MX, TXT or PTR records."""
        name = name.lower().removesuffix(".")
        known = self._answers.get((name, kind))
        if known is not None:
            return known
        if len(self._answers) >= self._most:
            return _failed(name, kind, f"{self._most} questions were asked already")
        remaining = self._deadline - asyncio.get_running_loop().time()
        self._answers[name, kind] = answer = await self._resolver.resolve(name, kind, remaining)
        return answer


def _answer(name: str, kind: str, records: list[str]) -> DnsAnswer:
    if not records:
        return DnsAnswer(name=name, kind=kind, status=DnsStatus.EMPTY)
    if sum(map(len, records)) > MOST_OCTETS:
        return _failed(name, kind, f"the records have more than {MOST_OCTETS} octets")
    return DnsAnswer(name=name, kind=kind, status=DnsStatus.FOUND, records=tuple(records))


def _failed(name: str, kind: str, reason: str) -> DnsAnswer:
    return DnsAnswer(name=name, kind=kind, status=DnsStatus.FAILED, reason=reason)


def _text(record: Rdata) -> str:
    """The form that `DnsAnswer` names."""
    match record:
        case TXT():
            return b"".join(record.strings).decode("latin-1")
        case MX():
            return f"{record.preference} {_name(record.exchange)}"
        case PTR():
            return _name(record.target)
        case _:
            return record.to_text()


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() or "."
