"""`liaison outbox`: the mails that the gateway itself writes, how far each is, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import Word, actor, config_option, json_option, with_desk
from gateway.cli.output import complain, say, show_json, show_table
from gateway.cli.shapes import item_shape
from gateway.clock import moment
from gateway.model.outbox import OutboxState
from gateway.model.people import Verb

if TYPE_CHECKING:
    from gateway.desk import Desk
    from gateway.model.outbox import OutboxItem


@click.group()
@config_option
def outbox() -> None:
    """Declines, reports, notices and releases that were asked for."""


@outbox.command("list")
@click.option("--state", type=Word(OutboxState), help="Only items in this state.")
@json_option
@with_desk(Verb.SEE_OUTBOX)
async def list_items(desk: Desk, state: OutboxState | None, as_json: bool) -> None:
    """List every item, the oldest first."""
    items = await desk.outboxkeeping.items(state=state)
    paused = await desk.outboxkeeping.paused()
    if paused:
        complain(f"The outbox is paused {paused}")
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


@outbox.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--failed", is_flag=True, help="Every failed item: what an outage has left behind.")
@click.option("--despite-uncertainty", is_flag=True, help="Also a decline that may have been delivered already.")
@with_desk(Verb.CHANGE_OUTBOX)
async def retry(desk: Desk, ids: tuple[str, ...], failed: bool, despite_uncertainty: bool) -> None:
    """Try these items at once, with all their attempts anew."""
    if not ids and not failed:
        raise click.UsageError("Name the ids (`liaison outbox list` shows them), or give --failed.")
    for item_id in ids:
        item = await desk.outboxkeeping.retry(item_id, despite_uncertainty=despite_uncertainty, actor=actor())
        say(f"{item_id}, a {item.purpose} to {item.to}, is tried again.")
    if failed:
        moved = await desk.outboxkeeping.retry_failed(actor=actor())
        say(f"{len(moved)} failed {'item is' if len(moved) == 1 else 'items are'} tried again.")


@outbox.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@with_desk(Verb.CHANGE_OUTBOX)
async def cancel(desk: Desk, ids: tuple[str, ...]) -> None:
    """Never send these items. A cancelled decline stays cancelled."""
    for item_id in ids:
        item = await desk.outboxkeeping.cancel(item_id, actor=actor())
        say(f"{item_id}, a {item.purpose} to {item.to}, is cancelled.")


@outbox.command()
@click.option("--reason", default="", metavar="TEXT", help="Why; shown while it lasts.")
@with_desk(Verb.CHANGE_OUTBOX)
async def pause(desk: Desk, reason: str) -> None:
    """Send nothing that the gateway writes, on any node, until `resume`. Mail of others flows on."""
    await desk.outboxkeeping.pause(reason, actor=actor())
    say("The outbox is paused: what waits, waits. `liaison outbox resume` sends again.")


@outbox.command()
@with_desk(Verb.CHANGE_OUTBOX)
async def digest(desk: Desk) -> None:
    """Write the digest now: what waits for a decision, to the records mailbox."""
    item = await desk.digests.write(actor=actor())
    say(f"The digest to {item.to} waits in the outbox as {item.id}.")


@outbox.command()
@with_desk(Verb.CHANGE_OUTBOX)
async def resume(desk: Desk) -> None:
    """Send again."""
    waiting = await desk.outboxkeeping.resume(actor=actor())
    say(f"The outbox sends again; {waiting} {'item waits' if waiting == 1 else 'items wait'}.")
