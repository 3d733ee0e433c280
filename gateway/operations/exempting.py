"""Exemptions: a listed sender may reach some recipients for some time, because somebody with a name approved it.

An exempt message is delivered with the flag and never declined. Each grant and each end is one version of the
rulebook, in force everywhere within two seconds, and an audit row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.address import AddressError, canonical_domain, parse_path
from filters.identities import ORIGINATORS
from filters.lists import ListIndex
from filters.rulebook import Exemption
from filters.sentence import Sentence
from gateway import tokens
from gateway.errors import RefusedError
from gateway.operations.case_turns import take

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from filters.lists import ListEntry
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.model.list_table import EndedExemption
    from gateway.store.unit_of_work import Store, Work

LONGEST = timedelta(days=366)
"""What has to last longer is approved anew: people change their posts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exempting:
    """The verbs. `own_domains` are the agency's: exemptions are for its recipients."""

    store: Store
    clock: Clock
    own_domains: frozenset[str]

    async def in_force(self) -> list[Exemption]:
        """The exemptions in force, the first to end first."""
        async with self.store.reading() as work:
            return await work.senders.exemptions(self.clock.now())

    async def over(self, most: int) -> list[EndedExemption]:
        """The last ones that are over, the newest end first."""
        async with self.store.reading() as work:
            return await work.list_records.ended_exemptions(self.clock.now(), most)

    async def grant(
        self, sender: str, recipients: Sequence[str], *, until: datetime, approver: str, reason: str, actor: str
    ) -> Exemption:
        """Exempt a listed address, or a whole entry by its value. RefusedError says what is wrong."""
        wish = self._wish(sender, recipients, until=until, approver=approver, reason=reason)
        async with self.store.begin() as work:
            return await self._grant(work, wish, actor)

    async def grant_for(
        self,
        reference: str,
        recipients: Sequence[str],
        *,
        until: datetime,
        approver: str,
        reason: str,
        actor: str,
        expected: int | None = None,
    ) -> Exemption:
        """Exempt the sender of a case: its address, or the entry where it claims several of it."""
        async with self.store.begin() as work:
            sender = _sender_of(await take(work, reference, expected))
            wish = self._wish(sender, recipients, until=until, approver=approver, reason=reason)
            exemption = await self._grant(work, wish, actor)
            await work.audit.append(actor, "sender-exempted", reference, {"exemption": exemption.id})
            return exemption

    def _wish(
        self, sender: str, recipients: Sequence[str], *, until: datetime, approver: str, reason: str
    ) -> Exemption:
        """As it is asked for: whether its sender is listed is still to be seen."""
        keys = frozenset(self._recipient_key(recipient) for recipient in recipients)
        wish = Exemption(
            id=tokens.item_id(), sender=sender, recipients=keys, until=until, approver=approver, reason=reason
        )
        self._check(wish)
        return wish

    async def _grant(self, work: Work, wish: Exemption, actor: str) -> Exemption:
        exemption = replace(wish, sender=_listed_sender(wish.sender, await work.senders.live()))
        _refuse_twice(exemption, await work.senders.exemptions(self.clock.now()))
        await work.senders.exempt(exemption)
        await self._new_version(work, actor, Sentence("exempt {sender}", sender=exemption.sender))
        detail = {
            "id": exemption.id,
            "until": exemption.until.isoformat(),
            "approver": exemption.approver,
            "reason": exemption.reason,
            "recipients": " ".join(sorted(exemption.recipients)),
        }
        await work.audit.append(actor, "exemption-granted", exemption.sender, detail)
        return exemption

    async def end(self, exemption_id: str, *, actor: str) -> int:
        """End one before its date. Returns how many others of the same sender are in force."""
        async with self.store.begin() as work:
            standing = await work.senders.exemptions(self.clock.now())
            if not await work.senders.end_exemption(exemption_id, self.clock.now()):
                raise RefusedError("There is no exemption {exemption} in force", exemption=exemption_id)
            senders = [one.sender for one in standing if one.id == exemption_id]
            await self._new_version(work, actor, Sentence("end exemption {exemption}", exemption=exemption_id))
            await work.audit.append(actor, "exemption-ended", exemption_id, {})
            return sum(one.sender in senders for one in standing) - len(senders)

    def _check(self, wish: Exemption) -> None:
        now = self.clock.now()
        if wish.until <= now:
            raise RefusedError("The end of an exemption lies in the future, {day} does not", day=wish.last_day)
        if wish.until > now + LONGEST:
            raise RefusedError(
                "An exemption lasts {days} days at most; approve it anew when it ends", days=LONGEST.days
            )
        if not wish.approver.strip() or not wish.reason.strip():
            raise RefusedError("An exemption needs the name of who approved it, and a reason")

    def _recipient_key(self, recipient: str) -> str:
        try:
            mailbox = parse_path(recipient, smtputf8=True)
        except AddressError as error:
            raise RefusedError("{address} is no address: {why}", address=recipient, why=error.sentence) from error
        if canonical_domain(mailbox.domain) not in self.own_domains:
            raise RefusedError(
                "{address} is not at one of the agency's domains: exemptions are for its recipients", address=recipient
            )
        return mailbox.key

    async def _new_version(self, work: Work, actor: str, text: str) -> None:
        await work.senders.change((), (), at=self.clock.now(), actor=actor, text=text)


def _refuse_twice(wish: Exemption, standing: Sequence[Exemption]) -> None:
    """A second one of the same would go on when the first is ended, and nobody would expect it."""
    for one in standing:
        if (one.sender, one.recipients, one.until) == (wish.sender, wish.recipients, wish.until):
            raise RefusedError(
                "{sender} is exempt for the same recipients until {day} already", sender=one.sender, day=one.last_day
            )


def _listed_sender(text: str, live: Sequence[ListEntry]) -> str:
    """The key of a listed address, or the value of an entry; RefusedError where nothing is listed."""
    values = {entry.value for entry in live}
    if text.lower() in values:
        return text.lower()
    try:
        mailbox = parse_path(text, smtputf8=True)
    except AddressError:
        mailbox = None
    if mailbox is None or not ListIndex(live).lookup(mailbox):
        raise RefusedError("{sender} is not on the list, so there is nothing to exempt", sender=text)
    return mailbox.key


def _sender_of(case: Case) -> str:
    """The one listed originator of the case, or the entry that covers several."""
    listed = {one.address.lower() for one in case.findings if one.entry and one.identity in ORIGINATORS}
    if len(listed) == 1:
        return listed.pop()
    if case.entry:
        return case.entry
    raise RefusedError("{reference} has no listed sender to exempt", reference=case.reference)
