"""Where mail for a domain goes (RFC 5321 §5.1), and whether anybody may write there at all (RFC 7505).

Only servers with a public address count: a record that points into this machine or a private network would turn our
answer against ourselves.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.authentication import DnsAnswer, DnsStatus
from filters.sentence import Sentence
from gateway.verify.resolver import Inquiry

if TYPE_CHECKING:
    from gateway.verify.resolver import Resolver

MOST_HOSTS = 10
"""Mail servers that are looked at; who has more is reached by one of these."""

_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""IPv6 addresses that stand for an IPv4 one (RFC 6052, RFC 8215, RFC 3056, RFC 4380): no place for a mail server."""


_NOTHING = ""
NO_REASON = Sentence(_NOTHING)


class Reach(Enum):
    """What is known of a destination."""

    PUBLIC = "public"
    CLOSED = "closed"
    """It takes no mail, or none from outside; asking again won't help."""
    UNKNOWN = "unknown"
    """The DNS didn't answer; it may later."""


@dataclass(frozen=True, slots=True)
class MailHost:
    """A mail server: its name, and its public addresses."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The servers in the order in which they are tried, or in a sentence why there are none."""

    reach: Reach
    hosts: tuple[MailHost, ...] = ()
    reason: Sentence = NO_REASON
    answers: tuple[DnsAnswer, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Finds destinations. `hostname` is our own: mail must not come back to us; `seconds` for all questions."""

    resolver: Resolver
    seconds: float
    hostname: str

    async def of(self, domain: str, *, every_host: bool = True) -> Destination:
        """The destination of mail for this domain.

        Not `every_host`: with the first that is found, which is enough to say that the domain takes mail.
        """
        domain = canonical_domain(domain)
        if not domain or domain.startswith("["):
            return Destination(reach=Reach.CLOSED, reason=_no_domain(domain))
        inquiry = Inquiry(self.resolver, self.seconds)
        exchanges = await self._exchanges(inquiry, domain)
        if isinstance(exchanges, Destination):
            found = exchanges
        else:
            found = await _reachable(inquiry, domain, exchanges, every_host=every_host)
        return Destination(reach=found.reach, hosts=found.hosts, reason=found.reason, answers=inquiry.answers)

    async def _exchanges(self, inquiry: Inquiry, domain: str) -> list[str] | Destination:
        """The names of the mail servers, the preferred ones first; equal ones in any order (RFC 5321 §5.1)."""
        answer = await inquiry.ask(domain, "MX")
        if answer.status is DnsStatus.FAILED:
            return _unknown(domain, answer)
        if answer.status is DnsStatus.ABSENT:
            return Destination(
                reach=Reach.CLOSED, reason=Sentence("The domain {domain} does not exist in the DNS.", domain=domain)
            )
        if answer.status is DnsStatus.EMPTY:
            return [domain]  # RFC 5321 §5.1: the implicit MX
        exchanges = [record.split(" ", 1) for record in answer.records]
        random.shuffle(exchanges)
        names = [name for _, name in sorted(exchanges, key=lambda exchange: int(exchange[0])) if name != "."]
        if not names:
            return Destination(
                reach=Reach.CLOSED,
                reason=Sentence("{domain} takes no mail: it has a null MX (RFC 7505).", domain=domain),
            )
        if canonical_domain(self.hostname) in names:
            return Destination(
                reach=Reach.CLOSED,
                reason=Sentence("Mail for {domain} comes to this gateway: it would loop.", domain=domain),
            )
        return names[:MOST_HOSTS]


async def _reachable(inquiry: Inquiry, domain: str, names: list[str], *, every_host: bool) -> Destination:
    hosts: list[MailHost] = []
    failed: DnsAnswer | None = None
    for name in names:
        answers = [await inquiry.ask(name, "A")]
        if every_host or not any(map(is_public, answers[0].records)):
            answers.append(await inquiry.ask(name, "AAAA"))
        failed = next((answer for answer in answers if answer.status is DnsStatus.FAILED), failed)
        addresses = tuple(record for answer in answers for record in answer.records if is_public(record))
        if addresses:
            hosts.append(MailHost(name, addresses))
            if not every_host:
                break
    if hosts:
        return Destination(reach=Reach.PUBLIC, hosts=tuple(hosts))
    if failed is not None:
        return _unknown(domain, failed)
    return Destination(
        reach=Reach.CLOSED, reason=Sentence("No mail server of {domain} has a public address.", domain=domain)
    )


def _no_domain(domain: str) -> Sentence:
    if not domain:
        return Sentence("The address names no domain.")
    return Sentence("{domain} names no domain.", domain=domain)


def _unknown(domain: str, answer: DnsAnswer) -> Destination:
    reason = Sentence(
        "The DNS does not say where mail for {domain} goes ({answer}).",
        domain=domain,
        answer=f"{answer.kind} {answer.name}: {answer.reason}",
    )
    return Destination(reach=Reach.UNKNOWN, reason=reason)


def is_public(address: str) -> bool:
    """Whether anybody on the Internet can be at this IP address (the special-purpose registries of RFC 6890)."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 6 and (parsed.ipv4_mapped or any(parsed in network for network in _TRANSLATED)):
        return False
    return parsed.is_global and not parsed.is_multicast
