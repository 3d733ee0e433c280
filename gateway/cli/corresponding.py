"""`liaison cases amend` and `answer`: what is added to a report that has left, and what was answered to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from filters.disposition import Tier
from gateway.cli.invocation import Word, actor, read_date, reference_argument, with_desk
from gateway.cli.output import say
from gateway.model.people import Verb

if TYPE_CHECKING:
    from datetime import date

    from gateway.desk import Desk


@click.command()
@reference_argument
@click.option("--text", metavar="TEXT", required=True, help="What is added, for whoever collates reports.")
@click.option("--tier", type=Word([tier for tier in Tier if tier is not Tier.CLEAR]),
              help="How the contact is classified from now on; the case itself keeps its tier.")  # fmt: skip
@with_desk(Verb.DECIDE_CASES)
async def amend(desk: Desk, reference: str, text: str, tier: Tier | None) -> None:
    """Add to a report that has left: a later report under the same reference says it."""
    item = await desk.corresponding.amend(reference, text, tier=tier, actor=actor())
    say(f"The amendment of {reference} to {item.to} waits in the outbox as {item.id}.")


@click.command()
@reference_argument
@click.option("--text", metavar="TEXT", required=True, help="What the collation address answered.")
@click.option("--their-reference", metavar="TEXT", default="", help="The reference that they gave.")
@click.option("--on", metavar="DATE", callback=read_date, help="The day of the answer; today, if it is left out.")
@with_desk(Verb.DECIDE_CASES)
async def answer(desk: Desk, reference: str, text: str, their_reference: str, on: date | None) -> None:
    """Record what the collation address answered to the report of a case."""
    await desk.corresponding.record_answer(reference, text, on=on, their_reference=their_reference, actor=actor())
    say(f"The answer stands on {reference}.")
