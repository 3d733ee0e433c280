"""One question to the DNS, over dnspython: a name and a kind of record in, an answer out.

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
from gateway.settings import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.rdata import Rdata

ONE_SERVER = 2.0
"""Seconds until the next name server is asked, or the same one again."""
MOST_OCTETS = 16_384
"""Of records in one answer: a megabyte of TXT over TCP is nothing that has to be kept."""
_PAYLOAD = 1232
"""Octets in a UDP answer: what passes every path unfragmented."""


class NameServers:
    """Those that were named, or the system's (`/etc/resolv.conf`)."""

    def __init__(self, nameservers: Sequence[Endpoint]) -> None:
        self._nameservers = nameservers
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
        try:
            async with asyncio.timeout(within):  # dnspython bounds its own waiting, but not a connect that hangs
                answer = await self._configured().resolve(
                    question, kind, search=False, raise_on_no_answer=False, lifetime=within
                )
        except dns.resolver.NXDOMAIN:
            return DnsAnswer(name=name, kind=kind, status=DnsStatus.ABSENT)
        except (dns.exception.DNSException, OSError, TimeoutError) as error:
            return DnsAnswer.failed(name, kind, str(error) or f"no answer within {within:.0f} s")
        return _answer(name, kind, [_text(record) for record in answer.rrset or ()])

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


def _answer(name: str, kind: str, records: list[str]) -> DnsAnswer:
    if not records:
        return DnsAnswer(name=name, kind=kind, status=DnsStatus.EMPTY)
    if sum(map(len, records)) > MOST_OCTETS:
        return DnsAnswer.failed(name, kind, f"the records have more than {MOST_OCTETS} octets")
    return DnsAnswer(name=name, kind=kind, status=DnsStatus.FOUND, records=tuple(records))


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
