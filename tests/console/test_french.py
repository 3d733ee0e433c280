"""French pages say everything in French: numbers, missions, and the words inside of sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from gateway.console.languages import Words
from gateway.model import health
from gateway.model.health import Answer
from gateway.model.people import Role
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

FRENCH = Words("fr", ZoneInfo("UTC"))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is shown is the same on both databases."""
    return sqlite_url


def test_numbers_in_the_health_sentences_have_a_comma() -> None:
    assert "70,9 Go" in FRENCH.say(health.of_disk(70_900_000_000).sentence)
    assert "0,042 s" in FRENCH.say(health.of_next_hops([Answer(name="mail", at=NOON, seconds=0.0421)]).sentence)


async def test_the_history_of_the_lists_is_in_french(gateway: Running, visit: Visit) -> None:
    lise = await visit(Role.LIST_ADMINISTRATOR, language="fr")
    await lise.get("/senders/history/1")
    assert "les lots configurés" in lise.text
    assert "the configured packs" not in lise.text
