"""The list of cases: filters, search, pages, and one verb for many cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway.console.case_query import NOBODY, CaseQuery
from gateway.console.doors import action, page
from gateway.console.navigation import N_
from gateway.console.numbers import whole_number
from gateway.console.pages.case_facts import deciders
from gateway.console.words import (
    ACTIONS,
    ANSWERS,
    BULK,
    BULK_EFFECTS,
    DELIVERIES,
    HOLDS,
    KINDS,
    ORDERS,
    STATUSES,
    TIERS,
)
from gateway.errors import RefusedError
from gateway.model.people import Verb
from gateway.operations.bulk import MOST, BulkVerb, Errand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.responses import Response

    from gateway.console.visit import Visit
    from gateway.model.case_list import CasePage
    from gateway.operations.bulk import BulkResult, Refusal

REASONED = frozenset({BulkVerb.SILENCE, BulkVerb.DISMISS, BulkVerb.REOPEN})
"""Verbs that may be given a reason."""
SHOWN_REFUSALS = 50
Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseList:
    """The context of `cases/list.html`. `choices` are the menus of the filter form, by field: value and words."""

    query: CaseQuery
    found: CasePage
    choices: Mapping[str, Options]
    verbs: Mapping[BulkVerb, str]
    seen: int
    """The last row of the audit log before the list was read."""
    wrong: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """The context of `cases/confirm.html`: what will be done, to how many, before it is."""

    verb: BulkVerb
    label: str
    effect: str
    references: tuple[str, ...]
    """The chosen ones; () for every case of the query."""
    query: CaseQuery
    number: int
    at_a_time: int
    asks_reason: bool
    seen: int | None
    """As on the list."""
    people: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The context of `cases/done.html`: where something was refused, which and why."""

    label: str
    result: BulkResult
    refused: tuple[Refusal, ...]
    back: str


async def show(visit: Visit) -> Response:
    """A page of the list."""
    query = CaseQuery.read(visit.request.query_params)
    wrong = ""
    try:
        wanted = query.filter(visit.office.zone, visit.office.late)
    except RefusedError as error:
        wrong = visit.words.say(error.sentence)
        wanted = CaseQuery().filter(visit.office.zone, visit.office.late)
    seen = (await visit.office.auditing.head()).seq
    found = await visit.office.browsing.page(wanted, query.order, number=whole_number(visit.query("page")) or 1)
    context = CaseList(query=query, found=found, choices=await _choices(visit), verbs=BULK, seen=seen, wrong=wrong)
    return await visit.show("cases/list.html", context)


async def confirm(visit: Visit) -> Response:
    """What a verb would do to the chosen cases, or to all of the query, and to how many."""
    try:
        return await _confirm(visit)
    except RefusedError as error:
        return await visit.go(_query(visit).address(), refused=error.sentence)


async def do(visit: Visit) -> Response:
    """Do it, one case after the other."""
    try:
        return await _do(visit)
    except RefusedError as error:
        return await visit.go(_query(visit).address(), refused=error.sentence)


async def _confirm(visit: Visit) -> Response:
    verb = _verb(visit.field("verb"))
    query, references = _meant(visit)
    number = len(references) or await visit.office.browsing.count(query.filter(visit.office.zone, visit.office.late))
    if not number:
        raise RefusedError("No case was chosen")
    context = Confirm(
        verb=verb,
        label=BULK[verb],
        effect=BULK_EFFECTS[verb],
        references=references,
        query=query,
        number=number,
        at_a_time=MOST,
        asks_reason=verb in REASONED,
        seen=visit.expected,
        people=await _deciders(visit),
    )
    return await visit.show("cases/confirm.html", context)


async def _do(visit: Visit) -> Response:
    verb = _verb(visit.field("verb"))
    query, references = _meant(visit)
    person = visit.field("person", 100)
    errand = Errand(
        verb=verb,
        reason=visit.whole("reason", 1000),
        person="" if person == NOBODY else person,
        expected=visit.expected,
    )
    index, bulk = visit.office.rulebooks.current.index, visit.office.bulk
    if references:
        result = await bulk.to_these(references, errand, index, actor=visit.actor)
    else:
        expected = whole_number(visit.field("number", 20)) or 1
        wanted = query.filter(visit.office.zone, visit.office.late)
        result = await bulk.to_all(wanted, expected, errand, index, actor=visit.actor)
    if result.refused or result.left:
        done = Done(label=BULK[verb], result=result, refused=result.refused[:SHOWN_REFUSALS], back=query.address())
        return await visit.show("cases/done.html", done)
    return await visit.go(query.address(), done=Sentence(DONE, verb=Sentence(BULK[verb]), number=result.done))


DONE = N_("{verb}. Cases: {number}.")
NO_MISSION = N_("none named")
NOT_ASSIGNED = N_("nobody")
ONLY_OVERDUE = N_("only these")


def _meant(visit: Visit) -> tuple[CaseQuery, tuple[str, ...]]:
    """The query of the page, and the cases that were chosen on it: () for every case of the query."""
    query = _query(visit)
    if visit.field("scope") == "all":
        for why in query.ignored.values():
            raise RefusedError(why)  # or it would be done to more cases than somebody thought
        return query, ()
    references = tuple(visit.fields("reference"))[:MOST]
    if not references:
        raise RefusedError("No case was chosen")
    return query, references


def _query(visit: Visit) -> CaseQuery:
    """The list on which the form stood."""
    return CaseQuery.read({name: visit.field(name) for name in CaseQuery.__slots__})


def _verb(word: str) -> BulkVerb:
    if word not in set(BulkVerb):
        raise RefusedError("Choose what is to be done")
    return BulkVerb(word)


async def _choices(visit: Visit) -> Mapping[str, Options]:
    missions = await visit.office.browsing.missions()
    name = "name_fr" if visit.words.language == "fr" else "name_en"
    named = {one.name_en: getattr(one, name) or one.name_en for one in missions if one.name_en}
    say = visit.words.say
    return {
        "tier": _options(TIERS.items(), visit),
        "status": _options(STATUSES.items(), visit),
        "delivery": _options(DELIVERIES.items(), visit),
        "decline": _options(ACTIONS.items(), visit),
        "report": _options(ACTIONS.items(), visit),
        "kind": _options(KINDS.items(), visit),
        "answer": _options(ANSWERS.items(), visit),
        "hold": _options(HOLDS.items(), visit),
        "overdue": [("1", say(ONLY_OVERDUE))],
        "sort": _options(ORDERS.items(), visit),
        "mission": [*sorted(named.items(), key=lambda one: one[1]), (NOBODY, say(NO_MISSION))],
        "entry": [(entry, entry) for entry in sorted({one.entry for one in missions if one.entry})],
        "assigned": await _deciders(visit),
    }


def _options(words: Iterable[tuple[str, str]], visit: Visit) -> Options:
    return [(value, visit.words.say(shown)) for value, shown in words]


async def _deciders(visit: Visit) -> Options:
    """Everybody to whom a case can be given, and nobody."""
    return [*await deciders(visit), (NOBODY, visit.words.say(NOT_ASSIGNED))]


ROUTES = [
    page("/cases", show, Verb.SEE_CASES),
    action("/bulk/confirm", confirm, Verb.DECIDE_CASES),
    action("/bulk/do", do, Verb.DECIDE_CASES),
]
