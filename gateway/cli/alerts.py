"""`liaison alerts`: what somebody is told of without mail, and whether that would reach anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import click

from gateway.cli.invocation import config_option, fail, json_option, with_desk
from gateway.cli.output import complain, say, show_json, show_table
from gateway.clock import moment
from gateway.model.alerts import Alert, Phase, age, sentence
from gateway.model.people import Verb

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.desk import Desk
    from gateway.model.alerts import Standing


@click.group()
@config_option
def alerts() -> None:
    """What somebody is told of without mail."""


@alerts.command("list")
@json_option
@with_desk(Verb.SEE_STATUS)
async def list_alerts(desk: Desk, as_json: bool) -> None:
    """List what stands now, the oldest first."""
    standing = [one for one in await desk.alerting.standing() if one.stands]
    now = desk.alerting.clock.now()
    if as_json:
        show_json([alert_shape(one) for one in standing])
        return
    show_table(
        ("alert", "node", "since", "for", "told", "what"),
        [_row(one, now) for one in standing],
        empty="Nothing is wrong that alerts are sent for.",
    )


def _row(standing: Standing, now: datetime) -> tuple[str, ...]:
    what = sentence(Alert(phase=Phase.BEGAN, standing=standing, at=now))
    told = ", ".join(sorted(standing.told)) or "nobody yet"
    since = standing.since
    return (standing.trouble.alarm, standing.node or "all", moment(since), age(now - since), told, what)


@alerts.command()
@with_desk(Verb.SET_MODE)
async def test(desk: Desk) -> None:
    """Send a test through every hook, and say what came back."""
    outcomes = await desk.alerting.test()
    if not outcomes:
        complain("No hook is configured: set webhook or command under [alerts].")
        fail()
    for name, refused in outcomes.items():
        say(f"{name}: {refused or 'taken'}")
    if any(outcomes.values()):
        fail()


class AlertShape(TypedDict):
    """A row of `alerts list`; `began_at` is when it became an alert, `told` the hooks that know of it."""

    alert: str
    node: str
    number: int
    since: str
    began_at: str
    references: list[str]
    told: list[str]


def alert_shape(standing: Standing) -> AlertShape:
    """What stands."""
    trouble = standing.trouble
    return AlertShape(
        alert=trouble.alarm,
        node=standing.node,
        number=trouble.number,
        since=standing.since.isoformat(),
        began_at=(standing.began_at or standing.noticed_at).isoformat(),
        references=list(trouble.references),
        told=sorted(standing.told),
    )
