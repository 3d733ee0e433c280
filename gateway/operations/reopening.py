"""A closed case is taken up again: by a person, by a copy held for somebody new, by an officer's forward.

What was cancelled stays cancelled. Leaves the audit row to who asks: the chain's head is locked last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.store.unit_of_work import Work


async def take_up_again(work: Work, case: Case, *, actor: str) -> bool:
    """Open it; a retraction that can't have arrived is called off. False if it is open."""
    if not await work.cases.reopen(case.stored_id):
        return False
    retraction = await work.outbox.find(case.stored_id, Purpose.RETRACTION)
    if retraction is not None and not retraction.may_have_arrived:
        reply = Sentence("taken up again by {actor}", actor=actor)
        await work.outbox.settle(retraction.id, state=OutboxState.CANCELLED, reply=reply)
    return True
