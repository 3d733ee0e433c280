"""Browsing: the list of cases in pages, what needs a person, and what filters offer. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.errors import RefusedError
from gateway.model.case import CaseStatus
from gateway.model.case_list import EVERY_CASE, CaseOrder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.model.case_list import CaseFilter, CaseLine, CasePage, ListedMission, Need, Needed
    from gateway.store.unit_of_work import Store

MOST_WORDS = 10
LONGEST_WORD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsing:
    """What can be asked."""

    store: Store

    async def page(self, wanted: CaseFilter, order: CaseOrder = CaseOrder.NEWEST, *, number: int = 1) -> CasePage:
        """A page of these cases, counted from 1; past the end it is the last one."""
        async with self.store.reading() as work:
            return await work.case_list.page(wanted, order, number)

    async def count(self, wanted: CaseFilter) -> int:
        """How many cases these are."""
        async with self.store.reading() as work:
            return await work.case_list.count(wanted)

    async def newest(self, most: int) -> list[CaseLine]:
        """The newest cases, whatever they are."""
        async with self.store.reading() as work:
            return await work.case_list.first(EVERY_CASE, CaseOrder.NEWEST, most)

    async def next_open(self, listed: CaseFilter | None, order: CaseOrder, *, after: str) -> str:
        """The open case to look at after that one: the next of the list, else the oldest that needs a person.

        `listed` is None for who came from no list. "" when nothing is left.
        """
        async with self.store.reading() as work:
            following = ""
            if listed is not None and listed.status is not CaseStatus.CLOSED:
                wanted = replace(listed, status=CaseStatus.OPEN)
                following = await work.case_list.following(wanted, order, after)
            return following or await work.case_list.oldest_in_need(instead_of=after)

    async def needs(self) -> Mapping[Need, Needed]:
        """What needs a person; `NEEDS` says which cases each number counts."""
        async with self.store.reading() as work:
            return await work.case_list.needs()

    async def missions(self) -> list[ListedMission]:
        """The missions and entries that cases name."""
        async with self.store.reading() as work:
            return await work.case_list.missions()


def search_words(text: str) -> tuple[str, ...]:
    """The words of a search as people type it. RefusedError when they are too many to look for."""
    words = tuple(text.split())
    if len(words) > MOST_WORDS:
        raise RefusedError("A search has at most {most} words", most=MOST_WORDS)
    if any(len(word) > LONGEST_WORD for word in words):
        raise RefusedError("A word of a search has at most {most} characters", most=LONGEST_WORD)
    return words
