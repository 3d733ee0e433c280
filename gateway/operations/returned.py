"""Mail of ours that comes back: a delivery status notification for a report marks it failed.

The notification itself is ordinary mail, and has been delivered when this looks at it. Nothing here changes the
answer to its sender: what can't be written down is an error in the log.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from filters.address import NULL_PATH
from filters.content import parse_header
from filters.sentence import Sentence
from gateway.counters import STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.audit import without_addresses
from gateway.model.delivery_status import LOOKED_AT, failed_delivery, is_delivery_report
from gateway.operations.recording import GATEWAY

if TYPE_CHECKING:
    from filters.envelope import Envelope
    from gateway.model.delivery_status import FailedDelivery
    from gateway.model.outbox import OutboxItem
    from gateway.spool import Spool
    from gateway.store.unit_of_work import Store

MARKED_WITHIN = 5.0
"""Seconds: the notification has been delivered, its sender waits for the answer."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedMail:
    """Looks at mail with a null reverse-path. Anybody can write such mail, but only who had our report knows its id."""

    store: Store

    async def take(self, envelope: Envelope, header_section: bytes, content: Spool) -> None:
        """If it says that a report could not be delivered, that report has failed (RFC 3464)."""
        if envelope.reverse_path != NULL_PATH or not is_delivery_report(parse_header(header_section)):
            return
        try:
            failed = failed_delivery(_beginning(content))
            if failed is not None:
                async with asyncio.timeout(MARKED_WITHIN):
                    await self._mark(failed)
        except (StoreError, TimeoutError, OSError) as error:
            reason = str(error) or f"no answer within {MARKED_WITHIN:.0f} s"
            count(STORE_FAILURES)
            log.error(Event.STORE_FAILED, doing="marking a returned report", reason=reason)

    async def _mark(self, failed: FailedDelivery) -> None:
        item = await self._report(failed)
        if item is None:
            return
        subject = item.case_reference or item.id
        reply = Sentence("returned: {reason}", reason=failed.reason)
        detail = {"item": item.id, "reply": without_addresses(reply), "notification": failed.notification}
        async with self.store.begin() as work:
            if not await work.outbox.returned(item.id, reply):
                return
            await work.audit.append(GATEWAY, _action(item), subject, detail)
        log.error(Event.OUTBOX_RETURNED, item=item.id, purpose=str(item.purpose), case=item.case_reference, reply=reply)

    async def _report(self, failed: FailedDelivery) -> OutboxItem | None:
        """The report that it is about, unless a copy of it was obeyed before: the report was sent again since."""
        async with self.store.reading() as work:
            item = await work.outbox.report_with(failed.message_id)
            if item is None or not failed.notification:
                return item
            entries = await work.audit.entries(subject=item.case_reference or item.id)
        known = {entry.detail.get("notification") for entry in entries if entry.action == _action(item)}
        return None if failed.notification in known else item


def _action(item: OutboxItem) -> str:
    return f"{item.purpose}-returned"


def _beginning(content: Spool) -> bytes:
    octets = b""
    for chunk in content.chunks(0):
        octets += chunk
        if len(octets) >= LOOKED_AT:
            break
    return octets[:LOOKED_AT]
