"""Mail of ours that comes back: a delivery status notification for a report marks it failed.

The notification itself is ordinary mail, and has been delivered when this looks at it. Nothing here changes the
answer to its sender: what can't be written down is an error in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from filters.address import NULL_PATH
from filters.content import parse_header
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.delivery_status import LOOKED_AT, failed_delivery, is_delivery_report
from gateway.operations.recording import GATEWAY

if TYPE_CHECKING:
    from filters.envelope import Envelope
    from gateway.model.delivery_status import FailedDelivery
    from gateway.spool import Spool
    from gateway.store.unit_of_work import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedMail:
    """Looks at mail with a null reverse-path. Anybody can write such mail, but only who had our report knows its id."""

    store: Store

    async def take(self, envelope: Envelope, header_section: bytes, content: Spool) -> None:
        """If it says that a report could not be delivered, that report has failed (RFC 3464)."""
        if envelope.reverse_path != NULL_PATH or not is_delivery_report(parse_header(header_section)):
            return
        failed = failed_delivery(_beginning(content))
        if failed is None:
            return
        try:
            await self._mark(failed)
        except StoreError as error:
            log.error(Event.STORE_FAILED, doing="marking a returned report", reason=str(error))

    async def _mark(self, failed: FailedDelivery) -> None:
        async with self.store.begin() as work:
            item = await work.outbox.report_with(failed.message_id)
            reply = f"returned: {failed.reason}"
            if item is None or not await work.outbox.returned(item.id, reply):
                return
            await work.audit.append(
                GATEWAY, f"{item.purpose}-returned", item.case_reference or item.id, {"item": item.id, "reply": reply}
            )
        log.error(Event.OUTBOX_RETURNED, item=item.id, purpose=str(item.purpose), case=item.case_reference, reply=reply)


def _beginning(content: Spool) -> bytes:
    octets = b""
    for chunk in content.chunks(0):
        octets += chunk
        if len(octets) >= LOOKED_AT:
            break
    return octets[:LOOKED_AT]
