"""Counters: what is added stands there, in whichever process it was added, and never becomes less."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway import counters
from gateway.counters import BOUNDS, CELLS, FAMILIES, FAULTS, STORE_FAILURES, Kind, Slots
from gateway.model.outbox import Purpose
from gateway.relay.mailing import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = """
import sys
from gateway import counters
counters.join(int(sys.argv[1]), int(sys.argv[2]))
for number in range(int(sys.argv[3])):
    counters.count(counters.FAULTS)
counters.count(counters.CONNECTIONS_OPEN)
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def slots() -> Iterator[Slots]:
    slots = counters.begin(4)
    yield slots
    slots.close()


def worker(slots: Slots, number: int, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(slots.descriptor), str(number), str(times)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[slots.descriptor],
    )  # fmt: skip


def done(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(number)
    process.communicate(timeout=10)


def family(name: str) -> counters.Family:
    return next(one for one in FAMILIES if one.name == name)


def of(slots: Slots, name: str) -> dict[tuple[str, ...], int]:
    """What stands in the family's cells, by label values, zeros left out."""
    one, totals = family(name), slots.totals()
    return {row: totals[one.first + index] for index, row in enumerate(one.rows) if totals[one.first + index]}


def test_processes_that_count_at_once_are_added_up(slots: Slots) -> None:
    started = [worker(slots, number, 50_000) for number in (1, 2, 3)]
    for _ in range(1000):
        counters.count(FAULTS)
    for process in started:
        done(process)
    assert slots.totals()[FAULTS] == 151_000
    assert slots.totals()[counters.CONNECTIONS_OPEN] == 3
    assert sum(slots.totals()) == 151_003
    for process in started:
        end(process)


def test_a_worker_in_the_place_of_a_killed_one_goes_on_in_its_slot(slots: Slots) -> None:
    first = worker(slots, 2, 100)
    done(first)
    end(first, signal.SIGKILL)
    assert slots.totals()[FAULTS] == 100
    slots.vacate(2)
    assert slots.totals()[FAULTS] == 100
    second = worker(slots, 2, 10)
    done(second)
    assert slots.totals()[FAULTS] == 110
    assert slots.totals()[counters.CONNECTIONS_OPEN] == 1  # the first one's went with it
    end(second)


def test_a_process_that_is_killed_in_mid_count_takes_nothing_away(slots: Slots) -> None:
    process = worker(slots, 1, 10**9)
    seen = [0]
    while seen[-1] < 1000:
        seen.append(slots.totals()[FAULTS])
    end(process, signal.SIGKILL)
    assert slots.totals()[FAULTS] >= seen[-1]
    assert seen == sorted(seen)


def test_a_slot_is_written_by_its_own_process_alone(slots: Slots) -> None:
    process = worker(slots, 3, 7)
    done(process)
    assert Counter(slots.slot(3).tolist()) == Counter({0: CELLS - 2, 7: 1, 1: 1})
    assert [sum(slots.slot(number)) for number in range(3)] == [0, 0, 0]
    end(process)


def test_one_process_counts_in_the_first_slot(slots: Slots) -> None:
    counters.count(STORE_FAILURES)
    counters.count(STORE_FAILURES, 41)
    assert slots.slot(0)[STORE_FAILURES] == 42


def test_what_begins_again_begins_at_zero(slots: Slots) -> None:
    counters.count(FAULTS)
    again = counters.begin(1)
    assert sum(again.totals()) == 0
    again.close()


@pytest.mark.parametrize("tier", Tier)
def test_a_transaction_is_counted_by_tier_and_class(slots: Slots, tier: Tier) -> None:
    for code in (0, 250, 250, 421, 452, 550, 554, 554):
        counters.count_transaction(tier.value, code)
    assert of(slots, "liaison_smtp_transactions") == {
        (tier.value, "abandoned"): 1, (tier.value, "2xx"): 2, (tier.value, "4xx"): 2, (tier.value, "5xx"): 3,
    }  # fmt: skip


def test_a_recipient_is_counted_by_class(slots: Slots) -> None:
    for code in (250, 251, 250, 450, 550, 553):
        counters.count_recipient(code)
    assert of(slots, "liaison_smtp_recipients") == {("2xx",): 3, ("4xx",): 1, ("5xx",): 2}


def test_a_bound_belongs_to_its_bucket_and_what_is_beyond_all_to_the_last(slots: Slots) -> None:
    for seconds in (0.0, 0.005, 0.0051, 90.0, 90.1):
        counters.count_answer(seconds)
    answers = of(slots, "liaison_smtp_answer_seconds")
    assert answers == {("0.005",): 2, ("0.01",): 1, ("90.0",): 1, ("+Inf",): 1, ("sum",): 180_110_100}
    assert list(BOUNDS) == sorted(BOUNDS)


def test_an_attempt_is_counted_for_every_purpose_and_outcome_that_there_is(slots: Slots) -> None:
    for purpose in Purpose:
        for kind in OutcomeKind:
            counters.count_attempt(purpose.value, kind.name.lower())
    attempts = of(slots, "liaison_outbox_attempts")
    assert set(attempts.values()) == {1}
    assert len(attempts) == len(family("liaison_outbox_attempts").rows) == len(Purpose) * len(OutcomeKind)


def test_no_two_families_have_a_cell_or_a_name_in_common() -> None:
    cells = [cell for one in FAMILIES for cell in range(one.first, one.first + len(one.rows))]
    assert cells == list(range(CELLS))
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)
    assert {one.kind for one in FAMILIES} == set(Kind)
