"""The first page: how the gateway is, what needs a person, and the newest cases. Each part for those who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.console.case_query import query_of
from gateway.console.doors import page
from gateway.console.navigation import N_
from gateway.console.words import ASPECTS, MODES, NEEDS
from gateway.model.alerts import Alarm
from gateway.model.case_list import NEEDS as CASES_OF
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from starlette.responses import Response

    from filters.disposition import Mode
    from gateway.console.visit import Visit
    from gateway.model.case_list import CaseLine
    from gateway.model.health import Aspect, Fact

DUE = N_("Entries due for review")
ENDING = N_("Exemptions that end soon")
FAILED: Mapping[Purpose, str] = MappingProxyType(
    {
        Purpose.AMENDMENT: N_("Amendment failed"),
        Purpose.RETRACTION: N_("Retraction failed"),
        Purpose.RELEASE: N_("Release failed"),
        Purpose.NOTICE: N_("Notice failed"),
        Purpose.ACKNOWLEDGEMENT: N_("Acknowledgement failed"),
        Purpose.DIGEST: N_("Digest failed"),
    }
)
"""Mail that failed and that no case's own state tells."""
OVERDUE = N_("Report overdue")
NEWEST = 15
"""Cases on the first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A number that is a link: how many of what, since when, and where they are."""

    label: str
    number: int
    oldest: datetime | None
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The context of `home/home.html`. `newest` is None for those who see no cases."""

    mode: Mode
    modes: Mapping[Mode, str]
    aspects: Mapping[Aspect, str]
    facts: tuple[Fact, ...]
    tasks: tuple[Task, ...]
    has_tasks: bool
    """Whether this person sees anything that could need a person."""
    newest: tuple[CaseLine, ...] | None
    now: datetime


async def show(visit: Visit) -> Response:
    """The page."""
    office = visit.office
    facts = await office.health.facts()
    tasks = [*await _cases(visit, facts), *await _outbox(visit), *await _lists(visit)]
    newest = tuple(await office.browsing.newest(NEWEST)) if visit.may(Verb.SEE_CASES) else None
    return await visit.show(
        "home/home.html",
        Home(
            mode=await office.modes.current(),
            modes=MODES,
            aspects=ASPECTS,
            facts=facts,
            tasks=tuple(task for task in tasks if task.number),
            has_tasks=bool(tasks),
            newest=newest,
            now=office.clock.now(),
        ),
    )


async def _cases(visit: Visit, facts: Iterable[Fact]) -> list[Task]:
    """What waits in cases. The reports that are overdue were counted for the strip above already."""
    if not visit.may(Verb.SEE_CASES):
        return []
    needed = await visit.office.browsing.needs()
    troubles = (trouble for fact in facts for trouble in fact.troubles if trouble.alarm is Alarm.REPORT_OVERDUE)
    return [
        *(
            Task(label=OVERDUE, number=late.number, oldest=late.since, address="/cases?overdue=1&sort=oldest")
            for late in troubles
        ),
        *(
            Task(label=NEEDS[need], number=one.cases, oldest=one.oldest, address=query_of(CASES_OF[need]).address())
            for need, one in needed.items()
        ),
    ]


async def _outbox(visit: Visit) -> list[Task]:
    """What of our mail failed, beside declines and reports, which are counted by their cases."""
    if not visit.may(Verb.SEE_OUTBOX):
        return []
    failed = await visit.office.outboxkeeping.failed()
    return [
        Task(
            label=label,
            number=failed.get(purpose, 0),
            oldest=None,
            address=f"/outbox?state={OutboxState.FAILED}&purpose={purpose}",
        )
        for purpose, label in FAILED.items()
    ]


async def _lists(visit: Visit) -> list[Task]:
    if not visit.may(Verb.SEE_SENDERS):
        return []
    reminders = await visit.office.listreading.reminders()
    due = Task(label=DUE, number=len(reminders.due), oldest=None, address="/senders?due=1")
    ending = Task(label=ENDING, number=len(reminders.ending), oldest=None, address="/exemptions?ending=1")
    return [due, ending] if visit.may(Verb.SEE_EXEMPTIONS) else [due]


ROUTES = [page("/", show, Verb.SEE_STATUS)]
