"""The DNS: the name servers, our own records, and what every listed domain publishes about its senders."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.authentication import DnsStatus, MethodResult, Result
from filters.dkim import DkimSyntaxError, parse_key
from filters.lists import EntryKind
from filters.spf import SpfSyntaxError, is_spf_record, parse_spf_record
from gateway.cli.checks.line import Line, problem, warning, well
from gateway.cli.peeking import peek
from gateway.clock import SystemClock
from gateway.compose.signing_key import public_half
from gateway.errors import ConfigurationError
from gateway.foundation import open_destinations
from gateway.sending import open_signer
from gateway.settings.kinds import parse_nameserver
from gateway.verify.destination import Reach
from gateway.verify.dmarc import evaluate_dmarc
from gateway.verify.resolver import Inquiry, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from filters.authentication import DnsAnswer
    from filters.lists import ListEntry
    from filters.spf import SpfRecord
    from gateway.compose.signing import Signer
    from gateway.settings import Settings
    from gateway.verify.destination import Destinations

AT_ONCE = 8
"""Domains that the DNS is asked about side by side."""
MANY = 5
"""Listed domains of which some must exist."""
NAMED = 3
"""Of these, as examples."""
LISTED = "listed domain"
_DNS_MEND = "see that [dns] nameservers are right, and that UDP and TCP 53 may leave this machine"


async def ask_name_servers(settings: Settings) -> list[Line]:
    """Each by itself: one that is away costs every suspect seconds."""
    name = settings.smtp.hostname
    addresses = (await Resolver(settings.dns.nameservers).name_servers()).addresses
    if not addresses:
        return [problem("dns", "there are no name servers: no sender can be proven", _DNS_MEND)]
    answers = await asyncio.gather(*(_asked_alone(one, name, settings.dns.timeout) for one in addresses))
    failed = [answer for answer in answers if answer.status is DnsStatus.FAILED]
    if len(failed) == len(answers):
        text = f"the name servers don't answer ({failed[0].reason}): no sender can be proven"
        return [problem("dns", text, _DNS_MEND)]
    lines = [
        warning("dns", f"the name server {address} does not answer ({answer.reason})", _DNS_MEND)
        for address, answer in zip(addresses, answers, strict=True)
        if answer.status is DnsStatus.FAILED
    ]
    return [well("dns", "the name servers answer"), *lines]


async def _asked_alone(address: str, name: str, within: float) -> DnsAnswer:
    return await Resolver([parse_nameserver(address)]).ask(name, "A", within)


async def ask_own_names(settings: Settings) -> list[Line]:
    """Our DKIM key, the SPF record of what we write from, and where mail for our domains goes."""
    resolver = Resolver(settings.dns.nameservers)

    def inquiry() -> Inquiry:
        """One for each name: what is slow to answer about one leaves the time of the others alone."""
        return Inquiry(resolver, settings.dns.timeout)

    return [
        *await _own_key(inquiry(), settings),
        *[await _own_exchange(inquiry(), domain, settings) for route in settings.route for domain in route.domains],
        await _own_sender(inquiry(), settings.collation.from_.rpartition("@")[2]),
    ]


async def _own_key(inquiry: Inquiry, settings: Settings) -> list[Line]:
    try:
        signer = open_signer(settings)
    except ConfigurationError:
        return []  # said already, about the file
    return [] if signer is None else [_key_line(signer, await inquiry.ask(signer.record, "TXT"))]


def _key_line(signer: Signer, answer: DnsAnswer) -> Line:
    """Whether verifiers find the key that we sign with."""
    ours, shown = public_half(signer.key), "`liaison dkim record` shows what to publish"
    if answer.status is DnsStatus.FAILED:
        return warning(
            "dkim", f"the DNS does not say whether {signer.record} is published ({answer.reason})", _DNS_MEND
        )
    if not answer.records:
        return problem("dkim", f"{signer.record} is not published: no signature of ours verifies", shown)
    if len(answer.records) > 1:
        text = f"{signer.record} has {len(answer.records)} TXT records: verifiers may take the wrong one"
        return problem("dkim", text, "leave one")
    try:
        theirs = parse_key(answer.records[0]).public
    except DkimSyntaxError as error:
        return problem("dkim", f"{signer.record} can't be read ({error})", shown)
    if theirs == ours:
        return well("dkim", f"{signer.record} has the public half of our key")
    text = "is revoked (its p= is empty)" if not theirs else "has another key than the one that we sign with"
    return problem("dkim", f"{signer.record} {text}", f"{shown}; or sign with the key that is published")


async def _own_exchange(inquiry: Inquiry, domain: str, settings: Settings) -> Line:
    answer = await inquiry.ask(domain, "MX")
    hosts = sorted({record.partition(" ")[2] for record in answer.records})
    if answer.status is DnsStatus.FAILED:
        return warning("mx", f"the DNS does not say where mail for {domain} goes ({answer.reason})", _DNS_MEND)
    if not hosts:
        return warning("mx", f"{domain} has no MX", f"publish {domain}. IN MX 10 {settings.smtp.hostname}.")
    ours = canonical_domain(settings.smtp.hostname)
    if hosts == [ours]:
        return well("mx", f"mail for {domain} comes to this gateway's name")
    text = f"mail for {domain} goes to {', '.join(hosts)}"
    if ours in hosts:
        way_around = ", ".join(host for host in hosts if host != ours)
        return warning("mx", text, f"what comes in by {way_around} is not screened, unless it is handed to the gateway")
    return well("mx", f"{text}: not to {ours} by itself, so these have to hand it to the gateway")


async def _own_sender(inquiry: Inquiry, domain: str) -> Line:
    """What others will find out about the From of reports."""
    spf = await inquiry.ask(domain, "TXT")
    _, policy = await evaluate_dmarc(inquiry, domain, spf=MethodResult(), dkim=())
    if spf.status is DnsStatus.FAILED:
        return warning("own domain", f"the DNS does not say what {domain} publishes ({spf.reason})", _DNS_MEND)
    lacks = [] if any(map(is_spf_record, spf.records)) else ["SPF"]
    lacks += [] if policy else ["DMARC"]
    if lacks:
        mend = f"publish {' and '.join(lacks)}, so that others can tell your mail from forged mail"
        return warning("own domain", f"{domain}, which reports come from, publishes no {' and no '.join(lacks)}", mend)
    return well("own domain", f"{domain}, which reports come from, publishes SPF and DMARC p={policy}")


async def ask_listed_domains(settings: Settings) -> list[Line]:
    """What every listed domain publishes, and so whether one of its senders can ever be `confirmed`."""
    entries = (await peek(settings, SystemClock())).rulebook.index.entries
    resolver, destinations = Resolver(settings.dns.nameservers), open_destinations(settings)
    probe = await Inquiry(resolver, settings.dns.timeout).ask(settings.smtp.hostname, "A")
    if probe.status is DnsStatus.FAILED:
        return []  # said already
    at_once = asyncio.Semaphore(AT_ONCE)

    async def ask(domain: str) -> Line:
        async with at_once:
            return await _listed(domain, Inquiry(resolver, settings.dns.timeout), destinations)

    domains = sorted(set(_domains(entries)))
    lines = await asyncio.gather(*map(ask, domains))
    if len(lines) >= MANY and all(line.mend for line in lines):
        lines = [_of_resolvers(domains)]
    return [*lines, *_patterns(entries)]


def _of_resolvers(domains: Sequence[str]) -> Line:
    """Name servers that know a private network alone say of everything else that it does not exist."""
    text = f"the name servers answer, but know none of the {len(domains)} listed domains: no sender can be proven"
    return problem(
        "dns",
        f"{text}; asked for {', '.join(domains[:NAMED])} and others",
        "name some in [dns] nameservers that know all of the Internet",
    )


def _domains(entries: Iterable[ListEntry]) -> Iterator[str]:
    for entry in entries:
        if entry.kind is EntryKind.ADDRESS:
            yield entry.value.rpartition("@")[2]
        elif entry.kind is not EntryKind.LABEL:
            yield entry.value


def _patterns(entries: Iterable[ListEntry]) -> Iterator[Line]:
    if patterns := sorted(entry.value for entry in entries if entry.kind is EntryKind.LABEL):
        yield well(LISTED, f"not asked about, for they are patterns: {', '.join(patterns)}")


async def _listed(domain: str, inquiry: Inquiry, destinations: Destinations) -> Line:
    """A domain that publishes nothing is no fault of the agency's; it is good to know, for it can't be `confirmed`."""
    spf = await inquiry.ask(domain, "TXT")
    dmarc, policy = await evaluate_dmarc(inquiry, domain, spf=MethodResult(), dkim=())
    if DnsStatus.FAILED is spf.status or dmarc.result is Result.TEMPERROR:
        text = f"{domain}: the DNS does not answer, and while that lasts nobody there is confirmed"
        return warning(LISTED, text, "ask again later: its own name servers may be ill")
    if spf.status is DnsStatus.ABSENT:
        text = f"{domain} does not exist in the DNS. Can it ever be confirmed: no, because nobody can send from it"
        return warning(LISTED, text, "see whether the entry is spelled right, with `liaison senders list`")
    found = [record for record in spf.records if is_spf_record(record)]
    publishes = "SPF" if found else "no SPF"
    publishes += f" and {f'DMARC p={policy}' if policy else 'no DMARC'}"
    destination = await destinations.of(domain, every_host=False)
    reply = "" if destination.reach is Reach.PUBLIC else f" No decline can reach it: {destination.reason}"
    return well(LISTED, f"{domain} publishes {publishes}. Can it ever be confirmed: {_confirmable(found)}.{reply}")


def _confirmable(records: Sequence[str]) -> str:
    """By SPF as far as the record goes; whether it signs, only its mail tells."""
    only = "only by a DKIM signature of its own, which its mail will show"
    if not records:
        return f"{only}, because it publishes no SPF"
    if len(records) > 1:
        return f"{only}, because it has {len(records)} SPF records, which is as good as none"
    try:
        record = parse_spf_record(records[0])
    except SpfSyntaxError as error:
        return f"{only}, because its SPF record can't be read ({error})"
    if _permits_all(record):
        return "yes, by SPF, but so can anybody: its record permits every sender (+all)"
    return "yes, by SPF or DKIM" if _permits_some(record) else f"{only}, because its SPF record permits no sender"


def _permits_all(record: SpfRecord) -> bool:
    return any(one.name == "all" and one.qualifier is Result.PASS for one in record.mechanisms)


def _permits_some(record: SpfRecord) -> bool:
    return bool(record.redirect) or any(one.qualifier is Result.PASS for one in record.mechanisms)
