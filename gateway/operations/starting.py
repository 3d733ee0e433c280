"""What the gateway starts by itself for a new case: the report and the decline, or the reasons why not.

Policy and gate are asked first, then the counters of the store: limits by the day, and the window of a sender. What
is not started waits for a person, with its reasons in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.address import canonical_domain, canonical_local_part, parse_path
from filters.automatic import Proposal, automatic_objections
from filters.disposition import Handling
from filters.sentence import Sentence
from gateway.model.outbox import Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from filters.address import Mailbox
    from filters.content import Header
    from filters.envelope import Envelope
    from filters.screening import Screening
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem
    from gateway.operations.deciding import Decision
    from gateway.operations.gate import Gate
    from gateway.settings import Collation, Decline
    from gateway.store.unit_of_work import Work

ALL = ""
"""The scope of a count that is about every domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Whether report and decline are started, and if not, why. `decline_due` is None for no decline."""

    report: bool
    report_reasons: tuple[Sentence, ...]
    decline_due: datetime | None
    decline_reasons: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Decides, and counts what it starts. `collation` and `decline` hold the limits."""

    gate: Gate
    clock: Clock
    collation: Collation
    decline: Decline

    async def start(
        self, work: Work, *, envelope: Envelope, header: Header, decision: Decision, decline_id: str
    ) -> Start:
        """For a new case; `decline_id` is the id of the outbox item that its decline would have."""
        report_reasons = await self._report_reasons(work, decision.screening)
        proposal = Proposal(envelope=envelope, header=header, screening=decision.screening)
        decline_reasons = await self._decline_reasons(work, proposal, decision.unreachable, decline_id)
        return Start(
            report=not report_reasons,
            report_reasons=report_reasons,
            decline_due=None if decline_reasons else self.clock.now() + timedelta(seconds=self.decline.delay),
            decline_reasons=decline_reasons,
        )

    async def _report_reasons(self, work: Work, screening: Screening) -> tuple[Sentence, ...]:
        if screening.report is not Handling.AUTO:
            return (_not_reported(screening),)
        limits = (self.collation.domain_daily_limit, self.collation.daily_limit)
        spent = await self._spent(work, Purpose.REPORT, _listed_domain(screening), limits)
        return (spent,) if spent else ()

    async def _decline_reasons(
        self, work: Work, proposal: Proposal, unreachable: Sentence | None, item_id: str
    ) -> tuple[Sentence, ...]:
        path = proposal.envelope.reverse_path
        reasons = (
            *self.gate.hard(path, proposal.header, proposal.screening.entries),
            *automatic_objections(proposal),
            *((unreachable,) if unreachable else ()),
        )
        if reasons:
            return reasons
        now = self.clock.now()
        if not await work.limits.open_window(window_key(path), item_id, now, self.window_end(now)):
            days = self.decline.window_days
            return (Sentence("This sender was declined within the last {days} days.", days=days),)
        limits = (self.decline.domain_daily_limit, self.decline.daily_limit)
        spent = await self._spent(work, Purpose.DECLINE, canonical_domain(path.domain), limits)
        if spent:
            await work.limits.close_window(item_id)
            return (spent,)
        return ()

    async def hold_window(self, work: Work, case: Case, item_id: str) -> None:
        """A decline that a person asked for: no window stops it, but automatic ones wait for its end."""
        sender = _window_of(case.reverse_path)
        await work.limits.prolong_window(sender, item_id, self.window_end(self.clock.now()))

    async def give_up_window(self, work: Work, item: OutboxItem) -> None:
        """A decline that did not leave holds no window; one of before that did has its own again, to its end.

        A sender has one window, which a decline that a person asked for takes over.
        """
        if not await work.limits.close_window(item.id):
            return
        sender = _window_of(item.to)
        begun_after = self.clock.now() - timedelta(days=self.decline.window_days)
        for earlier in reversed(await work.outbox.declines_since(begun_after)):
            if earlier.id != item.id and _window_of(earlier.to) == sender:
                await work.limits.prolong_window(sender, earlier.id, self.window_end(earlier.created_at))
                return

    def window_end(self, now: datetime) -> datetime:
        """When a sender that is declined now may be declined automatically again."""
        return now + timedelta(days=self.decline.window_days)

    async def _spent(self, work: Work, purpose: Purpose, domain: str, limits: tuple[int, int]) -> Sentence | None:
        """Why no more of this mail starts today, or None when it was counted."""
        day = self.clock.now().date()
        for_domain, in_all = limits
        if not await work.limits.take(purpose, domain, day, for_domain):
            reason = _limit_for(purpose, for_domain, domain)
        elif not await work.limits.take(purpose, ALL, day, in_all):
            await work.limits.give_back(purpose, domain, day)
            reason = _limit_in_all(purpose, in_all)
        else:
            return None
        await work.limits.refuse(purpose, day)
        return reason


def _not_reported(screening: Screening) -> Sentence:
    said = {"tier": screening.tier, "mode": screening.mode}
    if screening.report is Handling.REVIEW:
        return Sentence("For the tier {tier}, the list entry and the mode {mode} a report waits for a person.", **said)
    return Sentence("For the tier {tier}, the list entry and the mode {mode} a report is not made.", **said)


def _limit_for(purpose: Purpose, most: int, domain: str) -> Sentence:
    if purpose is Purpose.DECLINE:
        return Sentence("Today's limit of {most} automatic declines for {domain} is reached.", most=most, domain=domain)
    return Sentence("Today's limit of {most} automatic reports for {domain} is reached.", most=most, domain=domain)


def _limit_in_all(purpose: Purpose, most: int) -> Sentence:
    if purpose is Purpose.DECLINE:
        return Sentence("Today's limit of {most} automatic declines is reached.", most=most)
    return Sentence("Today's limit of {most} automatic reports is reached.", most=most)


def window_key(reverse_path: Mailbox) -> str:
    """One sender for the window: lower case, the +tag cut (RFC 5233)."""
    local_part, _, _ = canonical_local_part(reverse_path.local_part).partition("+")
    return f"{local_part}@{canonical_domain(reverse_path.domain)}"


def _window_of(address: str) -> str:
    """The same for an address as it stands on record."""
    return window_key(parse_path(address, smtputf8=True))


def _listed_domain(screening: Screening) -> str:
    """The domain that the message claims: of the identity that the deciding entry covers."""
    for finding in screening.findings:
        if finding.identity is not None and finding.entry is not None and finding.entry == screening.entry:
            return canonical_domain(finding.identity.mailbox.domain)
    return screening.entry.value if screening.entry is not None else ALL
