"""The console by Tab and Enter alone: every stop can be seen, and everything of every day can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.console.navigation import ROOMS
from gateway.model.case import CaseStatus
from gateway.model.people import Role
from tests.support.furnished import furnished
from tests.support.visitors import PASSWORD, account

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.support.furnished import Furnished

MOST_STOPS = 120
"""On one page."""
FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    tag: at.tagName.toLowerCase(), text: (at.innerText || "").trim(), name: at.getAttribute("name") || "",
    address: at.getAttribute("href") || "", id: at.id,
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 1 && box.left >= 0,
  };
}"""


async def tab(page: Page) -> dict[str, str]:
    """The next stop, which has to be visible; {} where the browser's own controls come."""
    await page.keyboard.press("Tab")
    stop: dict[str, str] = await page.evaluate(FOCUSED)
    if stop["tag"] == "body":
        return {}
    assert stop["seen"], f"nothing shows that {stop} has the focus"
    return stop


async def tab_to(page: Page, **wanted: str) -> None:
    """As many times as it takes."""
    for _ in range(MOST_STOPS):
        stop = await tab(page)
        if all(stop.get(name) == value for name, value in wanted.items()):
            return
    pytest.fail(f"Tab never comes to {wanted}")


async def enter(page: Page) -> None:
    """Enter, and the page that it leads to."""
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def sign_in(page: Page, origin: str, name: str) -> None:
    await page.goto(f"{origin}/sign-in")
    for field, text in (("name", name), ("password", PASSWORD)):
        if await page.evaluate("document.activeElement.name") != field:
            await tab_to(page, name=field)
        await page.keyboard.type(text)
    await enter(page)


async def test_one_signs_in_changes_the_language_and_signs_out(page: Page, console: Furnished) -> None:
    await account(console.stage.desk, "kim", [Role.REVIEWER], "en")
    await sign_in(page, console.origin, "kim")
    assert page.url == f"{console.origin}/"
    await tab_to(page, tag="button", text="Français")
    await enter(page)
    assert await page.locator("html").get_attribute("lang") == "fr"
    await tab_to(page, tag="button", text="English")
    await enter(page)
    assert await page.locator("html").get_attribute("lang") == "en"
    await tab_to(page, tag="button", text="Sign out")
    await enter(page)
    await page.goto(f"{console.origin}/cases")
    assert page.url.startswith(f"{console.origin}/sign-in")


async def test_the_menu_leads_to_every_room(page: Page, console: Furnished) -> None:
    await sign_in(page, console.origin, "anna-en")
    for room in ROOMS:
        await tab_to(page, tag="a", text=room.label)
        await enter(page)
        assert page.url == f"{console.origin}{room.address}"
        assert await page.locator("nav.rooms [aria-current=page]").inner_text() == room.label


async def test_the_first_stop_skips_the_menu(page: Page, console: Furnished) -> None:
    await sign_in(page, console.origin, "anna-en")
    await page.goto(f"{console.origin}/people")
    assert (await tab(page))["address"] == "#main"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    stop = await tab(page)
    assert await page.evaluate("document.querySelector('main').contains(document.activeElement)"), stop


async def test_every_stop_of_a_case_is_seen_and_a_verb_says_what_it_does_before_it_is_done(
    page: Page, console: Furnished
) -> None:
    await sign_in(page, console.origin, "anna-en")
    await page.goto(f"{console.origin}{console.address('/cases/{reference}')}")
    stops = 0
    while await tab(page):
        stops += 1
        assert stops < MOST_STOPS
    assert stops > len(ROOMS) + 10
    await page.reload()
    await tab_to(page, tag="summary", text="Add a note")
    await page.keyboard.press("Enter")
    await tab_to(page, tag="textarea", name="text")
    await page.keyboard.type("Called back at noon.")
    await tab_to(page, tag="button", text="Add it")
    await enter(page)
    assert "Called back at noon." in await page.locator(".timeline").inner_text()


async def test_a_reviewer_clears_ten_cases_and_the_next_one_comes_by_itself(page: Page) -> None:
    async with furnished() as console:
        desk = console.stage.desk
        await account(desk, "kim", [Role.REVIEWER], "en")
        await sign_in(page, console.origin, "kim")
        await to_the_first(page, "main .counts a")
        await to_the_first(page, "main .cases a")
        seen = []
        for number in range(10):
            seen.append(await page.locator("h1 .mono").inner_text())
            if number % 3 == 2:
                await say_and_do(page, "Not a mission: dismiss", "Dismiss it", reason="A tourist office.")
            else:
                await say_and_do(page, "Close as handled", "Close it")
            assert f"{seen[-1]} is" in await page.locator(".told.done").inner_text()
        files = await desk.casework.files()
        assert sorted(seen) == sorted(file.case.reference for file in files)
        assert {file.case.status for file in files} == {CaseStatus.CLOSED}
        assert page.url.startswith(f"{console.origin}/cases?")


async def to_the_first(page: Page, selector: str) -> None:
    """Tab to the first of these links, and follow it."""
    address = await page.locator(selector).first.get_attribute("href")
    assert address is not None
    await tab_to(page, tag="a", address=address)
    await enter(page)


async def say_and_do(page: Page, verb: str, button: str, reason: str = "") -> None:
    """Open a verb, which says what it does, give a reason where one is asked for, and do it."""
    await tab_to(page, tag="summary", text=verb)
    await page.keyboard.press("Enter")
    if reason:
        await tab_to(page, tag="textarea", name="reason")
        await page.keyboard.type(reason)
    await tab_to(page, tag="button", text=button)
    await enter(page)
