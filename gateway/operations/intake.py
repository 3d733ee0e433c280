"""Intake: one mail transaction, from its first recipient to the answer to its DATA. The heart of the gateway.

`message()` is the path of every message: `gateway.operations.deciding` reads the originators and asks the lists, and
then the message either passes straight through, or is handed to `gateway.operations.flagged`, which takes the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from filters.address import NULL_PATH
from filters.envelope import Envelope
from gateway import tokens
from gateway.counters import FIELDS_REMOVED, count
from gateway.events import Event
from gateway.model.conclusion import ACCEPTED
from gateway.model.reply import Reply
from gateway.model.trace import continues, forged_fields, message_id_of, received_field
from gateway.operations.outgoing import Outgoing
from gateway.relay.transaction import NextHopTransaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from filters.address import Mailbox
    from filters.envelope import Origin
    from filters.screening import Screening
    from gateway.clock import Clock
    from gateway.operations.answered import AnsweredMail
    from gateway.operations.deciding import Deciding, Suspicion
    from gateway.operations.flagged import FlaggedMail
    from gateway.operations.forwards import Forwards
    from gateway.operations.returned import ReturnedMail
    from gateway.relay.pool import Pool
    from gateway.relay.routes import Offers, Routes
    from gateway.relay.transaction import Answered, MailParameters, Own
    from gateway.spool import Spool

ANSWER_WITHIN = 85.0
"""Seconds for the whole answer to DATA: Postfix's proxy gives up at 100 s."""

RECIPIENT_OK = Reply(250, "2.1.5", "Recipient accepted")
NOT_SERVED = Reply(550, "5.7.1", "Relaying denied: this gateway does not serve that domain")
ROUTED_RECIPIENT = Reply(550, "5.7.1", "Relaying denied: an address that names a route is not taken")
OTHER_ROUTE = Reply(452, "4.5.3", "This recipient needs a mail transaction of its own, please send again for it alone")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, please send again for the others")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What every mail transaction needs; made once by the assembly."""

    deciding: Deciding
    routes: Routes
    flagged: FlaggedMail
    returned: ReturnedMail
    answered: AnsweredMail
    forwards: Forwards | None
    """None where there is no intake mailbox."""
    clock: Clock
    hostname: str
    max_recipients: int

    def offers(self) -> Offers:
        """What EHLO may announce now."""
        return self.routes.offers()

    def begin(self, parameters: MailParameters, origin: Origin, own: Own) -> MailTransaction:
        """A mail transaction, after MAIL. `own` runs what has to be waited for."""
        return MailTransaction(self, parameters, origin, own)


