"""Corresponding with the collation address about one case: what a person adds to a report, and what was answered.

Each is one unit of work, names its actor, and leaves an audit row without the words themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.amendment import LONGEST, Amendment
from gateway.model.answer import Answer
from gateway.model.case import Disposal
from gateway.model.outbox import Purpose, new_item
from gateway.operations.case_turns import take

if TYPE_CHECKING:
    from datetime import date

    from filters.disposition import Tier
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem
    from gateway.store.unit_of_work import Store, Work

LONGEST_ANSWER = 10_000
"""Characters."""
_LONGEST_REFERENCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Corresponding:
    """The verbs."""

    store: Store
    clock: Clock

    async def amend(
        self, reference: str, text: str, *, tier: Tier | None = None, actor: str, expected: int | None = None
    ) -> OutboxItem:
        """Add to the report that has left: a later report under the same reference says it. The case stays as it is."""
        text = _tidied(text)
        if not text:
            raise RefusedError("Say what is to be added to the report")
        if len(text) > LONGEST:
            raise RefusedError("An amendment has at most {most} characters", most=LONGEST)
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            report = await self._report_of(work, case)
            now = self.clock.now()
            item = new_item(tokens.item_id(), Purpose.AMENDMENT, report.to, case, now=now, requested_by=actor)
            await work.outbox.add([item])
            amendment = Amendment(item_id=item.id, at=now, actor=actor, text=text, tier=tier)
            await work.answers.amend(case.stored_id, amendment)
            detail = {"item": item.id} | ({"tier": str(tier)} if tier else {})
            await work.audit.append(actor, "amendment-requested", reference, detail)
            return item

    async def _report_of(self, work: Work, case: Case) -> OutboxItem:
        if case.disposal is Disposal.DISMISSED:
            raise RefusedError("{reference} was dismissed, and its report taken back", reference=case.reference)
        report = await work.outbox.find(case.stored_id, Purpose.REPORT)
        if report is None or not report.may_have_arrived:
            raise RefusedError(
                "No report of {reference} has left yet: there is nothing to add to", reference=case.reference
            )
        return report

    async def record_answer(
        self,
        reference: str,
        text: str,
        *,
        on: date | None = None,
        today: date | None = None,
        their_reference: str = "",
        actor: str,
    ) -> None:
        """Write down what the collation address answered, on which day (today, if nothing is said).

        `today` is the day where that person is; in UTC, where nothing is said of it. The same answer again, with
        nothing in between, is a form that was sent twice.
        """
        now, text, theirs = self.clock.now(), _tidied(text), " ".join(their_reference.split())
        if not text:
            raise RefusedError("Say what was answered")
        if len(text) > LONGEST_ANSWER or len(theirs) > _LONGEST_REFERENCE:
            raise RefusedError(
                "An answer has at most {most} characters, a reference {few}",
                most=LONGEST_ANSWER,
                few=_LONGEST_REFERENCE,
            )
        today = today or now.date()
        if on is not None and on > today:
            raise RefusedError("The answer can't have come in the future")
        async with self.store.begin() as work:
            case = await take(work, reference, None)
            answer = Answer(at=now, actor=actor, on=on or today, text=text, their_reference=theirs)
            if [replace(one, at=now) for one in (await work.answers.of(case.stored_id))[-1:]] == [answer]:
                return
            await work.answers.add(case.stored_id, answer)
            await work.audit.append(actor, "answer-recorded", reference, {"length": str(len(text))})


def _tidied(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
