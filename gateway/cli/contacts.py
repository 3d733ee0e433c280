"""`liaison cases record`: a contact that was not by mail, written down by whoever was asked or who heard of it."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import Word, actor, with_desk
from gateway.cli.output import say
from gateway.model.case import ActionState, ContactKind
from gateway.model.contact import Contact
from gateway.model.people import Verb

if TYPE_CHECKING:
    from filters.lists import ListEntry
    from gateway.desk import Desk

_MOST_NAMED = 10
"""Missions that a sentence names one by one."""
_NEAR = 0.4
"""How alike a name is that may be meant, as difflib counts: 1 is the same."""


def read_moment(_context: click.Context, _parameter: click.Parameter, value: str) -> datetime:
    """The callback of an option that takes a day with a time; UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time; one looks like 2027-05-31T14:30 (UTC)") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.option("--kind", type=Word([kind for kind in ContactKind if not kind.is_mail]), required=True,
              help="How they got in touch.")  # fmt: skip
@click.option("--at", metavar="TIME", required=True, callback=read_moment, help="When, as 2027-05-31T14:30 (UTC).")
@click.option("--asked", metavar="TEXT", required=True, help="What they wanted.")
@click.option("--who", metavar="NAME", default="", help="The name that was given.")
@click.option("--role", metavar="TEXT", default="", help="What that person claimed to be.")
@click.option(
    "--mission",
    metavar="NAME",
    default="",
    help="For which mission: the name or the value of its entry in `senders list`; any other is recorded as it is.",
)
@click.option("--approached", metavar="NAME", default="", help="Who of the agency was asked.")
@click.option("--answered", metavar="TEXT", default="", help="What was said to them.")
@click.option("--note", metavar="TEXT", default="", help="Anything else.")
@click.option("--report/--no-report", default=True, help="Report it at once (the default), or let that wait.")
@with_desk(Verb.DECIDE_CASES)
async def record(desk: Desk, /, report: bool, **said: object) -> None:
    """Record a contact by telephone, in person, by letter, at an event or on a social network as a case."""
    contact = Contact(**said)  # type: ignore[arg-type]  # the options are the fields
    if not contact.is_of_somebody:
        raise click.UsageError("Say who it was (--who), or what role or mission they claimed (--role, --mission).")
    case = await desk.contacts.record(contact, desk.rulebooks.current, report=report, actor=actor())
    say(f"The contact is recorded as {case.reference}.")
    if contact.mission.strip() and not case.entry:
        say(_unknown_mission(contact.mission, await desk.listkeeping.entries()))
    if case.report is ActionState.WAITING:
        say("Its report waits in the outbox.")
    else:
        say(f"It is not reported; `liaison cases report {case.reference}` does that.")


def _unknown_mission(mission: str, entries: list[ListEntry]) -> str:
    """That no entry has the name, and which names the lists know; the nearest of many."""
    names = sorted({entry.mission_en for entry in entries if entry.mission_en})
    if len(names) > _MOST_NAMED:
        names = get_close_matches(mission, names, n=_MOST_NAMED, cutoff=_NEAR)
    said = f"No entry of the lists names the mission “{mission.strip()}”; it is recorded as written."
    known = ", ".join(f"“{name}”" for name in names)
    return f"{said} The lists know {known}." if known else f"{said} `liaison senders list` shows which they know."
