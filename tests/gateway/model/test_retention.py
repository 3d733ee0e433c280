"""The class of a case by plain rules, and the day on which it may be disposed of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.model.case import ActionState, ContactKind, Disposal
from gateway.model.retention import RetentionClass, Schedule, retention_class
from tests.support.clocks import NOON
from tests.support.closed_cases import SCHEDULE

MAIL, PHONE = ContactKind.MAIL, ContactKind.PHONE


@pytest.mark.parametrize(
    ("kind", "disposal", "report", "kept_as"),
    [
        (MAIL, Disposal.DISMISSED, ActionState.SENT, RetentionClass.DISMISSED),
        (PHONE, Disposal.DISMISSED, ActionState.NONE, RetentionClass.DISMISSED),
        (PHONE, Disposal.HANDLED, ActionState.SENT, RetentionClass.CONTACT),
        (MAIL, Disposal.HANDLED, ActionState.SENT, RetentionClass.REPORTED),
        (MAIL, Disposal.HANDLED, ActionState.UNCERTAIN, RetentionClass.REPORTED),
        (MAIL, None, ActionState.WAITING, RetentionClass.REPORTED),
        (MAIL, Disposal.HANDLED, ActionState.FAILED, RetentionClass.HANDLED),
        (MAIL, Disposal.HANDLED, ActionState.CANCELLED, RetentionClass.HANDLED),
        (MAIL, Disposal.HANDLED, ActionState.REVIEW, RetentionClass.HANDLED),
    ],
)
def test_the_first_rule_that_applies_gives_the_class(
    kind: ContactKind, disposal: Disposal | None, report: ActionState, kept_as: RetentionClass
) -> None:
    assert retention_class(kind, disposal, report) is kept_as


def test_the_day_is_counted_from_the_closing() -> None:
    assert SCHEDULE.due_at(RetentionClass.DISMISSED, NOON) == NOON + timedelta(days=365)


def test_an_open_case_and_one_that_is_kept_for_ever_are_never_due() -> None:
    assert SCHEDULE.due_at(RetentionClass.DISMISSED, None) is None
    assert SCHEDULE.due_at(RetentionClass.CONTACT, NOON) is None


def test_nothing_is_looked_through_where_all_is_kept_for_ever() -> None:
    assert Schedule(dict.fromkeys(RetentionClass, 0)).first_closing(NOON) is None
    assert SCHEDULE.first_closing(NOON) == NOON - timedelta(days=365)
