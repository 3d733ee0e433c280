"""Bulk: one verb for many cases. Each case is its own unit of work, so that one refusal undoes nothing of another.

Who asks has seen how many cases there are; if their number has changed since, nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from gateway.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from filters.lists import ListIndex
    from filters.sentence import Sentence
    from gateway.model.case_list import CaseFilter
    from gateway.operations.casework import Casework
    from gateway.store.unit_of_work import Store

MOST = 500
"""Cases at a time: a browser waits for the answer. What is left is done by asking again."""


class BulkVerb(StrEnum):
    """What can be done to many cases at once."""

    DECLINE = "decline"
    REPORT = "report"
    RELEASE = "release"
    SILENCE = "silence"
    DISMISS = "dismiss"
    CLOSE = "close"
    REOPEN = "reopen"
    ASSIGN = "assign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be done to each: `reason` for silence, dismiss and reopen; `person` for assign, "" for nobody.

    `expected` is the last row of the audit log when the list was looked at: what was decided since is left alone.
    """

    verb: BulkVerb
    reason: str = ""
    person: str = ""
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A case to which it was not done, and why."""

    reference: str
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What was done. `left` cases of the filter were not looked at, because there were more than `MOST`."""

    done: int
    refused: tuple[Refusal, ...]
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """The verb."""

    store: Store
    casework: Casework

    async def to_all(
        self, wanted: CaseFilter, expected: int, errand: Errand, index: ListIndex, *, actor: str
    ) -> BulkResult:
        """To every case of the filter, the oldest first; `expected` is how many there were when it was asked for."""
        async with self.store.reading() as work:
            number = await work.case_list.count(wanted)
            if number != expected:
                raise RefusedError(
                    "There were {expected} cases, and now there are {number}: look at them again",
                    expected=expected,
                    number=number,
                )
            references = await work.case_list.references(wanted, MOST)
        result = await self.to_these(references, errand, index, actor=actor)
        return BulkResult(done=result.done, refused=result.refused, left=number - len(references))

    async def to_these(self, references: Sequence[str], errand: Errand, index: ListIndex, *, actor: str) -> BulkResult:
        """To these cases, one after the other."""
        if len(references) > MOST:
            raise RefusedError("At most {most} cases at a time", most=MOST)
        refused: list[Refusal] = []
        for reference in dict.fromkeys(references):
            try:
                await self._to_one(reference, errand, index, actor)
            except RefusedError as error:
                refused.append(Refusal(reference=reference, sentence=error.sentence))
        return BulkResult(done=len(set(references)) - len(refused), refused=tuple(refused))

    async def _to_one(self, reference: str, errand: Errand, index: ListIndex, actor: str) -> None:
        casework, expected = self.casework, errand.expected
        match errand.verb:
            case BulkVerb.DECLINE:
                await casework.decline(reference, index, actor=actor, expected=expected)
            case BulkVerb.REPORT:
                await casework.report(reference, actor=actor, expected=expected)
            case BulkVerb.RELEASE:
                await casework.release(reference, (), actor=actor, expected=expected)
            case BulkVerb.SILENCE:
                await casework.silence(reference, errand.reason, actor=actor, expected=expected)
            case BulkVerb.DISMISS:
                await casework.dismiss(reference, errand.reason, actor=actor, expected=expected)
            case BulkVerb.CLOSE:
                await casework.close(reference, actor=actor, expected=expected)
            case BulkVerb.REOPEN:
                await casework.reopen(reference, errand.reason, actor=actor, expected=expected)
            case BulkVerb.ASSIGN:
                await casework.assign(reference, errand.person, actor=actor, expected=expected)
            case unreachable:
                assert_never(unreachable)
