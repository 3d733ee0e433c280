"""Sender authentication of one message: SPF, DKIM and DMARC, from one bounded inquiry, with what the DNS said.

Asked for suspects only (decision 6). Never raises for what a message or the DNS holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.authentication import Authentication, MethodResult, Result
from filters.identities import IdentityKind, claims
from gateway.verify.dkim import verify_signatures
from gateway.verify.dmarc import evaluate_dmarc
from gateway.verify.resolver import Inquiry
from gateway.verify.spf import check_spf

if TYPE_CHECKING:
    from filters.content import Header
    from filters.envelope import Envelope
    from gateway.spool import Spool
    from gateway.verify.resolver import Resolver

WHOLE_IN_MEMORY = 4
"""Messages whose signatures are checked at a time: each stands whole in memory meanwhile."""
MOST_AUTHORS = 4
"""Domains of From addresses that DMARC is evaluated for."""

_WORST_FIRST = (
    Result.FAIL,
    Result.TEMPERROR,
    Result.PERMERROR,
    Result.NONE,
    Result.NEUTRAL,
    Result.SOFTFAIL,
    Result.POLICY,
    Result.PASS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderVerifier:
    """Asks `resolver`, for at most `seconds` in all for one message."""

    resolver: Resolver
    seconds: float
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WHOLE_IN_MEMORY))

    async def authenticate(self, envelope: Envelope, header: Header, content: Spool) -> Authentication:
        """What SPF, DKIM and DMARC say of the message, and the answers that this rests on."""
        inquiry = Inquiry(self.resolver, self.seconds)
        origin = envelope.origin
        spf, dkim = await asyncio.gather(
            check_spf(inquiry, client_ip=origin.client_ip, helo=origin.helo, reverse_path=envelope.reverse_path),
            self._signatures(inquiry, envelope, header, content),
        )
        dmarc, policy = await _dmarc(inquiry, envelope, header, spf, dkim)
        return Authentication(spf=spf, dkim=dkim, dmarc=dmarc, dmarc_policy=policy, answers=inquiry.answers)

    async def _signatures(
        self, inquiry: Inquiry, envelope: Envelope, header: Header, content: Spool
    ) -> tuple[MethodResult, ...]:
        if not header.all("dkim-signature"):
            return ()
        async with self.reading:
            return await verify_signatures(inquiry, content.read(), envelope.received_at)


async def _dmarc(
    inquiry: Inquiry, envelope: Envelope, header: Header, spf: MethodResult, dkim: tuple[MethodResult, ...]
) -> tuple[MethodResult, str]:
    """Of several authors the worst result counts: RFC 9989 leaves such a message to the receiver."""
    found = claims(envelope.reverse_path, header).identities
    authors = dict.fromkeys(canonical_domain(one.mailbox.domain) for one in found if one.kind is IdentityKind.FROM)
    results = [
        await evaluate_dmarc(inquiry, domain, spf=spf, dkim=dkim) for domain in [*authors][:MOST_AUTHORS] if domain
    ]
    if not results:
        return MethodResult(reason="There is no From domain to ask about."), ""
    return min(results, key=lambda result: _WORST_FIRST.index(result[0].result))
