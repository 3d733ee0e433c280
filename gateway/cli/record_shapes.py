"""The JSON of records duties: holds, retention, certificates. Public, so never renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from gateway.model.disposal import PurgeRun
    from gateway.model.hold import Hold
    from gateway.model.retention import Keeping

KeepingShape = TypedDict("KeepingShape", {"class": str, "days": int, "due_at": str, "on_hold": bool})
"""How long a case is kept: `days` 0 for ever, `due_at` "" while it is open."""


class HoldShape(TypedDict):
    """A legal hold on a case."""

    number: int
    reason: str
    ordered_by: str
    placed_at: str
    placed_by: str
    lifted_at: str


class RunShape(TypedDict):
    """A row of `audit certificates`."""

    certificate: str
    begun_at: str
    ended_at: str
    by: str


def keeping_shape(keeping: Keeping) -> KeepingShape:
    """What the schedule says about a case."""
    due_at = keeping.due_at.isoformat() if keeping.due_at else ""
    return {"class": keeping.kept_as, "days": keeping.days, "due_at": due_at, "on_hold": keeping.on_hold}


def hold_shape(hold: Hold) -> HoldShape:
    """One hold, lifted or not."""
    return {
        "number": hold.number,
        "reason": hold.reason,
        "ordered_by": hold.ordered_by,
        "placed_at": hold.placed_at.isoformat(),
        "placed_by": hold.placed_by,
        "lifted_at": hold.lifted_at.isoformat() if hold.lifted_at else "",
    }


def run_shape(run: PurgeRun) -> RunShape:
    """One purge."""
    return {
        "certificate": run.id,
        "begun_at": run.begun_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else "",
        "by": run.actor,
    }
