"""The servers that we hand mail to: next hops, their certificates and recipients, and the way out for our own mail."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from gateway import tokens
from gateway.cli.checks.line import Line, problem, warning, well
from gateway.clock import SystemClock
from gateway.foundation import open_destinations
from gateway.operations.outbox import Objection
from gateway.operations.ways import Ways
from gateway.relay.connection import NextHopError
from gateway.relay.opening import open_connection
from gateway.relay.outbound import try_out
from gateway.settings import ClientInfo, Tls
from gateway.tls import peer_certificate_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gateway.model.reply import Reply
    from gateway.relay.connection import Connection
    from gateway.relay.outbound import Submission
    from gateway.settings import Endpoint, Route, Settings

WITHIN = 10.0
"""Seconds that a server has for each answer."""
SOON = timedelta(days=14)
"""Before its end a certificate of another server is spoken of."""
HOP = "next hop"
REACH = "see that it runs, and that its firewall and its permissions let this machine in"


async def ask_next_hops(settings: Settings) -> list[Line]:
    """Every next hop of every route, all at once."""
    questions = [_hop(hop, route, settings) for route in settings.route for hop in route.next_hop]
    return [line for lines in await asyncio.gather(*questions) for line in lines]


async def _hop(hop: Endpoint, route: Route, settings: Settings) -> list[Line]:
    hostname = settings.smtp.hostname
    try:
        connection = await open_connection(hop, hostname=hostname, tls=route.tls, timeout=WITHIN)
    except NextHopError as error:
        return [problem(HOP, str(error), REACH)]
    offered = ", ".join(sorted(connection.capabilities.keywords)) or "nothing"
    lines = [well(HOP, f"{hop} answers and offers {offered}"), *_introduction(connection, route)]
    lines += await _certificate(connection, route.tls, hostname)
    try:
        lines += [line async for line in _recipients(connection, route, settings)]
    except NextHopError as error:
        lines.append(problem(HOP, str(error), "look into its log for what it has against this connection"))
    await connection.leave()
    return lines


def _introduction(connection: Connection, route: Route) -> Iterator[Line]:
    verb = str(route.client).upper()
    if route.client is not ClientInfo.NONE and verb not in connection.capabilities:
        text = f"{connection.endpoint} does not offer {verb}: it won't be told who the client was"
        yield warning(HOP, text, f'permit {verb} for this machine there, or set client = "none" in the [[route]]')


async def _certificate(connection: Connection, tls: Tls, hostname: str) -> list[Line]:
    """What protects the connection, for how long, and whether it proves who is at the other end."""
    hop, shown = connection.endpoint, connection.peer_certificate
    if shown is None:
        if hop.is_loopback:
            return []
        mend = 'offer STARTTLS there, then set tls = "required" in the [[route]]'
        return [warning(HOP, f"mail goes to {hop} in clear", mend)]
    end, now = peer_certificate_end(shown), SystemClock().now()
    renew = f"renew it at {hop}"
    if end <= now:
        return [warning(HOP, f"the certificate of {hop} ended on {end:%Y-%m-%d}", renew)]
    proven = tls is Tls.VERIFIED or not (why := await _unproven(hop, hostname))
    proof = "proves its name" if proven else f'proves nothing ({why}), which tls = "{tls}" does not ask for'
    text = f"the certificate of {hop} is good until {end:%Y-%m-%d}, for {(end - now).days} days, and {proof}"
    return [warning(HOP, text, renew) if end - now < SOON else well(HOP, text)]


async def _unproven(hop: Endpoint, hostname: str) -> str:
    """Why `verified` would refuse it, or ""."""
    try:
        connection = await open_connection(hop, hostname=hostname, tls=Tls.VERIFIED, timeout=WITHIN)
    except NextHopError as error:
        return str(error)
    await connection.leave()
    return ""


async def _recipients(connection: Connection, route: Route, settings: Settings) -> AsyncIterator[Line]:
    """Whether it refuses whom nobody knows, and takes emergency recipients. No message is sent."""
    hop = connection.endpoint
    begun = await connection.command(b"MAIL FROM:<>")
    if not begun.positive:
        text = f"{hop} refuses mail with an empty sender ({begun})"
        yield problem(
            HOP, text, "permit it for this machine: receipts, bounces and notices have no other (RFC 5321 §4.5.5)"
        )
        return
    for domain in route.domains:
        unknown = f"liaison-check-{tokens.trace_id()}@{domain}"
        yield _of_unknown(hop, domain, await connection.command(f"RCPT TO:<{unknown}>".encode()))
    for address in settings.emergency.recipients:
        if canonical_domain(address.rpartition("@")[2]) in route.domains:
            taken = await connection.command(f"RCPT TO:<{address}>".encode())
            yield _of_emergency(hop, address, taken)
    await connection.command(b"RSET")


def _of_unknown(hop: Endpoint, domain: str, reply: Reply) -> Line:
    if reply.permanent:
        return well(HOP, f"{hop} refuses an unknown recipient of {domain} at RCPT")
    if reply.transient:
        text = f"{hop} answers {reply} for an unknown recipient of {domain}: nobody can tell whether it knows its own"
        return warning(HOP, text, "switch off greylisting and sender checks there for this machine")
    text = f"{hop} accepts an unknown recipient of {domain} at RCPT ({reply}): it will bounce mail to forged senders"
    return warning(HOP, text, "let it refuse unknown recipients at RCPT; README.md says what it needs")


def _of_emergency(hop: Endpoint, address: str, reply: Reply) -> Line:
    if reply.positive:
        return well(HOP, f"{hop} takes mail for the emergency recipient {address}")
    return problem(HOP, f"{hop} refuses the emergency recipient {address} ({reply})", "mend the address or the mailbox")


async def look_at_emergency(settings: Settings) -> list[Line]:
    """Emergency recipients whose next hop has other mail to take too.

    That a domain has emergency recipients alone can't be known; the one that the agency itself writes from has others.
    """
    own = canonical_domain(settings.agency.contact_email.rpartition("@")[2])
    lines: list[Line] = []
    for address in settings.emergency.recipients:
        domain = canonical_domain(address.rpartition("@")[2])
        hops = {hop for route in settings.route if domain in route.domains for hop in route.next_hop}
        others = {one for route in settings.route if hops & set(route.next_hop) for one in route.domains} - {domain}
        alone = not others and domain != own
        lines.append(
            well("emergency", f"{address} has a next hop of its own") if alone else _shared(address, others, domain)
        )
    return lines


def _shared(address: str, others: set[str], domain: str) -> Line:
    company = f"mail of {', '.join(sorted(others))} and " if others else ""
    text = (
        f"{address} shares its next hop with {company}all other mail of {domain}: when that is slow or "
        "down, emergency mail waits too"
    )
    mend = "give emergency addresses a domain of their own in a [[route]] with a next hop of its own, if you can"
    return warning("emergency", text, mend)


async def ask_outbound(settings: Settings) -> list[Line]:
    """The way that reports take, as a worker would find it, up to and including the password."""
    ways = Ways(
        routes=settings.route,
        outbound=settings.outbound,
        destinations=open_destinations(settings),
        hostname=settings.smtp.hostname,
    )
    name = "smarthost" if settings.outbound.smarthost is not None else "outbound"
    address = settings.collation.address
    way = await ways.towards(address)
    if isinstance(way, Objection):
        if settings.outbound.smarthost is None and not settings.outbound.mx:
            return [warning(name, "no way out is configured: nothing that the gateway writes leaves", _WAY_OUT)]
        return [problem(name, str(way.reason), "mend [outbound], or the name servers that it needs")]
    return [*await _try(name, way), *await _try_verified(name, way, settings)]


_WAY_OUT = "set [outbound] smarthost, or mx = true, before you want reports to leave"


async def _try(name: str, way: Submission) -> list[Line]:
    tried = await try_out(way, verified=False)
    if tried.reason:
        return [problem(name, tried.reason, "see that it runs, lets this machine in and takes the password")]
    offered = ", ".join(tried.offered) or "nothing"
    login = f", and takes the password of {way.username}" if way.username else ""
    return [well(name, f"{tried.server} answers and offers {offered}{login}")]


async def _try_verified(name: str, way: Submission, settings: Settings) -> list[Line]:
    """Reports need more than other mail where the configuration says so."""
    if settings.collation.tls is not Tls.VERIFIED or way.tls == Tls.VERIFIED:
        return []
    tried = await try_out(way, verified=True)
    if not tried.reason:
        return [well(name, 'reports can leave by it under collation.tls = "verified"')]
    text = f'reports wait: collation.tls = "verified", and {tried.reason}'
    return [warning(name, text, "give the smarthost a certificate that proves its name, or set collation.tls")]
