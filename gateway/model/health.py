"""How the gateway is, a fact for each of its sides: one sentence, and where something is wrong the next step.

The one judgement of what is wrong: what the pages show and what alerts are sent for is the same fact. Judges what it is
given. Thresholds stand here, each with its reason, or in `[alerts]`; nothing here asks anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.disposition import Mode
from filters.sentence import Sentence
from gateway.model.alerts import Alarm, Trouble
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.model.audit import Verification
    from gateway.model.backlog import Backlog
    from gateway.model.lateness import Late

OVERDUE = timedelta(minutes=15)
"""An item that waits longer was tried at least three times: a server does not take it, or nobody sends it."""
LATE = timedelta(hours=4)
"""After that somebody has to act: it is the time after which mail servers warn their senders (RFC 5321 §4.5.4.1)."""
DISK_FULL = 256 * 1024**2
"""Octets: one such message may not find room any more, and listed mail is answered 451."""
VERIFIED_WITHIN = timedelta(hours=26)
"""The whole chain is verified once a day; two hours are for a restart at the wrong time."""


class Aspect(StrEnum):
    """The sides of the gateway, in the order in which they are shown."""

    MODE = "mode"
    SMTP = "smtp"
    NEXT_HOP = "next-hop"
    OUTBOUND = "outbound"
    REPORTS = "reports"
    HELD = "held"
    SCREENING = "screening"
    LISTS = "lists"
    CERTIFICATE = "certificate"
    DISK = "disk"
    AUDIT = "audit"


ALARMS: Mapping[Aspect, tuple[Alarm, ...]] = MappingProxyType(
    {
        Aspect.NEXT_HOP: (Alarm.NEXT_HOP_DOWN,),
        Aspect.OUTBOUND: (Alarm.OUTBOX_STUCK, Alarm.OUTBOX_FAILED),
        Aspect.REPORTS: (Alarm.REPORT_OVERDUE,),
        Aspect.HELD: (Alarm.HELD_UNDECIDED,),
        Aspect.SCREENING: (Alarm.MAIL_UNSCREENED,),
        Aspect.LISTS: (Alarm.LISTS_EMPTY,),
        Aspect.CERTIFICATE: (Alarm.CERTIFICATE_ENDS,),
        Aspect.DISK: (Alarm.DISK_LOW,),
        Aspect.AUDIT: (Alarm.AUDIT_BROKEN,),
    }
)
"""What a fact can raise: where it is known and has no such trouble, there is none."""


class Grade(StrEnum):
    """How good it is."""

    GOOD = "good"
    NOTE = "note"
    """As somebody wanted it, and worth knowing."""
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One side: a sentence, and what to do about it, "" where nothing is to be done."""

    aspect: Aspect
    grade: Grade
    sentence: Sentence
    next_step: Sentence | None = None
    troubles: tuple[Trouble, ...] = ()
    """What of it somebody is told without asking."""

    @property
    def needs_somebody(self) -> bool:
        """Whether it is shown as a whole sentence, with its next step."""
        return self.grade in {Grade.DEGRADED, Grade.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server of ours said when it was asked: "" as `reason` if it answered well. `at` is None before that."""

    name: str
    reason: str = ""
    seconds: float = 0.0
    at: datetime | None = None

    @property
    def well(self) -> bool:
        """It answered, and as it should."""
        return self.at is not None and not self.reason


_MODES = {
    Mode.AUTO: Sentence("The gateway holds, declines and reports by itself."),
    Mode.ASSIST: Sentence("The gateway holds mail; declines and reports wait for a person."),
    Mode.OBSERVE: Sentence("The gateway only records: all mail is delivered, and nothing is sent because of it."),
}


def of_mode(mode: Mode, ceiling: Mode) -> Fact:
    """`ceiling` is what the configuration allows."""
    if mode is ceiling:
        return Fact(aspect=Aspect.MODE, grade=Grade.GOOD, sentence=_MODES[mode])
    return Fact(
        aspect=Aspect.MODE,
        grade=Grade.NOTE,
        sentence=_MODES[mode],
        next_step=Sentence("The mode was lowered; the configuration allows {ceiling}.", ceiling=ceiling.value),
    )


def of_smtp(*, takes_mail: bool, where: str, unready: str, connections: int, refused: int) -> Fact:
    """`unready` says why no mail is taken; `refused` connections were turned away since the start."""
    if not takes_mail:
        return Fact(
            aspect=Aspect.SMTP, grade=Grade.UNKNOWN, sentence=Sentence("Another process takes the mail, not this one.")
        )
    if unready:
        return Fact(
            aspect=Aspect.SMTP,
            grade=Grade.FAILED,
            sentence=Sentence("No mail is taken."),
            next_step=Sentence(unready),
        )
    said = Sentence("Mail is taken at {where}; connections now: {number}.", where=where, number=connections)
    if not refused:
        return Fact(aspect=Aspect.SMTP, grade=Grade.GOOD, sentence=said)
    return Fact(
        aspect=Aspect.SMTP,
        grade=Grade.NOTE,
        sentence=said,
        next_step=Sentence("Connections turned away since the start, there being too many: {number}.", number=refused),
    )


def of_next_hops(answers: Sequence[Answer]) -> Fact:
    """One answer for each next hop."""
    asked = [answer for answer in answers if answer.at is not None]
    down = [answer for answer in asked if not answer.well]
    if not asked:
        return Fact(
            aspect=Aspect.NEXT_HOP, grade=Grade.UNKNOWN, sentence=Sentence("The next hop has not answered yet.")
        )
    if not down:
        slowest = max(answer.seconds for answer in asked)
        said = Sentence("The next hop answers, in {seconds} s.", seconds=round(slowest, 3))
        return Fact(aspect=Aspect.NEXT_HOP, grade=Grade.GOOD, sentence=said)
    said = Sentence("{name} does not answer: {reason}.", name=down[0].name, reason=down[0].reason)
    troubles = (Trouble(alarm=Alarm.NEXT_HOP_DOWN, number=len(down)),)
    if len(down) < len(asked):
        return Fact(
            aspect=Aspect.NEXT_HOP,
            grade=Grade.DEGRADED,
            sentence=said,
            next_step=Sentence("Mail goes by way of the others. See that this mail server runs."),
            troubles=troubles,
        )
    return Fact(
        aspect=Aspect.NEXT_HOP,
        grade=Grade.FAILED,
        sentence=said,
        next_step=Sentence("See that the mail server runs. Senders keep their mail, and try again."),
        troubles=troubles,
    )


def of_outbound(backlog: Backlog | None, now: datetime, *, configured: bool, delay: timedelta) -> Fact:
    """`delay` is how long a decline waits on purpose."""
    if backlog is None:
        return _unknown(Aspect.OUTBOUND)
    since, failed = backlog.waiting_since, backlog.items_in(OutboxState.FAILED)
    waiting = backlog.items_in(OutboxState.WAITING)
    broken = (Trouble(alarm=Alarm.OUTBOX_FAILED, number=failed),) if failed else ()
    if backlog.paused:
        return _outbound(
            Grade.DEGRADED,
            Sentence("The outbox is paused: nothing is sent."),
            Sentence("Resume it on the outbox page when its reason is gone."),
            broken,
        )
    if not configured:
        return _outbound(
            Grade.DEGRADED if since is not None else Grade.NOTE,
            Sentence("No way out is configured: declines and reports wait."),
            Sentence("Set smarthost, or mx = true, under [outbound] in the configuration."),
            broken,
        )
    age = now - since - delay if since is not None else timedelta()
    if since is not None and age >= OVERDUE:
        return _outbound(
            Grade.FAILED if age >= LATE else Grade.DEGRADED,
            Sentence("Mail of ours waits since {since}.", since=_whole(since)),
            Sentence("The outbox page shows what the next server answered."),
            (Trouble(alarm=Alarm.OUTBOX_STUCK, number=waiting, since=since), *broken),
        )
    if failed:
        return _outbound(
            Grade.DEGRADED,
            Sentence("Mail of ours that could not be delivered: {number}.", number=failed),
            Sentence("Look at the answers on the outbox page; try again, or cancel."),
            broken,
        )
    return _outbound(Grade.GOOD, Sentence("Mail of ours leaves; waiting now: {number}.", number=waiting), None, ())


def _outbound(grade: Grade, sentence: Sentence, next_step: Sentence | None, troubles: tuple[Trouble, ...]) -> Fact:
    return Fact(aspect=Aspect.OUTBOUND, grade=grade, sentence=sentence, next_step=next_step, troubles=troubles)


def of_reports(backlog: Backlog | None, last: datetime | None, late: Late, now: datetime) -> Fact:
    """`last` is when a report was last accepted, `late` those that should have been by now."""
    troubles = _late(Alarm.REPORT_OVERDUE, late)
    if backlog is None:
        return replace(_unknown(Aspect.REPORTS), troubles=troubles)
    said = (
        Sentence("The last report was accepted at {at}.", at=_whole(last))
        if last is not None
        else Sentence("No report has been sent yet.")
    )
    failed = backlog.items.get((Purpose.REPORT, OutboxState.FAILED), 0)
    if failed:
        step = Sentence("Reports that failed: {number}. The outbox page shows why, and tries again.", number=failed)
        return Fact(aspect=Aspect.REPORTS, grade=Grade.FAILED, sentence=said, next_step=step, troubles=troubles)
    if late.number:
        step = Sentence("Reports that are overdue: {number}. The list of cases names them.", number=late.number)
        return Fact(aspect=Aspect.REPORTS, grade=Grade.FAILED, sentence=said, next_step=step, troubles=troubles)
    since = backlog.waiting_for(Purpose.REPORT)
    if since is not None and now - since >= OVERDUE:
        step = Sentence("A report waits since {since}. The outbox page shows why.", since=_whole(since))
        return Fact(aspect=Aspect.REPORTS, grade=Grade.DEGRADED, sentence=said, next_step=step)
    return Fact(aspect=Aspect.REPORTS, grade=Grade.GOOD, sentence=said)


def of_held(late: Late) -> Fact:
    """`late` is held mail that somebody should have decided about by now."""
    if not late.number:
        return Fact(
            aspect=Aspect.HELD, grade=Grade.GOOD, sentence=Sentence("No held mail waits for too long for a decision.")
        )
    return Fact(
        aspect=Aspect.HELD,
        grade=Grade.DEGRADED,
        sentence=Sentence("Cases whose held mail waits for too long for a decision: {number}.", number=late.number),
        next_step=Sentence("Records staff decide about it: its recipients wait."),
        troubles=_late(Alarm.HELD_UNDECIDED, late),
    )


def of_screening(failed: Late) -> Fact:
    """`failed` are the messages of the last day that the machinery could not judge."""
    if not failed.number:
        return Fact(
            aspect=Aspect.SCREENING, grade=Grade.GOOD, sentence=Sentence("Every message of the last day was screened.")
        )
    return Fact(
        aspect=Aspect.SCREENING,
        grade=Grade.FAILED,
        sentence=Sentence("Messages of the last day that could not be screened: {number}.", number=failed.number),
        next_step=Sentence("Look at their cases, and report the fault that the log holds."),
        troubles=_late(Alarm.MAIL_UNSCREENED, failed),
    )


def _late(alarm: Alarm, late: Late) -> tuple[Trouble, ...]:
    if not late.number:
        return ()
    return (Trouble(alarm=alarm, number=late.number, since=late.since, references=late.references),)


def of_lists(*, version: int, entries: int, since: datetime | None, stored: int | None) -> Fact:
    """`version` is in force here, since `since`; `stored` is the newest, None when the store doesn't say."""
    troubles = () if entries else (Trouble(alarm=Alarm.LISTS_EMPTY, since=since),)
    if stored is not None and stored != version:
        said = Sentence("List version {version} is in force, not {stored}.", version=version, stored=stored)
        step = Sentence("It follows within seconds. If not, look for store_failed in the log.")
        return Fact(aspect=Aspect.LISTS, grade=Grade.DEGRADED, sentence=said, next_step=step, troubles=troubles)
    if not entries:
        return Fact(
            aspect=Aspect.LISTS,
            grade=Grade.DEGRADED,
            sentence=Sentence("The sender lists are empty: no mail is flagged."),
            next_step=Sentence("Import a sender pack, or add entries."),
            troubles=troubles,
        )
    said = Sentence("List version {version}; entries: {entries}.", version=version, entries=entries)
    if since is not None:
        said = Sentence(
            "List version {version} is in force since {since}; entries: {entries}.",
            version=version, entries=entries, since=_whole(since),
        )  # fmt: skip
    return Fact(aspect=Aspect.LISTS, grade=Grade.GOOD, sentence=said)


def of_certificate(*, configured: bool, ends: datetime | None, now: datetime, soon: timedelta) -> Fact:
    """`ends` is None where the file can't be read; `soon` is how long before its end somebody has to act."""
    troubles = (Trouble(alarm=Alarm.CERTIFICATE_ENDS),)
    renew = Sentence("Renew the file that smtp.tls_certificate names, and reload the gateway.")
    if not configured:
        return Fact(
            aspect=Aspect.CERTIFICATE,
            grade=Grade.NOTE,
            sentence=Sentence("No certificate is set: mail comes in without TLS."),
            next_step=Sentence("Set smtp.tls_certificate and smtp.tls_key."),
        )
    if ends is None:
        return Fact(
            aspect=Aspect.CERTIFICATE,
            grade=Grade.FAILED,
            sentence=Sentence("The certificate can't be read."),
            next_step=renew,
            troubles=troubles,
        )
    if ends <= now:
        said = Sentence("The certificate ended at {at}.", at=_whole(ends))
        return Fact(aspect=Aspect.CERTIFICATE, grade=Grade.FAILED, sentence=said, next_step=renew, troubles=troubles)
    said = Sentence("The certificate ends at {at}; days left: {days}.", at=_whole(ends), days=(ends - now).days)
    if ends - now < soon:
        return Fact(aspect=Aspect.CERTIFICATE, grade=Grade.DEGRADED, sentence=said, next_step=renew, troubles=troubles)
    return Fact(aspect=Aspect.CERTIFICATE, grade=Grade.GOOD, sentence=said)


def of_disk(free: int | None, *, low: int) -> Fact:
    """Octets that are free where the database file is; None where it is on a server of its own. `low` are too few."""
    if free is None:
        return Fact(
            aspect=Aspect.DISK,
            grade=Grade.GOOD,
            sentence=Sentence("The database is on a server, which watches its own disk."),
        )
    said = Sentence("Free where the database is: {gigabytes} GB.", gigabytes=round(free / 1000**3, 1))
    if free >= low:
        return Fact(aspect=Aspect.DISK, grade=Grade.GOOD, sentence=said)
    return Fact(
        aspect=Aspect.DISK,
        grade=Grade.FAILED if free < DISK_FULL else Grade.DEGRADED,
        sentence=said,
        next_step=Sentence("Make room. When the disk is full, listed mail is asked to come back; other mail flows."),
        troubles=(Trouble(alarm=Alarm.DISK_LOW),),
    )


def of_audit(found: Verification | None, now: datetime) -> Fact:
    """`found` is None before the first verification."""
    if found is None:
        return Fact(
            aspect=Aspect.AUDIT, grade=Grade.UNKNOWN, sentence=Sentence("The audit log has not been verified yet.")
        )
    if found.broken:
        return Fact(
            aspect=Aspect.AUDIT,
            grade=Grade.FAILED,
            sentence=Sentence("The audit log does not hold: {reason}.", reason=found.broken),
            next_step=Sentence("Somebody changed the database. Keep a copy of it, and tell your security officer."),
            troubles=(Trouble(alarm=Alarm.AUDIT_BROKEN),),
        )
    said = Sentence("The audit log holds; rows: {rows}, verified at {at}.", rows=found.head.seq, at=_whole(found.at))
    if now - found.whole_at <= VERIFIED_WITHIN:
        return Fact(aspect=Aspect.AUDIT, grade=Grade.GOOD, sentence=said)
    return Fact(
        aspect=Aspect.AUDIT,
        grade=Grade.DEGRADED,
        sentence=said,
        next_step=Sentence("It is due every day. Verify it on the audit page, and look for faults in the log."),
    )


def _unknown(aspect: Aspect) -> Fact:
    return Fact(
        aspect=aspect,
        grade=Grade.UNKNOWN,
        sentence=Sentence("The database did not say in time."),
        next_step=Sentence("Look again in a minute."),
    )


def _whole(at: datetime) -> datetime:
    """Without what nobody reads."""
    return at.replace(microsecond=0)
