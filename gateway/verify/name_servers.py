"""One question to the DNS, over dnspython: a name and a kind of record in, an answer out.

A failure is an answer too (`DnsStatus.FAILED`): nothing here raises for what a name server does or doesn't say.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
from dns.rdatatype import SOA
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from filters.authentication import DnsAnswer, DnsStatus
from gateway.settings import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.message import QueryMessage
    from dns.rdata import Rdata
    from dns.resolver import Answer

ONE_SERVER = 2.0
"""Seconds until the next name server is asked, or the same one again."""
MOST_OCTETS = 16_384
"""Of records in one answer: a megabyte of TXT over TCP is nothing that has to be kept."""
_PAYLOAD = 1232
"""Octets in a UDP answer: what passes every path unfragmented."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, and for how many seconds it holds; a failure for none."""

    answer: DnsAnswer
    seconds: float = 0.0


class NameServers:
    """Those that were named, or the system's (`/etc/resolv.conf`)."""

    def __init__(self, nameservers: Sequence[Endpoint]) -> None:
        self._nameservers = nameservers
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def resolve(self, name: str, kind: str, within: float) -> Heard:
        """Ask one question; `within` is in seconds. `name` is ASCII, in lower case and without the final dot."""
        try:
            labels = [label.encode("ascii") for label in name.split(".")] if name else []
            question = dns.name.Name([*labels, b""])
        except (UnicodeEncodeError, dns.exception.DNSException):
            reason = "not a domain name (RFC 1035 §2.3.4)"
            return Heard(DnsAnswer(name=name, kind=kind, status=DnsStatus.ABSENT, reason=reason))
        try:
            async with asyncio.timeout(within):  # dnspython bounds its own waiting, but not a connect that hangs
                answer = await self._configured().resolve(
                    question, kind, search=False, raise_on_no_answer=False, lifetime=within
                )
        except dns.resolver.NXDOMAIN as error:
            absent = DnsAnswer(name=name, kind=kind, status=DnsStatus.ABSENT)
            return Heard(absent, _seconds(error.response(question)))  # type: ignore[no-untyped-call]  # of dnspython
        except (dns.exception.DNSException, OSError, TimeoutError) as error:
            return Heard(DnsAnswer.failed(name, kind, str(error) or f"no answer within {within:.0f} s"))
        return _heard(name, kind, answer)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Who is asked, in order; nobody where the system names none."""
        try:
            configured = self._nameservers or [Endpoint(str(one), 53) for one in self._configured().nameservers]
        except dns.resolver.NoResolverConfiguration:
            return ()
        return tuple(map(str, configured))

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


def _heard(name: str, kind: str, answer: Answer) -> Heard:
    records = tuple(map(_text, answer.rrset or ()))
    if sum(map(len, records)) > MOST_OCTETS:
        return Heard(DnsAnswer.failed(name, kind, f"the records have more than {MOST_OCTETS} octets"))
    status = DnsStatus.FOUND if records else DnsStatus.EMPTY
    return Heard(DnsAnswer(name=name, kind=kind, status=status, records=records), _seconds(answer.response))


def _seconds(response: QueryMessage) -> float:
    """For how long it holds. That there is nothing holds as the SOA record above it says, without one for no time."""
    chain = response.resolve_chaining()
    said = chain.answer is not None or any(  # RFC 2308 §5
        rrset.rdtype == SOA and chain.canonical_name.is_subdomain(rrset.name) for rrset in response.authority
    )
    return float(chain.minimum_ttl) if said else 0.0


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
