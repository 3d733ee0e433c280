"""`make screenshots`: the pages of docs/console.md, from the demo's cases, at 1280 and 390 pixels in both languages."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from gateway import logs
from gateway.settings import Log, LogLevel
from tests.support.browser import QUIET
from tests.support.checkout import ROOT
from tests.support.chromium import chromium
from tests.support.furnished import LANGUAGES, administrator, furnished
from tests.support.visitors import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Page

FOLDER = ROOT / "docs/screenshots"
PAGES = {
    "home": "/",
    "cases": "/cases",
    "case": "/cases/{reference}",
    "senders": "/senders",
    "add": "/senders/add",
    "outbox": "/outbox",
    "audit": "/audit",
    "statistics": "/statistics",
}
WIDTHS = (1280, 390)


async def main() -> None:
    """Every page, one picture for each language and width."""
    logs.configure(Log(level=LogLevel.WARNING))
    FOLDER.mkdir(exist_ok=True)
    async with furnished() as console, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=[*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        )
        for language in LANGUAGES:
            page = await browser.new_page(locale=f"{language}-CA")
            await page.goto(f"{console.origin}/sign-in")
            await page.fill("[name=name]", administrator(language))
            await page.fill("[name=password]", PASSWORD)
            await page.click("main button")
            for name, path in PAGES.items():
                await page.goto(f"{console.origin}{console.address(path)}")
                await _shoot(page, f"{name}-{language}")
        await browser.close()


async def _shoot(page: Page, name: str) -> None:
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        path = FOLDER / (f"{name}.png" if width == WIDTHS[0] else f"{name}-{width}.png")
        await page.screenshot(path=path, clip={"x": 0, "y": 0, "width": width, "height": 900}, scale="css")


if __name__ == "__main__":
    asyncio.run(main())