class MailTransaction:
    """MAIL to the answer to DATA. `finish()` must be called at the end, whatever happened."""

    def __init__(self, intake: Intake, parameters: MailParameters, origin: Origin, own: Own) -> None:
        self.id = tokens.trace_id()
        self.recipients: list[Mailbox] = []
        self.screening: Screening | None = None
        """The decision, once there is one; None for clear mail."""
        self.case = ""
        """The reference of the case that it is recorded under, if it is."""
        self.message_id = ""
        """As the header has it, angle brackets included; "" without one."""
        self.next_hop = ""
        """Who was spoken with, once the mail transaction is finished."""
        self.heard: Reply | None = None
        """What that next hop said to our final dot."""
        self._intake = intake
        self._parameters = parameters
        self._origin = origin
        self._own = own
        self._pool: Pool | None = None
        self._next_hop: NextHopTransaction | None = None
        self._keys: set[str] = set()
        """Of the recipients, as they are compared."""
        self._forwards: Forwards | None = None
        """Set when the one recipient is the intake mailbox."""

    def recipient(self, mailbox: Mailbox, answered: Answered) -> Reply | None:
        """The answer to RCPT, or None: `answered` is told it later. Its code is the next hop's.

        Only served domains get that far (RFC 5321 §7.9).
        """
        forwards = self._intake.forwards
        if forwards is not None and forwards.mailbox.is_for(mailbox):
            return self._forwarded(mailbox, forwards)
        pool = self._intake.routes.pool_for(mailbox)
        if pool is None:
            return NOT_SERVED
        if self._forwards is not None:
            return OTHER_ROUTE
        key = mailbox.delivery_key
        if key in self._keys:
            return RECIPIENT_OK
        objection = self._objection(mailbox, pool)
        if objection is not None:
            return objection
        self._towards(pool).ask(mailbox, partial(self._accept, mailbox, key, answered))
        return None

    def _forwarded(self, mailbox: Mailbox, forwards: Forwards) -> Reply:
        """The intake mailbox is ours alone: DATA has one answer, and no next hop can give it."""
        if self.recipients and self._forwards is None:
            return OTHER_ROUTE
        refusal = forwards.mailbox.refusal(self._parameters.reverse_path, self._origin)
        if refusal is None:
            self._forwards, self.recipients = forwards, [mailbox]
        return refusal or RECIPIENT_OK

    def _accept(self, mailbox: Mailbox, key: str, answered: Answered, reply: Reply) -> None:
        if reply.positive:
            self.recipients.append(mailbox)
            self._keys.add(key)
            reply = RECIPIENT_OK
        answered(reply)

    def _objection(self, mailbox: Mailbox, pool: Pool) -> Reply | None:
        """Why the next hop is not even asked about a recipient of a served domain."""
        if _names_a_route(mailbox):
            return ROUTED_RECIPIENT
        if len(self.recipients) >= self._intake.max_recipients:
            return TOO_MANY_RECIPIENTS
        return OTHER_ROUTE if self.recipients and pool is not self._pool else None

    def _towards(self, pool: Pool) -> NextHopTransaction:
        """The one next hop of this mail transaction: DATA has one answer (RFC 5321 §4.1.1.4)."""
        if self._next_hop is None or pool is not self._pool:
            self.finish()
            self._pool, self._next_hop = pool, NextHopTransaction(pool, self._parameters, self._origin, self._own)
        return self._next_hop

    def message(self, header_section: bytes, content: Spool, answered: Answered, *, ended_at: float) -> None:
        """`answered` is told the answer to the final dot, which came at `ended_at` in the event loop's time.

        `content` is as received, dot-unstuffed, and begins with `header_section`. Clear mail in memory goes straight to
        the next hop; everything else may have to wait for a database, a DNS or a disk.
        """
        deadline = ended_at + ANSWER_WITHIN
        self.message_id = message_id_of(header_section)
        envelope = self._envelope()
        if self._forwards is not None:
            self._own(self._forwards.take(envelope, header_section, content, deadline=deadline), answered)
            return
        suspicion = self._intake.deciding.suspicion(envelope, header_section, content, trace_id=self.id)
        outgoing = self._outgoing(envelope.received_at, header_section, content)
        next_hop = self._next_hop
        if next_hop is None:
            raise RuntimeError("DATA was let through without a recipient")
        if suspicion is not None:
            self._own(self._flagged(suspicion, outgoing, next_hop, deadline), answered)
        elif content.in_memory and not self._is_of_interest(envelope):
            told = partial(self._relayed, answered)
            next_hop.hand_over(self.recipients, outgoing.at_once(), deadline=deadline, answered=told)
        else:
            self._own(self._clear(envelope, outgoing, next_hop, deadline), answered)

    def _is_of_interest(self, envelope: Envelope) -> bool:
        """What comes back, and what the collation address writes, is looked at once it was delivered."""
        return envelope.reverse_path == NULL_PATH or self._intake.answered.may_concern(envelope)

    @staticmethod
    def _relayed(answered: Answered, reply: Reply) -> None:
        answered(ACCEPTED if reply.positive else reply)

    async def _clear(
        self, envelope: Envelope, outgoing: Outgoing, next_hop: NextHopTransaction, deadline: float
    ) -> Reply:
        reply = await next_hop.deliver(self.recipients, outgoing.on_the_wire, deadline=deadline)
        if not reply.positive:
            return reply
        await self._intake.returned.take(envelope, outgoing.header_section, outgoing.content)
        await self._intake.answered.take(envelope, outgoing.header_section, outgoing.content)
        return ACCEPTED

    async def _flagged(
        self, suspicion: Suspicion, outgoing: Outgoing, next_hop: NextHopTransaction, deadline: float
    ) -> Reply:
        async def deliver(recipients: Iterable[Mailbox], content: Callable[[], Iterable[bytes]]) -> Reply:
            return await next_hop.deliver(list(recipients), content, deadline=deadline)

        taken = await self._intake.flagged.take(suspicion, outgoing, deliver, deadline=deadline)
        self.screening, self.case = taken.screening, taken.case
        return taken.reply

    def _envelope(self) -> Envelope:
        return Envelope(
            reverse_path=self._parameters.reverse_path,
            recipients=tuple(self.recipients),
            origin=self._origin,
            received_at=self._intake.clock.now(),
            smtputf8=self._parameters.smtputf8,
            body=self._parameters.body,
        )

    def _outgoing(self, at: datetime, header_section: bytes, content: Spool) -> Outgoing:
        forged = forged_fields(header_section, self._intake.hostname)
        for field in forged:
            count(FIELDS_REMOVED)
            log.warning(Event.FIELD_REMOVED, id=self.id, field=field.name)
        if continues(header_section):
            log.warning(Event.HEADER_SET_APART, id=self.id)
        trace = received_field(
            helo=self._origin.helo,
            client_ip=self._origin.client_ip,
            by=self._intake.hostname,
            protocol=self._origin.protocol,
            tls=self._origin.tls,
            trace_id=self.id,
            at=at,
            recipient=str(self.recipients[0]) if len(self.recipients) == 1 else None,
        )
        return Outgoing(trace, header_section, forged, content)

    def finish(self) -> None:
        """Give the next hop's connection back."""
        if self._next_hop is not None:
            self.next_hop, self.heard = str(self._next_hop.hop or ""), self._next_hop.heard
            self._next_hop.finish()
            self._next_hop = None


def _names_a_route(mailbox: Mailbox) -> bool:
    """Percent hack, bang path, or an address in quotes: a next hop that obeys them would relay for strangers."""
    local_part = mailbox.local_part
    return "%" in local_part or "!" in local_part or "@" in local_part
