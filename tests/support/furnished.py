"""A console with something in it: the demo's gateway after its messages, and how each address of a page is filled in."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from gateway.clock import SystemClock
from gateway.console.app import create_app
from gateway.demonstration.play import play
from gateway.demonstration.stage import open_stage
from gateway.demonstration.stories import STORIES
from gateway.model.case import DeliveryState
from gateway.model.people import Role
from gateway.preview.message import preview
from tests.support.visitors import account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.routing import Route

    from gateway.demonstration.stage import Stage

LANGUAGES = ("en", "fr")
CAREFUL = "carla"
"""The name of an account with a second factor."""
_QUERIES = dict.fromkeys(("/senders/entry", "/senders/edit"), "?kind=subtree&value=mfa.gov.cn")
"""What has to stand behind an address, for there to be a page."""
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, slots=True)
class Furnished:
    """`origin` is where the pages are; administrators of each language are "anna-en" and "anna-fr"."""

    stage: Stage
    origin: str
    values: Mapping[str, str]
    """What stands for each parameter of an address."""

    def address(self, path: str) -> str:
        """The address of a route, with what there is in place of its parameters; LookupError without."""
        unknown = sorted(set(_PARAMETER.findall(path)) - set(self.values))
        if unknown:
            raise LookupError(f"{path}: tests/support/furnished.py doesn't know what to put for {', '.join(unknown)}")
        return _PARAMETER.sub(lambda found: self.values[found[1]], path) + _QUERIES.get(path, "")


def addresses() -> list[str]:
    """The paths of every page that there is, in order, as the routes of the application say them."""

    def nowhere() -> None:  # never called: only the routes are looked at
        raise NotImplementedError

    routes = cast("list[Route]", create_app(nowhere).routes)  # type: ignore[arg-type]
    return [one.path for one in routes if "GET" in (getattr(one, "methods", None) or ())]


def administrator(language: str) -> str:
    """The name of the account."""
    return f"anna-{language}"


@asynccontextmanager
async def furnished() -> AsyncIterator[Furnished]:
    """The demo, played once."""
    async with open_stage(SystemClock()) as stage:
        await play(stage, STORIES, lambda _story, _reply: None)
        for language in LANGUAGES:
            await account(stage.desk, administrator(language), [Role.ADMINISTRATOR], language)
        await account(stage.desk, CAREFUL, [Role.REVIEWER])
        await stage.desk.peoplekeeping.give_second_factor(CAREFUL, actor="test")
        yield Furnished(stage, stage.console.rstrip("/"), await _values(stage))


async def _values(stage: Stage) -> dict[str, str]:
    """One case for all pages of a case: it has HTML and mail of ours, and a held copy, as far as there is such a case."""
    desk = stage.desk
    async with desk.store.reading() as work:
        items = await work.outbox.list()
    written = {item.case_reference: item.id for item in items}
    points: dict[str, int] = {}
    for file in await desk.casework.files():
        reference = file.case.reference
        has_html = bool(preview(await desk.casework.original(reference)).pages)
        is_held = any(one.state is DeliveryState.HELD for one in file.deliveries)
        points[reference] = 4 * has_html + 2 * (reference in written) + is_held
    best = max(points, key=lambda reference: points[reference])
    return {
        "reference": best,
        "number": "0",
        "version": "1",
        "purpose": "report",
        "item": written[best],
        "name": administrator("en"),
    }
