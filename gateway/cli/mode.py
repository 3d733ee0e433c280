"""`liaison mode`: shows or lowers what the gateway does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from filters.disposition import MODE_ORDER, Mode
from gateway.cli.invocation import Word, actor, json_option, login, with_desk
from gateway.cli.output import say, show_json
from gateway.model.people import Verb

if TYPE_CHECKING:
    from gateway.desk import Desk

_MEANINGS = {
    Mode.OBSERVE: "records and does nothing else",
    Mode.ASSIST: "holds and flags, and leaves declines and reports to a person",
    Mode.AUTO: "does what the policy says",
}


@click.command()
@click.argument("value", type=Word(MODE_ORDER), required=False)
@json_option
@with_desk(Verb.SEE_STATUS)
async def mode(desk: Desk, value: Mode | None, as_json: bool) -> None:
    """Show the mode, or set it to VALUE.

    The configuration's `mode` is the ceiling. A change is in force in every process within two seconds.
    """
    verb = "is"
    if value is not None:
        await desk.peoplekeeping.check_login(login(), Verb.SET_MODE)
        verb = "is now" if await desk.modes.set(value, actor=actor()) else "was already"
    current = await desk.modes.current()
    if as_json:
        show_json({"mode": current, "ceiling": desk.modes.ceiling})
        return
    say(f"The mode {verb} {current}: the gateway {_MEANINGS[current]}.")
    if current is not desk.modes.ceiling:
        say(f"The configuration allows {desk.modes.ceiling}: `liaison mode {desk.modes.ceiling}` restores it.")
