"""Pages on paper, and in the high contrast that the reader's system asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.furnished import administrator
from tests.support.visitors import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.support.furnished import Furnished


@pytest_asyncio.fixture(loop_scope="session")
async def reading(page: Page, console: Furnished) -> Page:
    """Somebody who has signed in."""
    await page.goto(f"{console.origin}/sign-in")
    await page.fill("[name=name]", administrator("en"))
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    await page.wait_for_url(f"{console.origin}/")
    return page


async def test_a_case_on_paper_has_all_of_its_text_and_nothing_to_click(reading: Page, console: Furnished) -> None:
    await reading.goto(f"{console.origin}{console.address('/cases/{reference}')}")
    await reading.emulate_media(media="print")
    for clickable in ("nav.rooms", "summary >> text='Send the decline'", "button", "a.button"):
        assert [one for one in await reading.locator(clickable).all() if await one.is_visible()] == [], clickable
    assert await reading.evaluate("getComputedStyle(document.querySelector('pre.body')).maxHeight") == "none"
    assert await reading.locator(".timeline").is_visible()


async def test_the_room_one_is_in_is_marked_in_high_contrast_too(reading: Page, console: Furnished) -> None:
    await reading.emulate_media(forced_colors="active")
    await reading.goto(f"{console.origin}/cases")
    color = "one => getComputedStyle(one).borderBottomColor"
    here = await reading.locator("nav.rooms [aria-current]").evaluate(color)
    others = {await one.evaluate(color) for one in await reading.locator("nav.rooms a:not([aria-current])").all()}
    assert here not in others
    await reading.goto(f"{console.origin}/statistics")
    bar = await reading.locator(".chart rect").first.evaluate("one => getComputedStyle(one).fill")
    ink = await reading.locator("body").evaluate("one => getComputedStyle(one).color")
    assert bar == ink
