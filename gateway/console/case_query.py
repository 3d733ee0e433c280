"""The address of a list of cases: what a form asks for, as a query that can be kept, and sent to a colleague.

A word that is in no vocabulary is no filter: an old address shows more cases, never an error, and the page says so.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlencode

from filters.disposition import Tier
from filters.sentence import Sentence
from gateway.console.days import ignored_day, whole_days
from gateway.console.navigation import N_
from gateway.model.case import ActionState, AnswerState, CaseStatus, ContactKind, DeliveryState
from gateway.model.case_list import CaseFilter, CaseOrder
from gateway.operations.browsing import search_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from enum import StrEnum
    from typing import Self
    from zoneinfo import ZoneInfo

NO_WORD = N_("{said} is nothing that cases are filtered by, and filters nothing")
_VOCABULARIES: Mapping[str, Iterable[str]] = MappingProxyType(
    {
        "tier": Tier,
        "status": CaseStatus,
        "delivery": DeliveryState,
        "decline": ActionState,
        "report": ActionState,
        "kind": ContactKind,
        "answer": AnswerState,
        "hold": ("yes", "no"),
    }
)
NOBODY = "-"
"""In the address: cases that are nobody's, or of no mission."""
W = TypeVar("W", bound="StrEnum")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """The fields of the form, as typed; "" where nothing was."""

    q: str = ""
    tier: str = ""
    status: str = ""
    mission: str = ""
    entry: str = ""
    since: str = ""
    until: str = ""
    delivery: str = ""
    decline: str = ""
    report: str = ""
    assigned: str = ""
    kind: str = ""
    answer: str = ""
    hold: str = ""
    """"yes" or "no": whether a legal hold stands."""
    overdue: str = ""
    sort: str = ""

    @classmethod
    def read(cls, said: Mapping[str, str]) -> Self:
        """Of an address's query, or of a form that carries it."""
        return cls(**{one.name: said.get(one.name, "").replace("\0", "").strip()[:500] for one in fields(cls)})

    def filter(self, zone: ZoneInfo, late: datetime) -> CaseFilter:
        """What is meant. RefusedError when there are too many words to search for. Days are whole ones in `zone`.

        Reports that were asked for before `late` are overdue.
        """
        since, until = whole_days(self.since, self.until, zone)
        return CaseFilter(
            tier=_word(Tier, self.tier),
            status=_word(CaseStatus, self.status),
            mission=_or_none(self.mission),
            entry=self.entry or None,
            since=since,
            until=until,
            delivery=_word(DeliveryState, self.delivery),
            decline=_word(ActionState, self.decline),
            report=_word(ActionState, self.report),
            assigned_to=_or_none(self.assigned),
            kind=_word(ContactKind, self.kind),
            answer=_word(AnswerState, self.answer),
            on_hold={"yes": True, "no": False}.get(self.hold),
            overdue=late if self.overdue else None,
            words=search_words(self.q),
        )

    @classmethod
    def of_trail(cls, trail: str) -> Self | None:
        """The list; None for who came from none."""
        query = cls.read(dict(parse_qsl(trail[:5000])))
        return query if query.sort else None

    @property
    def order(self) -> CaseOrder:
        """The newest first, if nothing else was asked for."""
        return _word(CaseOrder, self.sort) or CaseOrder.NEWEST

    @property
    def ignored(self) -> Mapping[str, Sentence]:
        """The fields that filter nothing, as what stands in them means nothing; and that in words."""
        days = {name: ignored_day(getattr(self, name)) for name in ("since", "until")}
        words = {
            name: Sentence(NO_WORD, said=repr(said))
            for name, known in _VOCABULARIES.items()
            if (said := getattr(self, name)) and said not in set(known)
        }
        return {name: why for name, why in days.items() if why} | words

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the order was asked for, and understood."""
        return any(getattr(self, one.name) for one in fields(self) if one.name not in {"sort", *self.ignored})

    def items(self) -> list[tuple[str, str]]:
        """What was said, by name."""
        return [(one.name, said) for one in fields(self) if (said := getattr(self, one.name))]

    @property
    def trail(self) -> str:
        """What a case's address keeps of the list in which it was found: the next one is the next of that list."""
        return urlencode([*((name, said) for name, said in self.items() if name != "sort"), ("sort", self.order)])

    def address(self, page: int = 1) -> str:
        """Of that page of the list."""
        said = urlencode([*self.items(), *([("page", str(page))] if page > 1 else [])])
        return f"/cases?{said}" if said else "/cases"


def case_address(reference: str, trail: CaseQuery | None) -> str:
    """Of a case's page, with what it keeps of the list in which it was found."""
    return f"/cases/{reference}?{trail.trail}" if trail else f"/cases/{reference}"


def query_of(wanted: CaseFilter) -> CaseQuery:
    """The list of those cases, the oldest first, for they have waited longest."""
    return CaseQuery(
        tier=wanted.tier or "",
        status=wanted.status or "",
        delivery=wanted.delivery or "",
        decline=wanted.decline or "",
        report=wanted.report or "",
        answer=wanted.answer or "",
        sort=CaseOrder.OLDEST,
    )


def _word(vocabulary: type[W], said: str) -> W | None:
    return vocabulary(said) if said in set(vocabulary) else None


def _or_none(said: str) -> str | None:
    return None if not said else "" if said == NOBODY else said
