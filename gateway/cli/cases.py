"""`liaison cases`: what records staff decide. Each verb is one operation of casework; this room only words it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli import words
from gateway.cli.case_filters import filter_options
from gateway.cli.contacts import record
from gateway.cli.corresponding import amend, answer
from gateway.cli.exemptions import grant_options, granted
from gateway.cli.exports import export
from gateway.cli.holds import hold, unhold
from gateway.cli.invocation import actor, config_option, json_option, reference_argument, with_desk
from gateway.cli.output import emphasize, say, show_json, show_table
from gateway.cli.shapes import case_shape, dossier_shape
from gateway.clock import moment
from gateway.model.case import how_far
from gateway.model.case_list import EVERY_CASE
from gateway.model.people import Verb

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.desk import Desk
    from gateway.model.case import CaseFile
    from gateway.model.case_list import CaseFilter


@click.group()
@config_option
def cases() -> None:
    """Mail that was flagged: look at it, decide about it."""


@cases.command("list")
@filter_options
@json_option
@with_desk(Verb.SEE_CASES)
async def list_cases(desk: Desk, wanted: CaseFilter, as_json: bool) -> None:
    """List every case, the newest first, or those that all of the options hold for."""
    files = await desk.casework.files(wanted)
    if as_json:
        show_json([case_shape(file) for file in files])
        return
    show_table(
        ("reference", "received", "tier", "status", "from", "recipients", "decline", "report", "subject"),
        [_row(file) for file in files],
        empty="There are no cases." if wanted == EVERY_CASE else "No case is like that.",
    )


def _row(file: CaseFile) -> tuple[str, ...]:
    case = file.case
    recipients = ", ".join(f"{delivery.recipient} {delivery.state}" for delivery in file.deliveries)
    sender = case.header_from or case.reverse_path or "<>"
    return (
        *(case.reference, moment(case.received_at), case.tier, case.status, sender, recipients),
        *(how_far(case.decline, case.status), how_far(case.report, case.status), case.subject),
    )


@cases.command()
@reference_argument
@click.option("--evidence", is_flag=True, help="Also what the sender's verification rests on, answer by answer.")
@json_option
@with_desk(Verb.SEE_CASES)
async def show(desk: Desk, reference: str, evidence: bool, as_json: bool) -> None:
    """Show one case with all that is known of it: why, for whom, what was sent, who did what."""
    dossier = await desk.casework.show(reference, desk.rulebooks.current.index)
    if as_json:
        show_json(dossier_shape(dossier))
        return
    emphasize(words.case_title(dossier.file.case))
    for line in words.about_case(dossier):
        say(line)
    for line in words.about_evidence(dossier.file.case) if evidence else ():
        say(line)


@cases.command()
@reference_argument
@with_desk(Verb.DECIDE_CASES)
async def decline(desk: Desk, reference: str) -> None:
    """Send the decline to the reverse-path: once for each case, and never where an answer could loop."""
    item = await desk.casework.decline(reference, desk.rulebooks.current.index, actor=actor())
    say(f"The decline of {reference} to {item.to} waits in the outbox as {item.id}.")


@cases.command()
@reference_argument
@with_desk(Verb.DECIDE_CASES)
async def report(desk: Desk, reference: str) -> None:
    """Report the case to the collation address, where that waits for a person."""
    item = await desk.casework.report(reference, actor=actor())
    say(f"The report of {reference} to {item.to} waits in the outbox as {item.id}.")


@cases.command()
@reference_argument
@click.option("--rcpt", "recipients", metavar="ADDRESS", multiple=True, help="Only to this recipient; repeatable.")
@with_desk(Verb.DECIDE_CASES)
async def release(desk: Desk, reference: str, recipients: tuple[str, ...]) -> None:
    """Deliver the held message, as it was received, to all who wait for it or to those named with --rcpt."""
    items = await desk.casework.release(reference, recipients, actor=actor())
    for item in items:
        say(f"{reference} is being released to {item.to}, as {item.id} in the outbox.")
    say(words.still_held(await desk.casework.still_held(reference)))


@cases.command()
@reference_argument
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
@with_desk(Verb.DECIDE_CASES)
async def dismiss(desk: Desk, reference: str, reason: str) -> None:
    """Close the case as no approach at all.

    What has not been sent yet is cancelled; a report that was sent is taken back by another one. Whoever has a copy
    that stays held is told of it all the same.
    """
    held = await desk.casework.dismiss(reference, reason, actor=actor())
    say(
        f"{reference} is dismissed and closed; what waited in the outbox for it is cancelled, except releases and "
        "notices of what stays held."
    )
    if held:
        say(words.still_held(held, reference))


@cases.command()
@reference_argument
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
@with_desk(Verb.DECIDE_CASES)
async def silence(desk: Desk, reference: str, reason: str) -> None:
    """Never decline this case: an answer could tip somebody off. The report still goes."""
    cancelled = await desk.casework.silence(reference, reason, actor=actor())
    say(f"{reference} is silenced: no decline may be sent for it any more.")
    if cancelled:
        say("The decline in the outbox is cancelled.")


@cases.command()
@reference_argument
@grant_options(required=True)
@with_desk(Verb.EXEMPT)
async def exempt(
    desk: Desk, reference: str, until: datetime, approver: str, reason: str, recipients: tuple[str, ...]
) -> None:
    """Let the sender of the case through until a day: its mail is delivered with the flag, and never declined."""
    say(
        granted(
            await desk.exempting.grant_for(
                reference, recipients, until=until, approver=approver, reason=reason, actor=actor()
            )
        )
    )


@cases.command()
@reference_argument
@click.argument("text")
@with_desk(Verb.DECIDE_CASES)
async def note(desk: Desk, reference: str, text: str) -> None:
    """Write TEXT on the case. Notes are never changed."""
    await desk.casework.note(reference, text, actor=actor())
    say(f"The note stands on {reference}.")


@cases.command()
@reference_argument
@with_desk(Verb.DECIDE_CASES)
async def close(desk: Desk, reference: str) -> None:
    """Close the case: nothing more is to be done."""
    held = await desk.casework.close(reference, actor=actor())
    say(f"{reference} is closed.")
    if held:
        say(words.still_held(held, reference))


@cases.command()
@reference_argument
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
@with_desk(Verb.DECIDE_CASES)
async def reopen(desk: Desk, reference: str, reason: str) -> None:
    """Take a closed case up again. What was cancelled stays cancelled."""
    await desk.casework.reopen(reference, reason, actor=actor())
    say(f"{reference} is open again.")


@cases.command()
@reference_argument
@click.argument("person", required=False, default="")
@with_desk(Verb.DECIDE_CASES)
async def assign(desk: Desk, reference: str, person: str) -> None:
    """Let PERSON, who has an account, see to the case; without PERSON nobody does."""
    await desk.casework.assign(reference, person.strip().lower(), actor=actor())
    say(f"{reference} is assigned to {person.strip().lower() or 'nobody'}.")


for command in (amend, answer, export, hold, record, unhold):
    cases.add_command(command)
