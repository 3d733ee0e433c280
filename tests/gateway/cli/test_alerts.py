"""`liaison alerts`, and the overdue cases of `liaison cases list`."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from gateway.clock import SystemClock
from gateway.model.alerts import Alarm, Standing, Trouble
from gateway.model.case import ActionState
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, an_item, record

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Work
    from tests.gateway.cli.conftest import CommandLine


def with_alerts(liaison: CommandLine, keys: str) -> CommandLine:
    liaison.config.write_text(f"{liaison.config.read_text()}\n[alerts]\n{keys}\n")
    return liaison


def test_where_nothing_is_wrong_the_list_says_so(liaison: CommandLine) -> None:
    assert liaison.ok("alerts", "list") == "Nothing is wrong that alerts are sent for.\n"
    assert liaison.json("alerts", "list") == []


def test_what_stands_is_listed_with_who_was_told(liaison: CommandLine) -> None:
    trouble = Trouble(alarm=Alarm.REPORT_OVERDUE, number=2, since=NOON - timedelta(hours=5), references=("LG-1",))
    stands = Standing(trouble=trouble, node="", noticed_at=NOON, began_at=NOON, seen_at=NOON, told={"webhook": NOON})
    over = replace(stands, trouble=Trouble(alarm=Alarm.DISK_LOW), node="mx1", ended_at=NOON)
    pending = replace(stands, trouble=Trouble(alarm=Alarm.NEXT_HOP_DOWN), node="mx1", began_at=None, told={})
    liaison.store(lambda work: work.alerts.put([stands, over, pending]))
    assert liaison.json("alerts", "list") == [
        {
            "alert": "report-overdue", "node": "", "number": 2, "since": (NOON - timedelta(hours=5)).isoformat(),
            "began_at": NOON.isoformat(), "references": ["LG-1"], "told": ["webhook"],
        }
    ]  # fmt: skip
    shown = liaison.ok("alerts", "list")
    assert "report-overdue" in shown
    assert "in time: 2, the oldest for" in shown
    assert "disk-low" not in shown


def test_a_test_says_what_came_back_from_each_hook(liaison: CommandLine) -> None:
    kept = liaison.directory / "kept"
    script = liaison.directory / "page"
    script.write_text('#!/bin/sh\ncat > "$1"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with_alerts(liaison, f'command = ["page", "{kept}"]\nwebhook = "http://127.0.0.1:9/in"')
    result = liaison("alerts", "test")
    assert (result.exit_code, result.stdout) == (1, "webhook: Connection refused\ncommand: taken\n")
    assert json.loads(kept.read_text())["phase"] == "test"


def test_without_a_hook_there_is_nothing_to_test(liaison: CommandLine) -> None:
    result = liaison("alerts", "test")
    assert result.exit_code == 1
    assert result.stderr == "No hook is configured: set webhook or command under [alerts].\n"


def test_overdue_cases_are_listed_by_the_time_of_the_configuration(liaison: CommandLine) -> None:
    asked_at = SystemClock().now() - timedelta(hours=3)

    async def write(work: Work) -> None:
        case = replace(a_case(number=1), received_at=asked_at, decline=ActionState.NONE)
        item = replace(an_item(await record(work, case, RAW)), created_at=asked_at)
        await work.outbox.add([item])

    liaison.store(write)
    assert liaison.json("cases", "list", "--overdue") == []
    with_alerts(liaison, "report_overdue = 7200")
    (row,) = cast("list[dict[str, object]]", liaison.json("cases", "list", "--overdue"))
    assert row["reference"] == "LG-TEST-0001"
