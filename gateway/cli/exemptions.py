"""Exemptions on the command line: `liaison senders exempt`, and what `liaison cases exempt` shares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypedDict, TypeVar

import click

from gateway.cli.invocation import actor, json_option, login, read_end, with_desk
from gateway.cli.output import say, show_json, show_table
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from filters.rulebook import Exemption
    from gateway.desk import Desk

P = ParamSpec("P")
R = TypeVar("R")


class ExemptionShape(TypedDict):
    """One exemption in force."""

    id: str
    sender: str
    recipients: list[str]
    until: str
    approver: str
    reason: str


def grant_options(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """What every exemption needs; `required` where the command does nothing else."""

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        for option in (
            click.option(
                "--rcpt", "recipients", metavar="ADDRESS", multiple=True, help="Only for this one; repeatable."
            ),
            click.option("--reason", metavar="TEXT", default="", required=required, help="Why it was approved."),
            click.option("--approver", metavar="NAME", default="", required=required, help="Who approved it."),
            click.option("--until", metavar="DATE", callback=read_end, required=required, help="Its last day, in UTC."),
        ):
            command = option(command)
        return command

    return decorate


def granted(exemption: Exemption) -> str:
    """What was granted, in a sentence."""
    whom = ", ".join(sorted(exemption.recipients)) or "every recipient"
    return (
        f"{exemption.sender} may write to {whom} until {exemption.last_day} (its last day, in UTC), as {exemption.id}."
    )


@click.command()
@click.argument("sender", required=False)
@grant_options(required=False)
@click.option("--end", "ended", metavar="ID", help="End this exemption now.")
@json_option
@with_desk(Verb.SEE_EXEMPTIONS)
async def exempt(
    desk: Desk,
    sender: str | None,
    until: datetime | None,
    approver: str,
    reason: str,
    recipients: tuple[str, ...],
    ended: str | None,
    as_json: bool,
) -> None:
    """Let SENDER through until a day: a listed address, or the value of an entry. Without SENDER: what is in force.

    Exempt mail is delivered with the flag, and never declined. A spoofed sender is never exempt.
    """
    if ended is not None or sender is not None:
        await desk.peoplekeeping.check_login(login(), Verb.EXEMPT)
    if ended is not None:
        await desk.exempting.end(ended, actor=actor())
        say(f"The exemption {ended} has ended.")
    elif sender is None:
        _show(await desk.exempting.in_force(), as_json=as_json)
    elif until is None:
        raise click.UsageError(
            "An exemption needs its last day (--until), who approved it (--approver) and why (--reason)."
        )
    else:
        say(
            granted(
                await desk.exempting.grant(
                    sender, recipients, until=until, approver=approver, reason=reason, actor=actor()
                )
            )
        )


def _show(exemptions: list[Exemption], *, as_json: bool) -> None:
    if as_json:
        show_json([_shape(exemption) for exemption in exemptions])
        return
    show_table(
        ("id", "sender", "recipients", "until", "approver", "reason"),
        [
            (
                one.id,
                one.sender,
                ", ".join(sorted(one.recipients)) or "all",
                f"{one.last_day}",
                one.approver,
                one.reason,
            )
            for one in exemptions
        ],
        empty="No exemption is in force.",
    )


def _shape(exemption: Exemption) -> ExemptionShape:
    return {
        "id": exemption.id,
        "sender": exemption.sender,
        "recipients": sorted(exemption.recipients),
        "until": exemption.until.isoformat(),
        "approver": exemption.approver,
        "reason": exemption.reason,
    }
