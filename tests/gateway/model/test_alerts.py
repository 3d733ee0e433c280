"""Alerts as values: when somebody is told, in which words, and that nothing but numbers and references is in them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.model.alerts import (
    WORDS,
    Alarm,
    Alert,
    Phase,
    Standing,
    Trouble,
    after_telling,
    age,
    document,
    due,
    is_done,
    noted,
    sentence,
)
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from datetime import datetime

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TROUBLE = Trouble(alarm=Alarm.REPORT_OVERDUE, number=3, since=NOON - 5 * HOUR, references=("LG-1",))


def looked(
    before: Standing | None, trouble: Trouble | None, now: datetime, patience: timedelta = timedelta()
) -> Standing | None:
    return noted(before, trouble, node="", now=now, patience=patience)


def standing() -> Standing:
    found = looked(None, TROUBLE, NOON)
    assert found is not None
    return found


def phases(one: Standing, now: datetime, *hooks: str) -> list[tuple[str, Phase]]:
    return [(hook, alert.phase) for hook, alert in due(one, hooks or ("webhook",), now)]


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (-HOUR, "0 s"), (59 * SECOND, "59 s"), (MINUTE, "1 min"), (59 * MINUTE, "59 min"), (HOUR, "1 h 0 min"),
        (47 * HOUR + 59 * MINUTE, "47 h 59 min"), (48 * HOUR, "2 d 0 h"), (75 * HOUR, "3 d 3 h"),
    ],
)  # fmt: skip
def test_ages_are_said_as_people_say_them(span: timedelta, said: str) -> None:
    assert age(span) == said


@pytest.mark.parametrize("alarm", Alarm)
@pytest.mark.parametrize("phase", Phase)
def test_every_alarm_has_a_sentence_in_every_phase_and_a_next_step(alarm: Alarm, phase: Phase) -> None:
    one = replace(standing(), trouble=replace(TROUBLE, alarm=alarm), node="mx1")
    alert = Alert(phase=phase, standing=one, at=NOON)
    said = sentence(alert)
    assert said.endswith(".")
    assert "{" not in said
    assert said.startswith("Over: ") == (phase is Phase.ENDED)
    assert WORDS[alarm].act.endswith(".")
    told = document(alert, "mx.police.example")
    assert json.loads(json.dumps(told)) == told
    assert told["alert"] == ("test" if phase is Phase.TEST else alarm.value)


def test_trouble_that_lasts_no_longer_than_its_patience_was_nothing() -> None:
    noticed = looked(None, TROUBLE, NOON, 5 * MINUTE)
    assert noticed is not None
    assert (noticed.stands, phases(noticed, NOON)) == (False, [])
    assert looked(noticed, None, NOON + MINUTE) is None
    began = looked(noticed, TROUBLE, NOON + 5 * MINUTE, 5 * MINUTE)
    assert began is not None
    assert (began.began_at, phases(began, NOON)) == (NOON + 5 * MINUTE, [("webhook", Phase.BEGAN)])


def test_each_hook_is_told_for_itself() -> None:
    told = after_telling({}, "webhook", Alert(phase=Phase.BEGAN, standing=standing(), at=NOON))
    one = replace(standing(), told=told)
    assert phases(one, NOON + HOUR, "webhook", "command") == [("command", Phase.BEGAN)]
    assert phases(one, NOON + DAY, "webhook") == [("webhook", Phase.REMINDER)]
    over = looked(one, None, NOON + HOUR)
    assert over is not None
    assert phases(over, NOON + HOUR, "webhook", "command") == [("webhook", Phase.ENDED)]
    assert not is_done(over, over.told, ("webhook", "command"))
    assert is_done(over, over.told, ("command",))  # who knows of it is configured no more
    assert is_done(
        over, after_telling(over.told, "webhook", Alert(phase=Phase.ENDED, standing=over, at=NOON)), ("webhook",)
    )


def test_trouble_that_comes_again_before_its_end_was_told_goes_on() -> None:
    one = replace(standing(), told={"webhook": NOON})
    over = looked(one, None, NOON + MINUTE)
    again = looked(over, TROUBLE, NOON + 2 * MINUTE)
    assert again is not None
    assert (again.stands, phases(again, NOON + 2 * MINUTE)) == (True, [])


def test_the_id_is_the_same_for_the_same_telling_alone() -> None:
    one = standing()

    def id_of(phase: Phase, of: Standing, at: datetime) -> object:
        return document(Alert(phase=phase, standing=of, at=at), "mx.police.example")["id"]

    began = id_of(Phase.BEGAN, one, NOON)
    assert began == id_of(Phase.BEGAN, replace(one, seen_at=NOON + MINUTE), NOON + MINUTE)
    knows = replace(one, told={"webhook": NOON})
    later = replace(one, told={"webhook": NOON + DAY})
    ids = [began, id_of(Phase.REMINDER, knows, NOON), id_of(Phase.REMINDER, later, NOON)]
    ids.append(id_of(Phase.ENDED, replace(knows, ended_at=NOON), NOON))
    assert len(set(ids)) == 4
