"""A real browser for tests of pages: one Chromium for all of them, a profile of its own for each.

The browser lives in the event loop of the whole test run, so the tests that use it do too: tests/browser/conftest.py.

Whatever it asks for, logs or opens is written down, so that a test can say that nothing left and nothing ran.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.support.chromium import MISSING, chromium

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, ConsoleMessage, Dialog, Page

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
"""So that it asks nobody for anything of its own accord."""
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")


@dataclass
class Recorder:
    """What happened in a page beside what was asked for."""

    requests: list[str] = field(default_factory=list)
    """Addresses, in order; those of the page itself too."""
    errors: list[str] = field(default_factory=list)
    """Errors in the browser's console, and exceptions that no script caught."""
    dialogs: list[str] = field(default_factory=list)
    """What alert(), confirm() and prompt() said. Each is dismissed."""

    def watch(self, page: Page) -> None:
        """From now on."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        page.on("dialog", self._dismiss)

    def elsewhere(self, origin: str) -> list[str]:
        """The requests that did not go to this origin; data: and blob: stay in the browser."""
        return [url for url in self.requests if not url.startswith((f"{origin}/", "data:", "blob:"))]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    async def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        await dialog.dismiss()


@pytest.fixture(scope="session")
def executable() -> Path:
    """Chromium; asked for before an event loop runs, which the question needs."""
    found = chromium()
    if found is None:
        pytest.fail(MISSING)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(executable: Path) -> AsyncIterator[Browser]:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=executable, args=[*QUIET, *as_root])
        yield started
        await started.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, recorder: Recorder) -> AsyncIterator[Page]:
    """An empty page of 1280 by 800, in English, watched by `recorder`."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-CA")
    opened = await context.new_page()
    recorder.watch(opened)
    yield opened
    await context.close()


async def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA on the page as it stands, a sentence for each place."""
    await page.evaluate(_axe())  # by the debugger, which a Content-Security-Policy doesn't hold back
    found: dict[str, Any] = await page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", list(WCAG)
    )
    return [
        f"{violation['id']}: {violation['help']}, at {' '.join(map(str, node['target']))}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
