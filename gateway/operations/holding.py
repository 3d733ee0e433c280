"""Legal holds: a case on hold is never disposed of, whatever its retention says. Each hold is lifted by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import RefusedError
from gateway.model.hold import Hold
from gateway.operations.case_turns import take

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.store.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The verbs. Open and closed cases can be held."""

    store: Store
    clock: Clock

    async def place(
        self, reference: str, reason: str, *, actor: str, ordered_by: str = "", expected: int | None = None
    ) -> Hold:
        """Keep the case until the hold is lifted."""
        if not reason.strip():
            raise RefusedError("A legal hold needs a reason")
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            hold = Hold(
                number=len(await work.holds.of(case.stored_id)) + 1,
                reason=reason.strip(),
                ordered_by=ordered_by.strip(),
                placed_at=self.clock.now(),
                placed_by=actor,
            )
            await work.holds.place(case.stored_id, hold)
            said = {"hold": str(hold.number), "reason": hold.reason, "ordered_by": hold.ordered_by}
            await work.audit.append(
                actor, "case-held", reference, {name: value for name, value in said.items() if value}
            )
            return hold

    async def lift(
        self, reference: str, number: int | None, reason: str, *, actor: str, expected: int | None = None
    ) -> tuple[Hold, int]:
        """Lift a hold, which needs no number where one alone stands. Returns it, and how many still stand."""
        if not reason.strip():
            raise RefusedError("To lift a legal hold needs a reason")
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            standing = [hold for hold in await work.holds.of(case.stored_id) if hold.stands]
            hold = _chosen(reference, standing, number)
            await work.holds.lift(case.stored_id, hold.number, self.clock.now())
            said = {"hold": str(hold.number), "reason": reason.strip()}
            await work.audit.append(actor, "case-unheld", reference, said)
            return hold, len(standing) - 1


def _chosen(reference: str, standing: list[Hold], number: int | None) -> Hold:
    if not standing:
        raise RefusedError("{reference} is not on legal hold", reference=reference)
    if number is None and len(standing) > 1:
        raise RefusedError(
            "{reference} is on legal hold for several reasons; say which one is lifted: {numbers}",
            reference=reference,
            numbers=", ".join(str(hold.number) for hold in standing),
        )
    found = next((hold for hold in standing if number in {None, hold.number}), None)
    if found is None:
        raise RefusedError("{reference} has no legal hold {number} that stands", reference=reference, number=number)
    return found
