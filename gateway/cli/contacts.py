"""`liaison cases record`: a contact that was not by mail, written down by whoever was asked or who heard of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import Word, actor, with_desk
from gateway.cli.output import say
from gateway.model.case import ActionState, ContactKind
from gateway.model.contact import Contact
from gateway.model.people import Verb

if TYPE_CHECKING:
    from gateway.desk import Desk


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
@click.option("--mission", metavar="NAME", default="", help="For which mission: its name, or its list entry.")
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
    if case.report is ActionState.WAITING:
        say("Its report waits in the outbox.")
    else:
        say(f"It is not reported; `liaison cases report {case.reference}` does that.")
