"""`liaison cases hold` and `unhold`: a case on legal hold is never disposed of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import actor, reference_argument, with_desk
from gateway.cli.output import say
from gateway.model.people import Verb

if TYPE_CHECKING:
    from gateway.desk import Desk


@click.command()
@reference_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the case and the audit log.")
@click.option("--by", "ordered_by", default="", metavar="NAME", help="Who ordered it: counsel, a court, a file number.")
@with_desk(Verb.HOLD_CASES)
async def hold(desk: Desk, reference: str, reason: str, ordered_by: str) -> None:
    """Put the case on legal hold: no purge takes it, until every hold on it is lifted."""
    placed = await desk.holding.place(reference, reason, actor=actor(), ordered_by=ordered_by)
    say(f"{reference} is on legal hold {placed.number}.")


@click.command()
@reference_argument
@click.option("--hold", "number", type=int, metavar="NUMBER", help="Which one, where several stand.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the audit log.")
@with_desk(Verb.HOLD_CASES)
async def unhold(desk: Desk, reference: str, number: int | None, reason: str) -> None:
    """Lift a legal hold. Others on the same case stand."""
    lifted, left = await desk.holding.lift(reference, number, reason, actor=actor())
    say(f"Legal hold {lifted.number} on {reference} is lifted.")
    if left:
        say(f"{left} more {'stands' if left == 1 else 'stand'}.")
