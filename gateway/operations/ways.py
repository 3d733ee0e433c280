"""Which way a mail that we originate takes: own domains to their route's next hop, all other by `[outbound]`.

By the smarthost where there is one, else to the mail servers of the recipient's domain (RFC 5321 §5.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import structlog

from filters.address import canonical_domain
from filters.sentence import Sentence
from gateway.events import Event
from gateway.operations.outbox import Objection
from gateway.relay.outbound import Server, Submission
from gateway.settings import Endpoint
from gateway.verify.destination import Reach

if TYPE_CHECKING:
    from gateway.settings import Outbound, Route
    from gateway.verify.destination import Destination, Destinations

NO_WAY = Objection(
    Sentence("no outbound route is configured ([outbound] smarthost, or mx = true); it waits"), final=False
)
SMTP_PORT = 25
ADDRESSES_OF_ONE_SERVER = 2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways out, from the settings."""

    routes: tuple[Route, ...]
    outbound: Outbound
    destinations: Destinations
    hostname: str

    async def towards(self, recipient: str) -> Submission | Objection:
        """The way to this address (bare `postmaster` is our own), or why there is none yet (decision 12)."""
        _, at, domain = recipient.rpartition("@")
        wanted = canonical_domain(domain)
        for route in self.routes:
            if not at or wanted in {canonical_domain(served) for served in route.domains}:
                servers = tuple(Server(endpoint, endpoint.host) for endpoint in route.next_hop)
                return Submission(servers=servers, tls=route.tls, hostname=self.hostname, timeout=route.timeout)
        if self.outbound.smarthost is not None:
            return self._by_smarthost(self.outbound.smarthost)
        return await self._by_mx(domain) if self.outbound.mx else NO_WAY

    def _by_smarthost(self, smarthost: Endpoint) -> Submission | Objection:
        password = self._password()
        if isinstance(password, Objection):
            return password
        return Submission(
            servers=(Server(smarthost, smarthost.host),),
            tls=self.outbound.tls,
            hostname=self.hostname,
            username=self.outbound.username,
            password=password,
        )

    async def _by_mx(self, domain: str) -> Submission | Objection:
        destination = await self.destinations.of(domain)
        match destination.reach:
            case Reach.PUBLIC:
                return Submission(servers=_servers(destination), tls=self.outbound.tls, hostname=self.hostname)
            case Reach.CLOSED:
                return Objection(destination.reason)
            case Reach.UNKNOWN:
                log.warning(Event.DNS_FAILED, reason=destination.reason)
                return Objection(Sentence("{reason} It waits.", reason=destination.reason), final=False)
            case unreachable:
                assert_never(unreachable)

    def _password(self) -> str | Objection:
        """Read anew each time: secrets are rotated."""
        file = self.outbound.password_file
        try:
            return file.read_text(encoding="utf-8").strip() if file else ""
        except (OSError, UnicodeDecodeError) as error:
            why = Sentence("[outbound] password_file can't be read ({error}); it waits", error=str(error))
            return Objection(why, final=False)


def _servers(destination: Destination) -> tuple[Server, ...]:
    return tuple(
        Server(Endpoint(address, SMTP_PORT), host.name)
        for host in destination.hosts
        for address in host.addresses[:ADDRESSES_OF_ONE_SERVER]
    )
