"""From an outbox item to its mail: gathers what `gateway.compose` needs, and asks the hard gate once more.

The gate is asked at the click and again here, before the bytes freeze: no hand overrides it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

import structlog

from filters.content import header_length, header_section
from filters.sentence import join
from gateway import tokens
from gateway.compose.acknowledgement import compose_acknowledgement
from gateway.compose.decline import compose_decline
from gateway.compose.digest import compose_digest
from gateway.compose.later_report import Occasion, Thread, compose_amendment, compose_retraction
from gateway.compose.notice import compose_notice
from gateway.compose.release import compose_release
from gateway.compose.report import compose_report
from gateway.compose.signing import SIGNED
from gateway.compose.text import ComposeError
from gateway.compose.values import Mission
from gateway.events import Event
from gateway.model.contact import Contact
from gateway.model.outbox import TO_COLLATION, OutboxState, Purpose
from gateway.model.trace import as_it_leaves, forged_fields

if TYPE_CHECKING:
    from filters.lists import ListIndex
    from filters.sentence import Sentence
    from gateway.clock import Clock
    from gateway.compose.enveloping import Envelope
    from gateway.compose.signing import Signer
    from gateway.compose.values import AgencyVoice
    from gateway.model.case import Case, Delivery
    from gateway.model.lateness import Patience
    from gateway.model.outbox import OutboxItem, Post
    from gateway.operations.gate import Gate
    from gateway.settings import Collation
    from gateway.store.unit_of_work import Work

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Makes posts. One for the process. Without a `signer` they leave unsigned, without an `envelope` legible."""

    voice: AgencyVoice
    collation: Collation
    gate: Gate
    clock: Clock
    hostname: str
    patience: Patience
    signer: Signer | None = None
    envelope: Envelope | None = None
    console: str = ""
    """The address of the pages, for the digest's links; "" where there are none."""

    async def objection(self, work: Work, item: OutboxItem, case: Case | None, index: ListIndex) -> Sentence | None:
        """Why the item must not be sent, or None. `case` is the item's."""
        if item.purpose is not Purpose.DECLINE:
            return None
        case = _needed(item, case)
        raw = await work.messages.get(case)
        objections = self.gate.objections(case, raw, index)
        return join(objections) if objections else None

    async def compose(self, work: Work, item: OutboxItem, case: Case | None) -> Post:
        """The mail, encrypted and signed as it leaves. `case` is the item's.

        ComposeError when it can't be made, SealError when the original can't be opened.
        """
        post = await self._enveloped(work, item, case)
        if self.signer is None or item.purpose not in SIGNED:
            return post
        return await asyncio.to_thread(self.signer.sign, post)

    def encrypts(self, purpose: Purpose) -> bool:
        """Whether mail of that purpose leaves encrypted."""
        return self.envelope is not None and purpose in TO_COLLATION

    async def _enveloped(self, work: Work, item: OutboxItem, case: Case | None) -> Post:
        """`max_size` counts what leaves; a report that outgrows it in its envelope goes without the original."""
        post = await self.legible(work, item, case)
        if self.envelope is None or item.purpose not in TO_COLLATION:
            return post
        sealed = await asyncio.to_thread(self.envelope.seal, post, item.case_reference, self.clock.now())
        if len(sealed.content) <= self.collation.max_size or item.purpose is not Purpose.REPORT or item.summary:
            return sealed
        _tell_of_size(item, item.case_reference, f"{len(sealed.content)} encrypted octets")
        return await self._enveloped(work, replace(item, summary=True), case)

    async def legible(self, work: Work, item: OutboxItem, case: Case | None) -> Post:
        """The mail as its reader will see it: neither encrypted nor signed."""
        if item.purpose is Purpose.DIGEST:
            return await self._digest(work, item)
        if item.purpose is Purpose.ACKNOWLEDGEMENT:
            return await self._acknowledgement(work, item)
        return await self._about(work, item, _needed(item, case))

    async def _about(self, work: Work, item: OutboxItem, case: Case) -> Post:
        """A mail about one case."""
        match item.purpose:
            case Purpose.DECLINE:
                return self._decline(item, case)
            case Purpose.REPORT:
                return await self._report(work, item, case)
            case Purpose.AMENDMENT:
                return await self._amendment(work, item, case)
            case Purpose.RETRACTION:
                return await self._retraction(work, item, case)
            case Purpose.NOTICE:
                return self._notice(item, case)
            case Purpose.RELEASE:
                return await self._release(work, item, case)
            case Purpose.DIGEST | Purpose.ACKNOWLEDGEMENT:
                raise ComposeError(f"the {item.purpose} {item.id} is about no case")
            case unreachable:
                assert_never(unreachable)

    def _decline(self, item: OutboxItem, case: Case) -> Post:
        return compose_decline(
            case=case,
            voice=self.voice,
            now=self.clock.now(),
            message_id_token=item.id,
            loop_token=self._loop_token(item),
        )

    def _notice(self, item: OutboxItem, case: Case) -> Post:
        return compose_notice(
            case=case,
            mission=_mission(case),
            recipient=item.to,
            voice=self.voice,
            now=self.clock.now(),
            message_id_token=item.id,
            loop_token=self._loop_token(item),
        )

    async def _digest(self, work: Work, item: OutboxItem) -> Post:
        now = self.clock.now()
        return compose_digest(
            digest=await work.digests.digest(now, self.patience),
            recipient=item.to,
            voice=self.voice,
            now=now,
            message_id_token=item.id,
            loop_token=self._loop_token(item),
            console=self.console,
        )

    async def _report(self, work: Work, item: OutboxItem, case: Case) -> Post:
        fits = case.size <= self.collation.max_size
        if not fits:
            _tell_of_size(item, case.reference, f"{case.size} octets")
        whole = fits and self.collation.content == "original" and not item.summary
        by_hand = not case.kind.is_mail
        raw = await work.messages.get(case) if whole or by_hand else None
        return compose_report(
            case=case,
            deliveries=tuple(await work.deliveries.of(case.stored_id)),
            mission=_mission(case),
            original=raw if whole else None,
            contact=Contact.read(raw) if by_hand and raw is not None else None,
            recipient=item.to,
            voice=self.voice,
            now=self.clock.now(),
            message_id_token=item.id,
            loop_token=self._loop_token(item),
            eightbit=self.envelope is not None,  # nothing on the way sees the lines of what is encrypted
            needs_verified_tls=self.collation.tls == "verified",
        )

    async def _retraction(self, work: Work, item: OutboxItem, case: Case) -> Post:
        return compose_retraction(case, await _thread(work, item, case), self._occasion(item))

    async def _amendment(self, work: Work, item: OutboxItem, case: Case) -> Post:
        made = await work.answers.amendments(case.stored_id)
        amendment = next((one for one in made if one.item_id == item.id), None)
        if amendment is None:
            raise ComposeError(f"the amendment {item.id} has no text")
        deliveries = tuple(await work.deliveries.of(case.stored_id))
        return compose_amendment(case, amendment, deliveries, await _thread(work, item, case), self._occasion(item))

    def _occasion(self, item: OutboxItem) -> Occasion:
        return Occasion(
            recipient=item.to,
            voice=self.voice,
            now=self.clock.now(),
            message_id_token=item.id,
            loop_token=self._loop_token(item),
            needs_verified_tls=self.collation.tls == "verified",
        )

    async def _acknowledgement(self, work: Work, item: OutboxItem) -> Post:
        told = await work.forwards.acknowledgement(item.id)
        if told is None:
            raise ComposeError(f"the acknowledgement {item.id} says nothing")
        return compose_acknowledgement(
            told=told,
            recipient=item.to,
            received=item.created_at,
            voice=self.voice,
            now=self.clock.now(),
            loop_token=self._loop_token(item),
        )

    async def _release(self, work: Work, item: OutboxItem, case: Case) -> Post:
        raw = await work.messages.get(case)
        section = header_section(raw)
        original = as_it_leaves(section, forged_fields(section, self.hostname)) + raw[header_length(raw) :]
        delivery = await _delivery_to(work, case, item.to)
        return compose_release(case=case, delivery=delivery, original=original, voice=self.voice)

    def _loop_token(self, item: OutboxItem) -> str:
        return tokens.loop_token(self.gate.secret, item.id)


