"""Where the focus is when a page comes: on what was done or refused, so that it is heard, and the next Tab is near."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.support.furnished import administrator
from tests.support.visitors import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.support.furnished import Furnished

INSIDE = "document.querySelector('main').contains(document.activeElement)"


async def sign_in(page: Page, console: Furnished, password: str = PASSWORD) -> None:
    await page.goto(f"{console.origin}/sign-in")
    await page.fill("[name=name]", administrator("en"))
    await page.fill("[name=password]", password)
    await page.click("main button")


async def test_a_refusal_has_the_focus_and_the_next_stop_is_the_form(page: Page, console: Furnished) -> None:
    await sign_in(page, console, "wrong")
    await expect(page.locator(".told.refused")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.name") == "name"
    await sign_in(page, console)
    await page.goto(f"{console.origin}/senders/add")
    await page.select_option("[name=kind]", "domain")
    await page.fill("[name=value]", "gov.cn")
    await page.click("form[action='/senders/check'] button")
    await expect(page.locator(".told.refused")).to_be_focused()
    assert "public suffix" in await page.locator(".told").inner_text()


async def test_after_a_verb_what_was_done_has_the_focus_also_without_scripts(
    browser: Browser, console: Furnished
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, console)
    await page.goto(f"{console.origin}{console.address('/cases/{reference}')}")
    await page.click("summary:has-text('Add a note')")
    await page.fill("[name=text]", "Heard.")
    await page.click("button:has-text('Add it')")
    await expect(page.locator(".told.done")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate(INSIDE)
    await context.close()
