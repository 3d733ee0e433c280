"""What a page says at its top is said once, in the language of who reads it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.people import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


async def test_a_refusal_is_told_in_the_language_that_was_chosen_meanwhile(visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get(f"/people/{anna.name}")
    form = {"form_token": anna.form_token}
    headers = {"referer": f"{anna.client.base_url}/people"}
    await anna.client.post(f"/people/{anna.name}/disable", data=form, headers=headers, follow_redirects=False)
    await anna.client.post("/language", data={**form, "language": "fr"}, follow_redirects=False)
    await anna.get("/people")
    assert anna.told == f"Non fait : {anna.name} est seul à l'administration; nommez d'abord quelqu'un d'autre"
