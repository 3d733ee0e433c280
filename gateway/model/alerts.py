"""Alerts: trouble of which somebody is told without mail, when it begins, once a day while it lasts, when it ends.

An alert carries numbers, references and ages; no address, subject or content of anybody's mail. Judges nothing:
`gateway.model.health` finds trouble, and says so to the pages and here in the same breath.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime


class Alarm(StrEnum):
    """What is wrong. Programs match these words: they are never renamed, only added."""

    REPORT_OVERDUE = "report-overdue"
    """The collation address's server has not accepted a report in time."""
    HELD_UNDECIDED = "held-undecided"
    """Nobody has decided about held mail in time."""
    NEXT_HOP_DOWN = "next-hop-down"
    MAIL_UNSCREENED = "mail-unscreened"
    """Screening, or sender authentication, raised: the mail passed, or was held, by its reverse-path alone."""
    LISTS_EMPTY = "lists-empty"
    """Nobody is listed: all mail passes, and nothing is recorded."""
    OUTBOX_STUCK = "outbox-stuck"
    """The next server does not take mail of ours."""
    OUTBOX_FAILED = "outbox-failed"
    """Mail of ours was refused for good, or given up."""
    CERTIFICATE_ENDS = "certificate-ends"
    DISK_LOW = "disk-low"
    AUDIT_BROKEN = "audit-broken"
    STORE_DOWN = "store-down"
    """The database does not answer. Each node tells it by itself: nothing can be written down."""


OF_A_NODE = frozenset({Alarm.NEXT_HOP_DOWN, Alarm.CERTIFICATE_ENDS, Alarm.DISK_LOW, Alarm.STORE_DOWN})
"""Trouble that one machine has and another may not have."""

SCHEMA = "liaison-alert/1"
"""The form of what hooks are told."""
REMIND_AFTER = timedelta(days=1)
UNHEARD_AFTER = timedelta(minutes=15)
"""A node that has said nothing for so long is gone, and can't say that its trouble has ended."""


