"""What the client is told: the replies of a plan's steps, folded into one SMTP reply.

RFC 5321 §4.1.1.4 allows one answer for all recipients, so the worst step speaks for all: 250 is said only when
every recipient's copy is with the next hop or on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCEPTED = Reply(250, "2.0.0", "Message accepted")
"""The same words for relayed and for held mail: the sender learns nothing from them."""

OUR_FAULT = Reply(451, "4.3.0", "A problem here, please try again later")
"""An exception in our own machinery."""

TRY_AGAIN = Reply(451, "4.3.0", "Message not taken now, please try again later")
"""Our own trouble is never permanent (RFC 5321 §4.2.1)."""


def conclude(replies: Iterable[Reply]) -> Reply:
    """The first reply that is not positive, else 250; the replies are those of the steps that were taken, in order.

    | relay first | record | relay rest | the client is told |
    |---|---|---|---|
    | 2yz or none | done or not needed | 2yz or none | 250 2.0.0 |
    | 4yz | not tried | not tried | 4yz |
    | 5yz | done | not tried | 5yz: the case stays, its deliveries say "refused" |
    | 2yz | failed | not tried | 451 4.3.0; who was served first is not served again |
    | 2yz or none | done | 4yz | 4yz: the retry finds the case by its key |
    | 2yz or none | done | 5yz | 5yz: the case stays, its deliveries say "refused" |
    """
    return next((reply for reply in replies if not reply.positive), ACCEPTED)
