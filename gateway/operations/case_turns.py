"""One at a time: who decides about a case second is told what the first did, when, and who that was.

A page knows the last audit row of the case as it showed it. What was decided after that row is not decided twice.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway.clock import moment
from gateway.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.model.audit import AuditEntry
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem
    from gateway.store.unit_of_work import Work

DECISIONS: Mapping[str, Sentence] = MappingProxyType(
    {
        "decline-requested": Sentence("asked for the decline"),
        "report-requested": Sentence("asked for the report"),
        "amendment-requested": Sentence("amended the report"),
        "release-requested": Sentence("released it"),
        "case-silenced": Sentence("silenced it"),
        "case-handled": Sentence("closed it"),
        "case-dismissed": Sentence("dismissed it"),
        "case-reopened": Sentence("took it up again"),
        "recipients-added": Sentence("held it for more recipients"),
        "case-assigned": Sentence("assigned it"),
        "sender-exempted": Sentence("exempted its sender"),
        "case-held": Sentence("put it on legal hold"),
        "case-unheld": Sentence("lifted a legal hold on it"),
    }
)
"""The actions of the audit log that change what is left to decide, as they follow a name. Views and notes don't."""


async def find(work: Work, reference: str) -> Case:
    """The case; RefusedError without one."""
    return _known(await work.cases.by_reference(reference), reference)


async def take(work: Work, reference: str, expected: int | None) -> Case:
    """The case, for who decides about it: the next one waits until this unit of work ends.

    `expected` is the number of the case's last audit row as the person saw it, None for whoever saw nothing.
    RefusedError when somebody has decided since.
    """
    case = _known(await work.cases.in_turn(reference), reference)
    if expected is not None:
        later = await work.audit.entries(subject=reference, after=expected)
        decided = [entry for entry in later if _leaves_a_question(entry)]
        if decided:
            raise _too_late(reference, decided[-1])
    return case


async def case_of_item(work: Work, item: OutboxItem) -> Case | None:
    """The case that an item belongs to; a digest has none."""
    return await work.cases.by_id(item.case_id) if item.case_id is not None else None


def unknown(reference: str) -> RefusedError:
    """There is no such case."""
    return RefusedError("There is no case {reference}", reference=reference)


def _known(case: Case | None, reference: str) -> Case:
    if case is None:
        raise unknown(reference)
    return case


def _leaves_a_question(entry: AuditEntry) -> bool:
    """A copy that was relayed to somebody more changes nothing of what is left to decide; one that is held does."""
    return entry.action in DECISIONS and entry.detail.get("held") != "0"


def _too_late(reference: str, decided: AuditEntry) -> RefusedError:
    return RefusedError(
        "{who} was quicker with {reference}: {did}, at {when}. Look at the case again before you decide",
        who=decided.actor,
        reference=reference,
        did=DECISIONS[decided.action],
        when=moment(decided.at),
    )
