"""The options that narrow a list of cases: one for each field of a filter."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from filters.disposition import Tier
from gateway.cli.invocation import Word, load_settings, read_beginning, read_end
from gateway.clock import SystemClock
from gateway.model.case import ActionState, AnswerState, CaseStatus, ContactKind, DeliveryState
from gateway.model.case_list import CaseFilter
from gateway.operations.browsing import search_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = (
    click.option("--status", type=Word(CaseStatus), help="Only open or only closed cases."),
    click.option(
        "--tier", type=Word([tier for tier in Tier if tier is not Tier.CLEAR]), help="Only cases of this tier."
    ),
    click.option("--entry", metavar="VALUE", help="Only cases that this list entry decided."),
    click.option("--mission", metavar="NAME", help="Only cases of the mission with this English name."),
    click.option("--since", metavar="DATE", callback=read_beginning, help="Received on this day (UTC) or later."),
    click.option("--until", metavar="DATE", callback=read_end, help="Received on this day (UTC) or earlier."),
    click.option("--delivery", type=Word(DeliveryState), help="With a recipient whose copy is in this state."),
    click.option(
        "--decline",
        type=Word(ActionState),
        help="With a decline in this state; review: in open cases, unless --status says closed.",
    ),
    click.option("--report", type=Word(ActionState), help="With a report in this state; review: as of declines."),
    click.option("--assigned-to", metavar="PERSON", help="Only cases of this person; '' for nobody's."),
    click.option("--kind", type=Word(ContactKind), help="Only mail, or only contacts of this kind."),
    click.option("--on-hold/--not-on-hold", "on_hold", default=None, help="Only cases on legal hold, or none of them."),
    click.option("--overdue", is_flag=True, help="Only cases whose report has not been accepted in time."),
    click.option(
        "--answer", type=Word(AnswerState), help="By the collation address's answer; none: reported, not answered."
    ),
    click.option(
        "--search", metavar="WORDS", default="", help="Each word is in sender, recipient, subject, reference."
    ),
)


def filter_options(command: Callable[..., R]) -> Callable[..., R]:
    """Hand the filter to a command, as `wanted`."""

    @wraps(command)
    def invoke(*args: Any, **named: Any) -> R:
        chosen = {name: named.pop(name) for name in _NAMES}
        return command(*args, wanted=_filter(**chosen), **named)

    for option in reversed(_OPTIONS):
        invoke = option(invoke)
    return invoke


_NAMES = (
    *("status", "tier", "entry", "mission", "since", "until", "delivery", "decline", "report", "assigned_to"),
    *("kind", "on_hold", "overdue", "answer", "search"),
)


def _filter(*, overdue: bool, search: str, **same: Any) -> CaseFilter:
    return CaseFilter(
        overdue=_late() if overdue else None,
        words=search_words(search),
        **same,
    )


def _late() -> datetime:
    """Who asked for a report before this moment should have been told that it was accepted."""
    return SystemClock().now() - timedelta(seconds=load_settings().alerts.report_overdue)
