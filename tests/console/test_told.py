"""What a page says at its top is said once, in the language of who reads it then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.clock import SystemClock
from gateway.model.people import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]


async def test_what_was_done_is_told_in_the_language_that_was_chosen_meanwhile(visit: Visit) -> None:
    await visit(Role.REVIEWER)
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get("/people/person0")
    form = {"form_token": anna.form_token}
    await anna.client.post("/people/person0/disable", data=form, follow_redirects=False)
    await anna.client.post("/language", data={**form, "language": "fr"}, follow_redirects=False)
    await anna.get("/people/person0")
    assert anna.told == "Fait : person0 ne peut plus se connecter; toutes ses sessions ont pris fin."
    await anna.get("/people/person0")
    assert anna.told == ""


async def test_the_time_in_a_sentence_is_that_of_the_page_around_it(gateway: Running, visit: Visit) -> None:
    """The foot of every page says whose times it has; who reads UTC in one place of it comes hours too late."""
    zone = replace(gateway.settings.console, time_zone="Pacific/Kiritimati")
    gateway.service.obey(replace(gateway.settings, console=zone))
    before = SystemClock().now()
    anna = await visit(Role.ADMINISTRATOR)
    await gateway.desk.outboxkeeping.pause("", actor="test:it")
    await anna.get("/outbox")
    minutes = {f"{at.astimezone(ZoneInfo(zone.time_zone)):%Y-%m-%d %H:%M}" for at in (before, SystemClock().now())}
    assert any(f"Paused: since {minute} by test:it." in anna.text for minute in minutes)


async def test_a_refusal_is_told_in_the_language_that_was_chosen_meanwhile(visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get(f"/people/{anna.name}")
    form = {"form_token": anna.form_token}
    headers = {"referer": f"{anna.client.base_url}/people"}
    await anna.client.post(f"/people/{anna.name}/disable", data=form, headers=headers, follow_redirects=False)
    await anna.client.post("/language", data={**form, "language": "fr"}, follow_redirects=False)
    await anna.get("/people")
    assert anna.told == f"Non fait : {anna.name} est seul à l'administration; nommez d'abord quelqu'un d'autre"
