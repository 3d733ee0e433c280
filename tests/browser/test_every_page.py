"""Every page that there is, found from the routes, in both languages: accessible, quiet, and fit for narrow screens.

A page that comes later is tested by itself; a parameter of its address goes into tests/support/furnished.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.browser import Recorder, violations
from tests.support.furnished import CAREFUL, LANGUAGES, addresses, administrator
from tests.support.mta import ScriptedMTA
from tests.support.openid import configure, openid_provider, trusting
from tests.support.visitors import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from tests.support.furnished import Furnished

FRAME = "/cases/{reference}/frame/{number}"
"""No page of ours: a stranger's HTML, cleaned, which stands in one."""
BEFORE = tuple(path for path in addresses() if path.startswith("/sign-in"))
"""What those see who have not signed in."""
INSIDE = (*(path for path in addresses() if path not in {*BEFORE, FRAME}), "/nothing-is-here")
NOT_THERE = ("/nothing-is-here", "/sign-in/provider", "/sign-in/provider/back")
"""What is said in words: there is no such page, and the demo knows no OpenID provider."""
WIDTHS = (390, 640)
"""CSS pixels: a phone, and a screen of 1280 at a zoom of 200 %."""


class Reader:
    """Somebody with a window open, who remembers which page had which title."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.recorder = Recorder()
        self.recorder.watch(page)
        self.titles: dict[str, str] = {}

    async def faults(self, address: str, language: str) -> list[str]:
        """What is wrong with this page, in words."""
        for heard in (self.recorder.requests, self.recorder.errors, self.recorder.dialogs):
            heard.clear()
        await self.page.set_viewport_size({"width": 1280, "height": 800})
        answer = await self.page.goto(f"{self.origin}{address}")
        assert answer is not None
        wanted = 404 if address in NOT_THERE else 200
        noise = "the server responded with a status of 404" if wanted == 404 else "-"
        found = [f"status {answer.status}"] if answer.status != wanted else []
        found += [f"in the console: {one}" for one in self.recorder.errors if noise not in one]
        found += [f"asked elsewhere: {one}" for one in self.recorder.elsewhere(self.origin)]
        found += [f"opened a dialog: {one}" for one in self.recorder.dialogs]
        return [*found, *await self.seen(language), *await self._alike(address)]

    async def seen(self, language: str) -> list[str]:
        """What is wrong with what the window shows now."""
        return [*await self._unreadable(language), *await self._too_wide()]

    async def _unreadable(self, language: str) -> list[str]:
        said = await self.page.locator("html").get_attribute("lang")
        headings = await self.page.locator("h1").count()
        await self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return [
            *([f"it says that its language is {said}"] if said != language else []),
            *([f"it has {headings} first headings"] if headings != 1 else []),
            *await violations(self.page),
        ]

    async def _alike(self, address: str) -> list[str]:
        title = await self.page.title()
        other = self.titles.setdefault(title, address)
        return [f"its title, {title!r}, is that of {other} too"] if other != address else []

    async def _too_wide(self) -> list[str]:
        found = []
        for width in WIDTHS:
            await self.page.set_viewport_size({"width": width, "height": 800})
            if await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found.append(f"it scrolls sideways at {width} pixels")
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=LANGUAGES)
async def reader(
    request: pytest.FixtureRequest, browser: Browser, console: Furnished
) -> AsyncIterator[tuple[Reader, str]]:
    """An administrator, signed in through the form."""
    language = request.param
    context = await browser.new_context(locale=f"{language}-CA")
    page = await context.new_page()
    await page.goto(f"{console.origin}/sign-in")
    await page.fill("[name=name]", administrator(language))
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    await page.wait_for_url(f"{console.origin}/")
    yield Reader(page, console.origin), language
    await context.close()


@pytest.mark.parametrize("path", INSIDE)
async def test_a_page_is_as_a_page_has_to_be(console: Furnished, reader: tuple[Reader, str], path: str) -> None:
    someone, language = reader
    assert await someone.faults(console.address(path), language) == []


@pytest.mark.parametrize("reader", ["fr"], indirect=True)  # the longer words; the other language has the same template
async def test_the_cases_of_each_tier_are_as_pages_have_to_be(console: Furnished, reader: tuple[Reader, str]) -> None:
    someone, language = reader
    cases = {file.case.tier: file.case.reference for file in await console.stage.desk.casework.files()}
    assert len(cases) > 4
    faults = {tier: await someone.faults(f"/cases/{one}", language) for tier, one in cases.items()}
    assert {tier: found for tier, found in faults.items() if found} == {}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", BEFORE)
async def test_a_page_before_signing_in_is_as_a_page_has_to_be(
    browser: Browser, console: Furnished, path: str, language: str
) -> None:
    context = await browser.new_context(locale=f"{language}-CA")
    page = await context.new_page()
    if path == "/sign-in/code":
        await page.goto(f"{console.origin}/sign-in")
        await page.fill("[name=name]", CAREFUL)
        await page.fill("[name=password]", PASSWORD)
        await page.click("main button")
        await page.wait_for_url("**/sign-in/code*")
    assert await Reader(page, console.origin).faults(path, language) == []
    assert page.url == f"{console.origin}{path}"
    await context.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_pages_of_an_openid_provider_are_as_pages_have_to_be(
    browser: Browser, tmp_path: Path, language: str
) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    next_hop, smarthost = await ScriptedMTA().start(), await ScriptedMTA().start()
    async with (
        openid_provider() as provider,
        trusting(provider, tmp_path, url, next_hop, smarthost) as gateway,
        await browser.new_context(locale=f"{language}-CA") as context,
    ):
        origin = f"http://127.0.0.1:{gateway.console}"
        someone = Reader(await context.new_page(), origin)
        found = {"both ways in": await someone.faults("/sign-in", language)}
        await someone.page.click("main a.button")
        await someone.page.wait_for_url("**/sign-in/provider/back*")
        found["who has no account"] = await someone.seen(language)
        configure(gateway, passwords=False)
        found["one way in"] = await someone.faults("/sign-in", language)
    await next_hop.stop()
    await smarthost.stop()
    assert {page: faults for page, faults in found.items() if faults} == {}


async def test_a_message_in_its_frame_asks_for_nothing(console: Furnished, reader: tuple[Reader, str]) -> None:
    someone, _ = reader
    answer = await someone.page.goto(f"{console.origin}{console.address(FRAME)}")
    assert answer is not None
    assert answer.status == 200
    assert someone.recorder.elsewhere(console.origin) == []
    assert someone.recorder.dialogs == []


async def test_a_parameter_that_nobody_filled_in_is_named(console: Furnished) -> None:
    with pytest.raises(LookupError, match=r"^/x/\{y\}: tests/support/furnished.py doesn't know what to put for y"):
        console.address("/x/{y}")
