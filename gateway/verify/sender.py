"""Sender authentication of one message: SPF, DKIM and DMARC, from one bounded inquiry, with what the DNS said.

Asked for suspects only (decision 6), so each method is imported when it is first asked for. Never raises for what a
message or the DNS holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.authentication import NOT_AUTHENTICATED, Authentication, MethodResult, Result
from filters.identities import IdentityKind, claims
from filters.sentence import Sentence
from filters.upstream import upstream_authentication
from gateway.verify.resolver import Inquiry

if TYPE_CHECKING:
    from filters.content import Header
    from filters.envelope import Envelope
    from filters.upstream import Upstream
    from gateway.spool import Spool
    from gateway.verify.resolver import Resolver

CHECKED_AT_ONCE = 4
"""Messages whose signatures are checked at a time: others, and other mail, want the processor too."""
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
    upstream: Upstream | None = None
    """Whose Authentication-Results are believed."""
    forwarded: bool = False
    """Of mail that somebody forwarded: no client is known, so SPF is not asked, and DMARC may prove but not fail."""
    checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKED_AT_ONCE))

    async def authenticate(self, envelope: Envelope, header: Header, content: Spool) -> Authentication:
        """What SPF, DKIM and DMARC say of the message, and the answers that this rests on.

        What a named upstream has said stands: it saw the client, and the message as it was. The rest is found out here.
        """
        inquiry = Inquiry(self.resolver, self.seconds)
        told = self._told(header, envelope)
        spf, dkim = await asyncio.gather(_spf(inquiry, envelope), self._signatures(inquiry, envelope, header, content))
        spf, dkim = _said(told.spf) or spf, (*told.dkim, *dkim)
        dmarc, policy = told.dmarc, told.dmarc_policy
        if not _said(dmarc):
            dmarc, policy = await _dmarc(inquiry, envelope, header, spf, dkim)
        if self.forwarded and dmarc.result is Result.FAIL:
            dmarc = MethodResult(domain=dmarc.domain, reason=_CANT_FAIL)
        return Authentication(spf=spf, dkim=dkim, dmarc=dmarc, dmarc_policy=policy, answers=inquiry.answers)

    def _told(self, header: Header, envelope: Envelope) -> Authentication:
        told = upstream_authentication(header, self.upstream, envelope.reverse_path)
        if self.upstream is None or told == NOT_AUTHENTICATED:
            return NOT_AUTHENTICATED
        reason = f"So says {self.upstream.authserv_id}, in Authentication-Results."
        return replace(
            told,
            spf=replace(told.spf, reason=reason),
            dkim=tuple(replace(one, reason=reason) for one in told.dkim),
            dmarc=replace(told.dmarc, reason=reason),
        )

    async def _signatures(
        self, inquiry: Inquiry, envelope: Envelope, header: Header, content: Spool
    ) -> tuple[MethodResult, ...]:
        if not header.all("dkim-signature"):
            return ()
        from gateway.verify.dkim import verify_signatures

        async with self.checking:
            return await verify_signatures(inquiry, content, envelope.received_at)


_CANT_FAIL = Sentence(
    "No aligned signature verifies, and SPF can't be asked: the message was forwarded, so no client is known."
)


def _said(result: MethodResult) -> MethodResult | None:
    return None if result.result is Result.NONE else result


async def _spf(inquiry: Inquiry, envelope: Envelope) -> MethodResult:
    """Asked about the first client outside our own networks; None of them known: nothing can be said."""
    from gateway.verify.spf import check_spf

    client = envelope.origin.outside
    address, helo = (client.address, client.helo) if client is not None else ("", envelope.origin.helo)
    return await check_spf(inquiry, client_ip=address, helo=helo, reverse_path=envelope.reverse_path)


async def _dmarc(
    inquiry: Inquiry, envelope: Envelope, header: Header, spf: MethodResult, dkim: tuple[MethodResult, ...]
) -> tuple[MethodResult, str]:
    """Of several authors the worst result counts: RFC 9989 leaves such a message to the receiver."""
    from gateway.verify.dmarc import evaluate_dmarc

    found = claims(envelope.reverse_path, header).identities
    authors = dict.fromkeys(canonical_domain(one.mailbox.domain) for one in found if one.kind is IdentityKind.FROM)
    results = [
        await evaluate_dmarc(inquiry, domain, spf=spf, dkim=dkim) for domain in [*authors][:MOST_AUTHORS] if domain
    ]
    if not results:
        return MethodResult(reason=Sentence("There is no From domain to ask about.")), ""
    return min(results, key=lambda result: _WORST_FIRST.index(result[0].result))
