"""The first page: what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.console.doors import page
from gateway.model.people import Verb

if TYPE_CHECKING:
    from starlette.responses import Response

    from filters.disposition import Mode
    from gateway.console.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The context of `home/home.html`."""

    mode: Mode


async def show(visit: Visit) -> Response:
    """The page."""
    return await visit.show("home/home.html", Home(mode=await visit.office.modes.current()))


ROUTES = [page("/", show, Verb.SEE_STATUS)]
