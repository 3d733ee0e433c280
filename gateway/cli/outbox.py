"""`liaison outbox`: the mails that the gateway itself writes, and how far each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import Word, config_option, json_option, with_desk
from gateway.cli.output import moment, show_json, show_table
from gateway.cli.shapes import item_shape
from gateway.model.outbox import OutboxState

if TYPE_CHECKING:
    from gateway.assembly import Desk
    from gateway.model.outbox import OutboxItem


@click.group()
@config_option
def outbox() -> None:
    """Declines, reports, notices and releases that were asked for."""


@outbox.command("list")
@click.option("--state", type=Word(OutboxState), help="Only items in this state.")
@json_option
@with_desk
async def list_items(desk: Desk, state: OutboxState | None, as_json: bool) -> None:
    """List every item, the oldest first."""
    async with desk.store.reading() as work:
        items = await work.outbox.list(state=state)
    if as_json:
        show_json([item_shape(item) for item in items])
        return
    show_table(
        ("id", "purpose", "to", "state", "attempts", "due", "case", "last reply"),
        [_row(item) for item in items],
        empty="The outbox is empty." if state is None else f"Nothing in the outbox is {state}.",
    )


def _row(item: OutboxItem) -> tuple[str, ...]:
    due = moment(item.due_at) if item.state is OutboxState.WAITING else ""
    what = (item.id, item.purpose, item.to, item.state, str(item.attempts))
    return (*what, due, item.case_reference, item.last_reply)
