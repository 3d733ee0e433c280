"""A verb that was refused on the page of a case: why, and nothing that was typed is lost."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from gateway.model.people import Role
from tests.console.test_case_page import ON_ONE, arrived, trail, version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

WORDS = "What took somebody\r\nhalf an hour to write & <check>"


def opened(visitor: Visitor) -> str:
    """The form that stands open."""
    (found,) = re.findall(r'<details class="verb[^"]*" name="verb" open>(.*?)</details>', visitor.page, re.DOTALL)
    return unescape(str(found))


@ON_ONE
@pytest.mark.parametrize(
    ("verb", "fields", "why"),
    [
        ("exempt", {"until": "31/05/2027", "approver": "The Chief", "reason": WORDS}, "'31/05/2027' is no day"),
        ("hold", {"ordered_by": "The court", "reason": WORDS, "expected": "1"}, "was quicker"),
        ("silence", {"reason": WORDS, "expected": "1"}, "was quicker"),
        ("dismiss", {"reason": WORDS, "expected": "1"}, "was quicker"),
        ("unhold", {"hold": "1", "reason": WORDS, "expected": "1"}, "was quicker"),
    ],
)
async def test_a_refused_form_keeps_what_was_typed(
    gateway: Running, visit: Visit, verb: str, fields: dict[str, str], why: str
) -> None:
    reference = await arrived(gateway)
    await gateway.desk.holding.place(reference, "a lawsuit", actor="test:clerk")
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}?status=open&sort=oldest")
    came_by = trail(anna)
    more: dict[str, str | list[str]] = {"whom": "everybody"} if verb == "exempt" else {}
    await anna.post(f"/cases/{reference}/{verb}", {"expected": version(anna), "trail": came_by, **fields}, **more)
    assert (anna.status, why in anna.told) == (400, True)
    form = opened(anna)
    for name in set(fields) - {"expected", "hold"}:
        assert fields[name] in form, name
    if verb == "exempt":
        assert re.findall(r'value="([^"]*)" checked', form) == ["everybody"]
    assert trail(anna) == came_by
    assert version(anna) != "1"
    await anna.post("/language", language="fr")
    assert (anna.status, anna.address) == (200, f"/cases/{reference}")


@ON_ONE
async def test_nobody_s_words_are_cut_off(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    for verb, name, most in (("note", "text", 20_000), ("dismiss", "reason", 1000)):
        await anna.get(f"/cases/{reference}")
        await anna.post(f"/cases/{reference}/{verb}", {name: "w" * most + "é", "expected": version(anna)})
        assert anna.told == f"Not done: {most + 1:,} characters are too many here: at most {most:,} fit"
        assert "w" * most + "é" in opened(anna)
    fields = {"sender": "mission.example", "until": "2027-01-01", "approver": "The Chief", "reason": "w" * 2001}
    await anna.get("/exemptions")
    await anna.post("/exemptions", fields)
    assert ("2,001 characters are too many" in anna.told, "w" * 2001 in anna.page) == (True, True)


@ON_ONE
async def test_words_for_a_case_that_was_disposed_of_meanwhile_are_shown(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    async with gateway.desk.store.begin() as work:
        case = await work.cases.by_reference(reference)
        assert case is not None
        await work.disposals.remove(case.stored_id)
    await anna.post(f"/cases/{reference}/note", text=WORDS)
    assert (anna.status, f"There is no case {reference}" in anna.text) == (404, True)
    assert f"What you had typed: {' '.join(WORDS.split())}" in anna.text


@ON_ONE
async def test_words_for_a_verb_that_has_gone_meanwhile_are_shown_all_the_same(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    await gateway.desk.casework.close(reference, actor="test:clerk")
    await anna.post(f"/cases/{reference}/dismiss", reason=WORDS, expected=version(anna))
    assert (anna.status, "closed it" in anna.told) == (400, True)
    assert f"What you had typed: {' '.join(WORDS.split())}" in anna.text
