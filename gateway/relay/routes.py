"""Which next hop a recipient's mail goes to, and what may be offered to clients on behalf of all of them.

Route domains are exact: a subdomain that is not named is not served, so nothing is relayed for strangers
(RFC 5321 §7.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from gateway.relay.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from filters.address import Mailbox
    from gateway.relay.connection import Capabilities
    from gateway.settings import Route

RESERVE = 64 * 1024
"""Octets of the next hop's SIZE that are kept for the fields we add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What EHLO announces: `size` in octets, and the extensions that every next hop has (as far as is known)."""

    size: int
    eightbitmime: bool
    smtputf8: bool


class Routes:
    """All routes with their pools."""

    def __init__(self, routes: Sequence[Route], *, hostname: str, max_message_size: int) -> None:
        self._max_message_size = max_message_size
        self.pools = [Pool(route, hostname) for route in routes]
        self._known: tuple[Capabilities | None, ...] | None = None
        self._offers = Offers(size=max_message_size, eightbitmime=True, smtputf8=True)
        self._by_domain = {canonical_domain(domain): pool for pool in self.pools for domain in pool.route.domains}

    @property
    def domains(self) -> frozenset[str]:
        """Every served domain, canonical."""
        return frozenset(self._by_domain)

    def pool_for(self, mailbox: Mailbox) -> Pool | None:
        """The pool of the recipient's route, or None when its domain is not served.

        A bare `postmaster` belongs to the first route (RFC 5321 §4.5.1).
        """
        if not mailbox.domain:
            return self.pools[0]
        return self._by_domain.get(canonical_domain(mailbox.domain))

    def offers(self) -> Offers:
        """The intersection of what all next hops offered last; what is not known yet is offered.

        SMTPUTF8 is never withdrawn because a next hop is down: senders would bounce what they could retry.
        """
        known = tuple(pool.capabilities for pool in self.pools)
        if known != self._known:
            self._known, self._offers = known, self._offers_of(one for one in known if one is not None)
        return self._offers

    def _offers_of(self, known: Iterable[Capabilities]) -> Offers:
        known = tuple(known)
        limits = [limit - RESERVE for limit in (capabilities.size for capabilities in known) if limit > 2 * RESERVE]
        return Offers(
            size=min([self._max_message_size, *limits]),
            eightbitmime=all("8BITMIME" in capabilities for capabilities in known),
            smtputf8=all("SMTPUTF8" in capabilities for capabilities in known),
        )

    def sweep(self) -> None:
        """Close pooled connections that have been idle for too long."""
        for pool in self.pools:
            pool.sweep()

    def close(self) -> None:
        """Close every pooled connection."""
        for pool in self.pools:
            pool.close()
