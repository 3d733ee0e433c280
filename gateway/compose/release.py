"""The release: held mail on its way to a recipient at last, as if it had never been held.

It never changes the original: its bytes stand behind one Received field and the two fields of flagged mail.
The reverse-path is the original's, so that a bounce goes where it belongs. RFC 5321 §4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.compose.flag import flag_fields
from gateway.compose.headers import strict_message_id, token
from gateway.compose.moments import in_utc
from gateway.compose.text import plain
from gateway.model.outbox import Post
from gateway.model.trace import received_field

if TYPE_CHECKING:
    from gateway.compose.values import AgencyVoice
    from gateway.model.case import Case, Delivery


def compose_release(*, case: Case, delivery: Delivery, original: bytes, voice: AgencyVoice) -> Post:
    """The original for one recipient. `original` is what relaying would have given the next hop, without trace.

    The Received field tells how and when the message came to us; it has no `for`, because the original may have had
    other recipients, and its id is the case's reference.
    """
    received = received_field(
        helo=case.helo,
        client_ip=case.client_ip,
        by=token("the host name", voice.hostname),
        protocol=token("the protocol", case.protocol),
        tls=case.tls,
        trace_id=token("the reference", case.reference),
        at=in_utc(case.received_at),
    )
    flag = flag_fields(
        tier=delivery.tier,
        reference=case.reference,
        hostname=voice.hostname,
        authentication=case.authentication,
    )
    return Post(
        reverse_path=plain("the reverse-path", case.reverse_path),
        recipient=plain("the recipient", delivery.recipient),
        content=received + flag + original,
        message_id=strict_message_id(case.message_id),
        smtputf8=case.smtputf8,
    )
