"""The mode: what the gateway does by itself; lowered at once everywhere, and restored up to the configuration's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.disposition import MODE_ORDER, Mode
from filters.sentence import Sentence
from gateway.console.doors import action, page
from gateway.console.words import MODE_MEANINGS, MODES
from gateway.errors import RefusedError
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from gateway.console.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class ModePage:
    """The context of `mode/mode.html`. `ceiling` is what the configuration allows."""

    mode: Mode
    ceiling: Mode
    modes: Mapping[Mode, str]
    meanings: Mapping[Mode, str]
    possible: tuple[Mode, ...]


async def show(visit: Visit) -> Response:
    """The mode in force, and what each would do."""
    modes = visit.office.modes
    context = ModePage(
        mode=await modes.current(),
        ceiling=modes.ceiling,
        modes=MODES,
        meanings=MODE_MEANINGS,
        possible=MODE_ORDER[: MODE_ORDER.index(modes.ceiling) + 1],
    )
    return await visit.show("mode/mode.html", context)


async def set_mode(visit: Visit) -> Response:
    """Lower it, or restore it."""
    word = visit.field("mode", 20)
    if word not in set(Mode):
        raise RefusedError("Choose a mode")
    mode = Sentence(MODES[Mode(word)])
    if not await visit.office.modes.set(Mode(word), actor=visit.actor):
        return await visit.go("/mode", done=Sentence("The mode is {mode} already.", mode=mode))
    done = Sentence("The mode is {mode} now, everywhere within two seconds.", mode=mode)
    return await visit.go("/mode", done=done)


ROUTES = [page("/mode", show, Verb.SEE_STATUS), action("/mode", set_mode, Verb.SET_MODE)]
