"""Which way a mail that we originate takes: own domains to their route's next hop, all other by `[outbound]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from gateway.operations.outbox import Objection
from gateway.relay.outbound import Submission

if TYPE_CHECKING:
    from gateway.settings import Outbound, Route

NO_WAY = Objection("no outbound route is configured ([outbound] smarthost); it waits", final=False)
NO_MX_YET = Objection("delivery by MX is not built yet: configure [outbound] smarthost; it waits", final=False)


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways out, from the settings."""

    routes: tuple[Route, ...]
    outbound: Outbound
    hostname: str

    def towards(self, recipient: str) -> Submission | Objection:
        """The way to this address (bare `postmaster` is our own), or why there is none yet (decision 12)."""
        _, at, domain = recipient.rpartition("@")
        wanted = canonical_domain(domain)
        for route in self.routes:
            if not at or wanted in {canonical_domain(served) for served in route.domains}:
                return Submission(endpoints=route.next_hop, tls=route.tls, hostname=self.hostname)
        if self.outbound.smarthost is None:
            return NO_MX_YET if self.outbound.mx else NO_WAY
        password = self._password()
        if isinstance(password, Objection):
            return password
        return Submission(
            endpoints=(self.outbound.smarthost,),
            tls=self.outbound.tls,
            hostname=self.hostname,
            username=self.outbound.username,
            password=password,
        )

    def _password(self) -> str | Objection:
        """Read anew each time: secrets are rotated."""
        file = self.outbound.password_file
        try:
            return file.read_text(encoding="utf-8").strip() if file else ""
        except (OSError, UnicodeDecodeError) as error:
            return Objection(f"[outbound] password_file can't be read ({error}); it waits", final=False)
