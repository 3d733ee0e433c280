"""What is judged how: each side of the gateway, at its thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode
from gateway.model import health
from gateway.model.alerts import Alarm, Trouble
from gateway.model.audit import ChainHead, Verification
from gateway.model.backlog import Backlog, Undecided
from gateway.model.health import Answer, Grade
from gateway.model.lateness import Late
from gateway.model.outbox import OutboxState, Purpose
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from gateway.model.health import Fact

NONE = timedelta()
LOW = 2 * 1024**3
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def backlog(
    *, waiting: timedelta | None = None, purpose: Purpose = Purpose.REPORT, failed: int = 0, paused: bool = False
) -> Backlog:
    items = {(purpose, OutboxState.FAILED): failed} if failed else {}
    oldest = {}
    if waiting is not None:
        items[purpose, OutboxState.WAITING] = 1
        oldest[purpose, OutboxState.WAITING] = NOON - waiting
    undecided = Undecided(delivery=0, decline=0, report=0)
    return Backlog(items=items, oldest=oldest, paused=paused, open_cases=0, undecided=undecided)


def outbound(seen: Backlog | None, *, configured: bool = True, delay: timedelta = NONE) -> Fact:
    return health.of_outbound(seen, NOON, configured=configured, delay=delay)


@pytest.mark.parametrize(
    ("seen", "configured", "grade"),
    [
        (backlog(), True, Grade.GOOD),
        (backlog(waiting=14 * MINUTE), True, Grade.GOOD),
        (backlog(waiting=15 * MINUTE), True, Grade.DEGRADED),
        (backlog(waiting=4 * HOUR), True, Grade.FAILED),
        (backlog(failed=1), True, Grade.DEGRADED),
        (backlog(paused=True), True, Grade.DEGRADED),
        (backlog(), False, Grade.NOTE),
        (backlog(waiting=MINUTE), False, Grade.DEGRADED),
        (None, True, Grade.UNKNOWN),
    ],
)
def test_the_way_out_is_judged_by_what_waits(seen: Backlog | None, configured: bool, grade: Grade) -> None:
    fact = outbound(seen, configured=configured)
    assert fact.grade is grade
    assert (fact.next_step is not None) == (grade is not Grade.GOOD)


def test_a_decline_that_waits_on_purpose_is_not_overdue() -> None:
    seen = backlog(waiting=20 * MINUTE, purpose=Purpose.DECLINE)
    assert outbound(seen, delay=15 * MINUTE).grade is Grade.GOOD
    assert outbound(seen).grade is Grade.DEGRADED


@pytest.mark.parametrize(
    ("seen", "grade"),
    [
        (backlog(), Grade.GOOD),
        (backlog(waiting=14 * MINUTE), Grade.GOOD),
        (backlog(waiting=15 * MINUTE), Grade.DEGRADED),
        (backlog(waiting=4 * HOUR, purpose=Purpose.NOTICE), Grade.GOOD),
        (backlog(failed=1), Grade.FAILED),
        (None, Grade.UNKNOWN),
    ],
)
def test_reports_are_judged_by_reports_alone(seen: Backlog | None, grade: Grade) -> None:
    assert health.of_reports(seen, NOON - DAY, Late(), NOON).grade is grade


def test_the_last_report_is_told_with_its_time_or_that_there_was_none() -> None:
    assert "2026-05-03 12:00:00" in health.of_reports(backlog(), NOON - DAY, Late(), NOON).sentence
    assert health.of_reports(backlog(), None, Late(), NOON).sentence == "No report has been sent yet."


def test_what_is_late_is_shown_and_told_in_one_breath() -> None:
    late = Late(number=2, since=NOON - 5 * HOUR, references=("LG-1", "LG-2"))
    for fact, alarm in (
        (health.of_reports(backlog(), None, late, NOON), Alarm.REPORT_OVERDUE),
        (health.of_held(late), Alarm.HELD_UNDECIDED),
        (health.of_screening(late), Alarm.MAIL_UNSCREENED),
    ):
        assert fact.needs_somebody
        assert fact.troubles == (Trouble(alarm=alarm, number=2, since=NOON - 5 * HOUR, references=("LG-1", "LG-2")),)
    assert [fact.troubles for fact in (health.of_held(Late()), health.of_screening(Late()))] == [(), ()]
    assert health.of_held(Late()).grade is health.of_screening(Late()).grade is Grade.GOOD


def test_every_trouble_of_a_fact_is_one_that_its_side_can_raise() -> None:
    """Or nobody would ever be told that it is over."""
    failed = replace(backlog(waiting=HOUR), items={(Purpose.REPORT, OutboxState.FAILED): 1})
    late = Late(number=1, since=NOON, references=("LG-1",))
    facts = [
        outbound(failed),
        health.of_reports(backlog(), None, late, NOON),
        health.of_held(late),
        health.of_screening(late),
        health.of_next_hops([answer("a", "refused")]),
        health.of_certificate(configured=True, ends=None, now=NOON, soon=14 * DAY),
        health.of_lists(version=3, entries=0, since=NOON, stored=3),
        health.of_disk(0, low=LOW),
        health.of_audit(verified(whole=NONE, broken="row 2 is missing"), NOON),
    ]
    raised = {(fact.aspect, trouble.alarm) for fact in facts for trouble in fact.troubles}
    assert raised == {(aspect, alarm) for aspect, alarms in health.ALARMS.items() for alarm in alarms}
    assert {alarm for alarms in health.ALARMS.values() for alarm in alarms} == set(Alarm) - {Alarm.STORE_DOWN}
    assert all(fact.needs_somebody for fact in facts)


@pytest.mark.parametrize(
    ("mode", "ceiling", "grade"),
    [
        (Mode.AUTO, Mode.AUTO, Grade.GOOD),
        (Mode.OBSERVE, Mode.OBSERVE, Grade.GOOD),
        (Mode.ASSIST, Mode.AUTO, Grade.NOTE),
    ],
)
def test_a_mode_below_the_configurations_is_worth_a_note(mode: Mode, ceiling: Mode, grade: Grade) -> None:
    assert health.of_mode(mode, ceiling).grade is grade


def smtp(*, takes_mail: bool = True, unready: str = "", refused: int = 0) -> Fact:
    return health.of_smtp(
        takes_mail=takes_mail, where="127.0.0.1:2525", unready=unready, connections=3, refused=refused
    )


def test_smtp_in_is_what_the_process_says_of_itself() -> None:
    assert smtp().grade is Grade.GOOD
    assert smtp(refused=1).grade is Grade.NOTE
    assert smtp(takes_mail=False).grade is Grade.UNKNOWN
    stopped = smtp(unready="No SMTP worker runs.")
    assert (stopped.grade, stopped.next_step, stopped.needs_somebody) == (Grade.FAILED, "No SMTP worker runs.", True)


def answer(name: str, reason: str = "") -> Answer:
    return Answer(name=name, reason=reason, seconds=0.2, at=NOON)


@pytest.mark.parametrize(
    ("answers", "grade"),
    [
        ([], Grade.UNKNOWN),
        ([Answer(name="a")], Grade.UNKNOWN),
        ([answer("a"), answer("b")], Grade.GOOD),
        ([answer("a"), Answer(name="b")], Grade.GOOD),
        ([answer("a"), answer("b", "refused")], Grade.DEGRADED),
        ([answer("a", "refused"), answer("b", "refused")], Grade.FAILED),
    ],
)
def test_one_next_hop_that_answers_is_enough_for_the_mail(answers: list[Answer], grade: Grade) -> None:
    assert health.of_next_hops(answers).grade is grade


@pytest.mark.parametrize(
    ("days", "grade"),
    [(14, Grade.GOOD), (13, Grade.DEGRADED), (1, Grade.DEGRADED), (0, Grade.FAILED), (-1, Grade.FAILED)],
)
def test_a_certificate_is_complained_about_so_many_days_before_its_end(days: int, grade: Grade) -> None:
    assert health.of_certificate(configured=True, ends=NOON + days * DAY, now=NOON, soon=14 * DAY).grade is grade


def test_a_certificate_that_cannot_be_read_is_a_failure_and_none_at_all_is_not() -> None:
    assert health.of_certificate(configured=True, ends=None, now=NOON, soon=DAY).grade is Grade.FAILED
    assert health.of_certificate(configured=False, ends=None, now=NOON, soon=DAY).grade is Grade.NOTE


@pytest.mark.parametrize(
    ("free", "grade"),
    [
        (None, Grade.GOOD),
        (LOW, Grade.GOOD),
        (LOW - 1, Grade.DEGRADED),
        (health.DISK_FULL, Grade.DEGRADED),
        (health.DISK_FULL - 1, Grade.FAILED),
    ],
)
def test_a_disk_is_judged_by_what_is_free(free: int | None, grade: Grade) -> None:
    assert health.of_disk(free, low=LOW).grade is grade


def verified(*, whole: timedelta, broken: str = "") -> Verification:
    return Verification(at=NOON, whole_at=NOON - whole, head=ChainHead(7, "0" * 64), broken=broken)


@pytest.mark.parametrize(
    ("found", "grade"),
    [
        (None, Grade.UNKNOWN),
        (verified(whole=26 * HOUR), Grade.GOOD),
        (verified(whole=27 * HOUR), Grade.DEGRADED),
        (verified(whole=NONE, broken="row 2 is missing"), Grade.FAILED),
    ],
)
def test_the_audit_log_is_judged_by_its_last_verification(found: Verification | None, grade: Grade) -> None:
    assert health.of_audit(found, NOON).grade is grade


def test_lists_that_are_behind_or_empty_are_told() -> None:
    assert health.of_lists(version=3, entries=9, since=NOON, stored=3).grade is Grade.GOOD
    assert health.of_lists(version=3, entries=9, since=None, stored=None).grade is Grade.GOOD
    assert health.of_lists(version=3, entries=9, since=NOON, stored=4).grade is Grade.DEGRADED
    assert health.of_lists(version=3, entries=0, since=NOON, stored=3).grade is Grade.DEGRADED


@pytest.mark.parametrize("stored", [3, 4, None])
def test_somebody_is_told_of_empty_lists_and_of_no_others(stored: int | None) -> None:
    empty, full = (health.of_lists(version=3, entries=number, since=NOON, stored=stored) for number in (0, 9))
    assert (empty.troubles, full.troubles) == ((Trouble(alarm=Alarm.LISTS_EMPTY, since=NOON),), ())