def _tell_of_size(item: OutboxItem, reference: str, octets: str) -> None:
    reason = f"{octets} are more than [collation] max_size"
    log.error(Event.REPORT_WITHOUT_ORIGINAL, item=item.id, case=reference, reason=reason)


def _mission(case: Case) -> Mission:
    return Mission(case.mission_en, case.mission_fr)


def _needed(item: OutboxItem, case: Case | None) -> Case:
    if case is None:
        raise ComposeError(f"the {item.purpose} {item.id} has no case")
    return case


async def _thread(work: Work, item: OutboxItem, case: Case) -> Thread:
    """What was said to the collation address about the case before this mail."""
    every = [one for one in await work.outbox.list(case_id=case.stored_id) if one.purpose in TO_COLLATION]
    before = [one for one in every if one.id != item.id and one.created_at <= item.created_at]
    said = [one for one in before if one.state is not OutboxState.CANCELLED or one.frozen]
    ids = await work.outbox.message_ids(case.stored_id)
    report = await work.outbox.find(case.stored_id, Purpose.REPORT)
    return Thread(
        first=ids.get(report.id, "") if report is not None else "",
        latest=next((ids[one.id] for one in reversed(said) if one.id in ids), ""),
        version=len(said) + 1,
    )


async def _delivery_to(work: Work, case: Case, recipient: str) -> Delivery:
    for delivery in await work.deliveries.of(case.stored_id):
        if delivery.recipient == recipient:
            return delivery
    raise ComposeError(f"{case.reference} has no delivery to that recipient")
