"""The browser of the tests itself: it starts, hears what pages do, and finds what is not accessible."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.browser import violations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from tests.support.browser import Recorder

GOOD = b"""<!doctype html><html lang="en"><head><title>A page</title></head>
<body><main><h1>A page</h1><p>Some text.</p><img src="/dot.png" alt="A dot"></main></body></html>"""
BAD = b"""<!doctype html><html><head><title>A page</title></head><body><main><h1>A page</h1>
<img src="/dot.png"><p style="color:#bbb;background:#fff">pale</p><input type="text"></main></body></html>"""
STRICT = b"Content-Security-Policy: default-src 'none'; img-src 'self'\r\n"
LOUD = b"""<!doctype html><html lang="en"><head><title>Loud</title></head><body>
<img src="http://elsewhere.example/dot.png" alt=""><script>alert("here"); console.error("heard"); boom()</script></body></html>"""

PAGES = {b"/good": (STRICT, GOOD), b"/bad": (b"", BAD), b"/strict-and-loud": (STRICT, LOUD), b"/loud": (b"", LOUD)}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
    headers, body = PAGES.get(path, (b"", b""))
    status = b"200 OK" if body else b"404 Not Found"
    length = b"Content-Length: %d\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n" % len(body)
    writer.write(b"HTTP/1.1 " + status + b"\r\n" + length + headers + b"\r\n" + body)
    await writer.drain()
    writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[str]:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    yield f"http://{host}:{port}"
    server.close()


async def test_a_page_without_faults_has_no_violations_also_under_a_strict_policy(page: Page, site: str) -> None:
    await page.goto(f"{site}/good")
    assert await violations(page) == []


async def test_what_is_not_accessible_is_found_and_said_in_words(page: Page, site: str) -> None:
    await page.goto(f"{site}/bad")
    found = await violations(page)
    assert {one.partition(":")[0] for one in found} == {"color-contrast", "html-has-lang", "image-alt", "label"}
    assert all(", at " in one for one in found)


async def test_requests_errors_and_dialogs_are_written_down(page: Page, recorder: Recorder, site: str) -> None:
    await page.route("**://elsewhere.example/**", lambda route: route.abort())
    await page.goto(f"{site}/loud")
    assert recorder.elsewhere(site) == ["http://elsewhere.example/dot.png"]
    assert recorder.dialogs == ["here"]
    assert [one for one in recorder.errors if one == "heard"] == ["heard"]
    assert any("boom" in one for one in recorder.errors)


async def test_a_strict_policy_lets_no_script_run_and_nothing_be_fetched_elsewhere(
    page: Page, recorder: Recorder, site: str
) -> None:
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))
    await page.goto(f"{site}/strict-and-loud")
    assert recorder.dialogs == []
    assert [one for one in answered if not one.startswith(site)] == []


async def test_the_browser_asks_for_nothing_of_its_own_accord(page: Page, recorder: Recorder, site: str) -> None:
    await page.goto(f"{site}/good")
    assert recorder.requests == [f"{site}/good", f"{site}/dot.png"]
