"""Single keys: they lead to the verbs, and each browser can turn them off (WCAG 2.1, 2.1.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.async_api import expect

from gateway.console.pages.account import KEY_NAMES
from tests.support.checkout import ROOT
from tests.support.furnished import administrator
from tests.support.visitors import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.support.furnished import Furnished


async def test_a_key_leads_to_its_verb_until_it_is_turned_off(page: Page, console: Furnished) -> None:
    await page.goto(f"{console.origin}/sign-in")
    await page.fill("[name=name]", administrator("en"))
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    note = page.locator("summary", has_text="Add a note")
    case = f"{console.origin}{console.address('/cases/{reference}')}"
    await page.goto(case)
    await page.keyboard.press("n")
    await expect(note).to_be_focused()
    await page.goto(f"{console.origin}/account")
    await page.click("button:has-text('Turn the keys off')")
    await page.goto(case)
    await page.keyboard.press("n")
    await expect(page.locator("body[data-keys=off]")).to_have_count(1)
    await expect(note).not_to_be_focused()
    await page.goto(f"{console.origin}/account")
    await page.click("button:has-text('Turn the keys on')")
    await page.goto(case)
    await page.keyboard.press("n")
    await expect(note).to_be_focused()


async def test_the_account_lists_every_key_that_a_page_has() -> None:
    pages = "".join(one.read_text(encoding="utf-8") for one in (ROOT / "templates/console").rglob("*.html"))
    marked = set(re.findall(r'data-key="(.)"', pages)) | set(
        re.findall(r'call verb\(.*, "(.)"(?:, grave=true)?\) %}', pages)
    )
    assert marked == set(KEY_NAMES)
