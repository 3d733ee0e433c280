"""What will be done with one message, before anything is done: a screening folded into ordered steps.

Emergency recipients come first, then the record, then everybody else (decisions 2 and 8): a crash after a step
leaves something that the sender's retry, or a person, can see and finish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from filters.disposition import Delivery as Fate
from filters.disposition import Disposition, Mode, Tier
from gateway.model.case import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filters.address import Mailbox
    from filters.screening import Screening, Verdict
    from gateway.model.case import Case, Delivery


@dataclass(frozen=True, slots=True)
class Relay:
    """Give the message to the next hop for these recipients; `flag` is the tier to announce, None for no flag."""

    recipients: tuple[Mailbox, ...]
    flag: Tier | None


@dataclass(frozen=True, slots=True)
class Record:
    """Write the case down, durably. `essential` is False in observe mode, where the record may fail."""

    essential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order: `first`, then `record`, then `rest`. A recipient in no relay is held by the record."""

    first: tuple[Relay, ...]
    record: Record | None
    rest: tuple[Relay, ...]


def plan(screening: Screening) -> Plan:
    """Fold the verdicts into steps. A message in which nothing was found is one relay to everybody."""
    record = Record(essential=screening.mode is not Mode.OBSERVE) if screening.flagged else None
    return Plan(
        first=_relays(screening.verdicts, Disposition.RELAY_FIRST),
        record=record,
        rest=_relays(screening.verdicts, Disposition.RELAY),
    )


def remaining(case: Case, deliveries: Iterable[Delivery], recipients: Iterable[Mailbox]) -> tuple[Relay, ...]:
    """The relays that a recorded case still asks for, among these recipients.

    The record, not the plan, has the last word after a retry: whom it shows as relayed is not served twice, and whom
    the first verdict held stays held (decision 3).
    """
    due = {delivery.key: delivery for delivery in deliveries if delivery.state in _TO_RELAY}
    groups: dict[Tier | None, list[Mailbox]] = {}
    for mailbox in recipients:
        delivery = due.get(mailbox.delivery_key)
        if delivery is not None:
            groups.setdefault(None if case.mode is Mode.OBSERVE else delivery.tier, []).append(mailbox)
    return _grouped(groups)


_TO_RELAY = frozenset({DeliveryState.PENDING, DeliveryState.REFUSED})


def _relays(verdicts: Iterable[Verdict], disposition: Disposition) -> tuple[Relay, ...]:
    groups: dict[Tier | None, list[Mailbox]] = {}
    for verdict in verdicts:
        if verdict.disposition is disposition:
            groups.setdefault(_flag(verdict), []).append(verdict.recipient)
    return _grouped(groups)


def _grouped(groups: dict[Tier | None, list[Mailbox]]) -> tuple[Relay, ...]:
    """One relay for each flag, because recipients of different tiers get different header fields."""
    return tuple(Relay(tuple(recipients), flag) for flag, recipients in groups.items())


def _flag(verdict: Verdict) -> Tier | None:
    match verdict.delivery:
        case Fate.FLAG:
            return verdict.tier
        case Fate.PASS | Fate.HOLD:
            return None
        case unreachable:
            assert_never(unreachable)