class Phase(StrEnum):
    """Why somebody is told."""

    BEGAN = "began"
    REMINDER = "reminder"
    ENDED = "ended"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong now: how many of what it is about, since when, and the references of the oldest cases."""

    alarm: Alarm
    number: int = 1
    since: datetime | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Trouble that is on record. `node` is "" where all nodes have it in common.

    It was noticed before it begins where it may last for a while unsaid; `told` are the hooks that know of it, and
    since when they were told last. It stays on record until each of them knows that it has ended.
    """

    trouble: Trouble
    node: str
    noticed_at: datetime
    began_at: datetime | None
    seen_at: datetime
    ended_at: datetime | None = None
    told: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        """Somebody has to act."""
        return self.began_at is not None and self.ended_at is None

    @property
    def since(self) -> datetime:
        """Since when there is trouble, which may be before anybody saw it."""
        return self.trouble.since or self.noticed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a hook is told, at `at`."""

    phase: Phase
    standing: Standing
    at: datetime


def due(standing: Standing, hooks: Iterable[str], now: datetime) -> Iterator[tuple[str, Alert]]:
    """The hooks that have to be told something now, and what."""
    for hook in hooks:
        phase = _phase(standing, standing.told.get(hook), now)
        if phase is not None:
            yield hook, Alert(phase=phase, standing=standing, at=now)


def _phase(standing: Standing, told: datetime | None, now: datetime) -> Phase | None:
    if standing.ended_at is not None:
        return Phase.ENDED if told is not None else None
    if standing.began_at is None:
        return None
    if told is None:
        return Phase.BEGAN
    return Phase.REMINDER if now - told >= REMIND_AFTER else None


@dataclass(frozen=True, slots=True)
class Words:
    """What people read: `says` may name {number}, {age} and {node}; `act` is the next step."""

    says: str
    act: str


WORDS: Mapping[Alarm, Words] = MappingProxyType(
    {
        Alarm.REPORT_OVERDUE: Words(
            "Reports that the collation address's server has not accepted in time: {number}, the oldest for {age}.",
            "Look at the outbox for what the next server answers, and at the cases whose report waits for a person.",
        ),
        Alarm.HELD_UNDECIDED: Words(
            "Cases with held mail that nobody has decided about in time: {number}, the oldest for {age}.",
            "Records staff: release it, or decide otherwise. Its recipients wait.",
        ),
        Alarm.NEXT_HOP_DOWN: Words(
            "Next hops that do not answer {node}: {number}, for {age}.",
            "See that the mail server runs and can be reached. Senders keep their mail, and try again.",
        ),
        Alarm.MAIL_UNSCREENED: Words(
            "Messages of the last day that could not be screened, or whose sender could not be verified: {number}.",
            "Look at each case, for only its reverse-path was judged; and report the fault that the log holds.",
        ),
        Alarm.LISTS_EMPTY: Words(
            "The sender lists have been empty for {age}: no mail is flagged.",
            "See in the history of the lists who emptied them; restore an earlier version, or import a sender pack.",
        ),
        Alarm.OUTBOX_STUCK: Words(
            "Mail that the gateway writes does not leave: {number} waiting, the oldest for {age}.",
            "Look at the outbox for what the next server answers.",
        ),
        Alarm.OUTBOX_FAILED: Words(
            "Mail that the gateway wrote and that could not be delivered: {number}.",
            "Look at the answers in the outbox; try again, or cancel.",
        ),
        Alarm.CERTIFICATE_ENDS: Words(
            "The certificate of {node} ends soon, has ended, or can't be read.",
            "Renew the files of smtp.tls_certificate and smtp.tls_key, and reload the gateway.",
        ),
        Alarm.DISK_LOW: Words(
            "The disk with the database of {node} is nearly full.",
            "Make room. When it is full, listed mail is asked to come back; other mail flows.",
        ),
        Alarm.AUDIT_BROKEN: Words(
            "The audit chain does not hold: rows were changed or taken out.",
            "Keep a copy of the database, and tell your security officer.",
        ),
        Alarm.STORE_DOWN: Words(
            "The database of {node} has not answered for {age}.",
            "See that it runs and can be reached. Listed mail is asked to come back; other mail flows.",
        ),
    }
)


def sentence(alert: Alert) -> str:
    """What the alert says, for a person."""
    standing, trouble = alert.standing, alert.standing.trouble
    if alert.phase is Phase.TEST:
        return "This is a test of the gateway's alerts. Nothing is wrong."
    said = WORDS[trouble.alarm].says.format(
        number=trouble.number, age=age(alert.at - standing.since), node=standing.node or "-"
    )
    return f"Over: {said}" if alert.phase is Phase.ENDED else said


def age(span: timedelta) -> str:
    """How long, as people say it: 40 s, 40 min, 5 h 10 min, 3 d 2 h."""
    seconds = max(0, int(span.total_seconds()))
    minutes = seconds // 60
    if not minutes:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def noted(
    before: Standing | None, trouble: Trouble | None, *, node: str, now: datetime, patience: timedelta
) -> Standing | None:
    """What is on record of one trouble after a look at it: `before` was, `trouble` is what the look found, if anything.

    None where nothing is to be kept: what ended before it began was nothing.
    """
    if trouble is None:
        return _over(before, now)
    if before is None or before.ended_at is not None:
        told = before.told if before is not None else {}
        began = now if not patience else None
        return Standing(trouble=trouble, node=node, noticed_at=now, began_at=began, seen_at=now, told=told)
    began = before.began_at or (now if now - before.noticed_at >= patience else None)
    return replace(before, trouble=trouble, began_at=began, seen_at=now)


def _over(before: Standing | None, now: datetime) -> Standing | None:
    if before is None or before.began_at is None:
        return None
    return before if before.ended_at is not None else replace(before, ended_at=now)


def after_telling(told: Mapping[str, datetime], hook: str, alert: Alert) -> Mapping[str, datetime]:
    """Who knows of it, once this hook has taken the alert."""
    others = {name: at for name, at in told.items() if name != hook}
    return others if alert.phase is Phase.ENDED else {**others, hook: alert.at}


def is_done(standing: Standing, told: Mapping[str, datetime], hooks: Iterable[str]) -> bool:
    """It has ended, and nobody who can be told is still to hear of it."""
    return standing.ended_at is not None and not set(told) & set(hooks)


def document(alert: Alert, gateway: str) -> dict[str, object]:
    """The alert as hooks get it, version 1; `gateway` is its host name. `text` is what chat services show."""
    standing, trouble = alert.standing, alert.standing.trouble
    test = alert.phase is Phase.TEST
    return {
        "schema": SCHEMA,
        "id": _id(alert, gateway),
        "alert": "test" if test else trouble.alarm.value,
        "phase": alert.phase.value,
        "gateway": gateway,
        "node": standing.node,
        "at": alert.at.isoformat(),
        "began_at": (standing.began_at or standing.noticed_at).isoformat(),
        "ended_at": standing.ended_at.isoformat() if standing.ended_at is not None else None,
        "since": standing.since.isoformat(),
        "age_seconds": max(0, int((alert.at - standing.since).total_seconds())),
        "number": 0 if test else trouble.number,
        "references": list(trouble.references),
        "text": sentence(alert),
        "next_step": "" if test else WORDS[trouble.alarm].act,
        "document": f"docs/operations.md#alert-{trouble.alarm.value}" if not test else "docs/operations.md#alerts",
    }


def _id(alert: Alert, gateway: str) -> str:
    """The same when one telling is repeated, because its answer was lost: who gets it twice can see that."""
    standing = alert.standing
    told = max(standing.told.values(), default=None) if alert.phase is Phase.REMINDER else None
    parts = (gateway, standing.trouble.alarm, standing.node, alert.phase, standing.began_at, standing.ended_at, told)
    return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
