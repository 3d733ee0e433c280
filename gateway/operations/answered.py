"""Mail of the collation address that comes in: where it names a case, that case says that an answer came.

It is ordinary mail: screened as all mail is, and delivered unchanged before this looks at it (decision 14). Nothing
proves who wrote it, so it is a note and a mark, and a person records what was answered.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from filters.address import canonical_domain
from filters.content import decode_text, parse_header
from filters.responding import is_automatic
from gateway.counters import STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.answer import Answer, references_in
from gateway.model.intake_key import intake_key, trace_length
from gateway.operations.recording import GATEWAY

if TYPE_CHECKING:
    from filters.content import Header
    from filters.envelope import Envelope
    from gateway.spool import Spool
    from gateway.store.unit_of_work import Store, Work

NOTED_WITHIN = 5.0
"""Seconds: the mail has been delivered, its sender waits for the answer."""
_MOST_IDS = 20
_LONGEST_SUBJECT = 200
_IDS = re.compile(r"<[^<>\s]{1,250}>")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredMail:
    """Looks at mail whose reverse-path is in `domain`, that of the collation address; canonical."""

    store: Store
    domain: str

    def may_concern(self, envelope: Envelope) -> bool:
        """The cheap test, for all mail."""
        return canonical_domain(envelope.reverse_path.domain) == self.domain

    async def take(self, envelope: Envelope, header_section: bytes, content: Spool) -> None:
        """If it names a case, or answers one of our reports, that case hears of it; automatic mail is none."""
        header = parse_header(header_section)
        if not self.may_concern(envelope) or is_automatic(header):
            return
        try:
            async with asyncio.timeout(NOTED_WITHIN):
                key = intake_key(envelope.reverse_path, content.chunks(trace_length(content.head(len(header_section)))))
                await self._note(envelope, header, key)
        except (StoreError, TimeoutError, OSError) as error:
            count(STORE_FAILURES)
            reason = str(error) or f"no answer within {NOTED_WITHIN:.0f} s"
            log.error(Event.STORE_FAILED, doing="noting an answer of the collation address", reason=reason)

    async def _note(self, envelope: Envelope, header: Header, key: str) -> None:
        subject = decode_text(header.first("subject") or b"")
        async with self.store.reading() as work:
            named = dict.fromkeys((*references_in(subject), *await _answered_reports(work, header)))
        if not named:
            return
        answer = Answer(
            at=envelope.received_at,
            actor=GATEWAY,
            on=envelope.received_at.date(),
            text=subject[:_LONGEST_SUBJECT],
            message_key=key,
        )
        async with self.store.begin() as work:
            noted = [reference for reference in named if await _add(work, reference, answer)]
            for reference in noted:
                await work.audit.append(GATEWAY, "answer-received", reference, {})
        if noted:
            log.info(Event.ANSWER_RECEIVED, cases=noted)


async def _add(work: Work, reference: str, answer: Answer) -> bool:
    case = await work.cases.by_reference(reference)
    return case is not None and await work.answers.add(case.stored_id, answer)


async def _answered_reports(work: Work, header: Header) -> list[str]:
    """The cases of the reports whose Message-IDs it names (RFC 5322 §3.6.4)."""
    fields = (decode_text(field.value)[:10_000] for name in ("in-reply-to", "references") for field in header.all(name))
    ids = dict.fromkeys(found for text in fields for found in _IDS.findall(text))
    items = [await work.outbox.report_with(found) for found in list(ids)[:_MOST_IDS]]
    return [item.case_reference for item in items if item is not None and item.case_reference]
