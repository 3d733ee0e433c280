"""What strangers write, in a real browser: no page of ours executes or fetches any of it.

The collection comes in by SMTP from a listed sender, so that each attack is a case; what it says stands in lists, on its
page, in frames, and in the text of what is sent.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest_asyncio

from gateway.clock import SystemClock
from gateway.model.case import ContactKind
from gateway.model.contact import Contact
from gateway.model.people import Role
from tests.support.gateway import running_gateway, write_configuration
from tests.support.hostile_content import BEACON, CALL, CONTENT, MARKUP, WORDS
from tests.support.hostile_content import page as as_page
from tests.support.mta import ScriptedMTA
from tests.support.visitors import PASSWORD, account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    import pytest
    from playwright.async_api import Page

    from tests.support.browser import Recorder
    from tests.support.gateway import Running

CONSOLE = 'listen = "127.0.0.1:0"\nsecond_factor = "optional"'
UNFOLD = """async () => {
  document.querySelectorAll("details:not([name])").forEach(one => one.open = true);
  const frames = [...document.querySelectorAll("iframe")];
  await Promise.all(frames.map(one => new Promise(done => {
    one.addEventListener("load", done, {once: true}); one.loading = "eager"; one.src = one.src;
  })));
}"""
"""Everything is unfolded, and every frame has loaded."""


def in_one(pages: Iterable[str]) -> bytes:
    """A message with each of these as a body of its own."""
    top = f'From: {WORDS} <a@mission.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_b"\r\n'
    bodies = (f"\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{as_page(one)}" for one in pages)
    return f"{top}{''.join(bodies)}\r\n--=_b--\r\n".encode()


BODIES = 20
"""That are shown of one message."""
MESSAGES = {name: content for name, content in CONTENT.items() if not name.startswith("HTML: ")} | {
    f"HTML from no. {first}": in_one(islice(MARKUP.values(), first, first + BODIES))
    for first in range(0, len(MARKUP), BODIES)
}
"""The collection, its pages together in few messages."""


@dataclass(frozen=True, slots=True)
class Besieged:
    """A console with a case for each piece of the collection. `cases` are their references, by name."""

    gateway: Running
    origin: str
    cases: Mapping[str, str]


@asynccontextmanager
async def besieged(directory: Path, database: str) -> AsyncIterator[Besieged]:
    next_hop, smarthost = await ScriptedMTA().start(), await ScriptedMTA().start()
    path = write_configuration(
        directory, next_hop=next_hop.port, smarthost=smarthost.port, url=database, console=CONSOLE
    )
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        await account(running.desk, "anna", [Role.ADMINISTRATOR])
        yield Besieged(running, f"http://127.0.0.1:{running.console}", await _attacked(running))
    await next_hop.stop()
    await smarthost.stop()


async def _attacked(gateway: Running) -> Mapping[str, str]:
    """Each message is the only one of a sender of its own."""
    dialogue = await gateway.client()
    for number, content in enumerate(MESSAGES.values()):
        whole = content if content.endswith(b"\r\n") else content + b"\r\n"
        await dialogue.mail(f"no{number}@mission.example", ["desk@police.example"], whole, expect="250")
    await dialogue.say("QUIT", "221")
    senders = {file.case.reverse_path: file.case.reference for file in await gateway.cases()}
    return {name: senders[f"no{number}@mission.example"] for number, name in enumerate(MESSAGES)}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def siege(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> AsyncIterator[Besieged]:
    directory = tmp_path_factory.mktemp("besieged")
    (directory / "liaison.db").write_bytes(sqlite_template.read_bytes())
    async with besieged(directory, f"sqlite:///{directory}/liaison.db") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def reader(page: Page, siege: Besieged) -> Page:
    """Somebody who may see everything, and has signed in."""
    await page.goto(f"{siege.origin}/sign-in")
    await page.fill("[name=name]", "anna")
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    await page.wait_for_url(f"{siege.origin}/")
    return page


async def test_the_collection_bites_where_nothing_protects(page: Page, recorder: Recorder) -> None:
    await page.route("**", lambda route: route.abort())
    for name in ("script", "onerror", "ontoggle", "onbegin", "frame with its document"):
        async with page.expect_event("dialog"):
            await page.set_content(MARKUP[name], wait_until="domcontentloaded")
    for name in ("image", "frame", "video", "svg image"):
        async with page.expect_request(lambda request: request.url.startswith(BEACON)):
            await page.set_content(MARKUP[name], wait_until="domcontentloaded")
    assert recorder.dialogs == ["executed"] * 5
    assert recorder.elsewhere("http://127.0.0.1")


async def test_no_page_of_a_case_executes_or_fetches_anything(
    reader: Page, recorder: Recorder, siege: Besieged
) -> None:
    seen: dict[str, list[str]] = {}
    frames = 0
    for name, reference in siege.cases.items():
        seen[name] = await harm(reader, recorder, f"{siege.origin}/cases/{reference}")
        frames += len(reader.frames) - 1
        assert WORDS in await reader.locator("main").inner_text(), name
    assert {name: found for name, found in seen.items() if found} == {}
    assert frames >= len(MARKUP)


async def test_no_other_page_executes_or_fetches_what_strangers_wrote(
    reader: Page, recorder: Recorder, siege: Besieged
) -> None:
    written, chosen = await by_hand(siege.gateway), ("subject", "display name", "plain text", "attached message")
    sent = [item for item in await siege.gateway.items() if item.case_reference in map(siege.cases.get, chosen)]
    assert {"report", "notice"} <= {item.purpose for item in sent}
    script = quote(f"<script>{CALL}</script>")
    addresses = [
        *("/", "/cases", "/cases?page=2", f"/cases?q={script}&mission={script}", "/outbox", "/audit"),
        *(f"/audit?actor={script}&subject={script}", f"/senders?q={script}", f"/cases/{written}"),
        *(f"/cases/{item.case_reference}/sent/{item.id}" for item in sent),
    ]
    for name in chosen:
        case = f"/cases/{siege.cases[name]}"
        addresses += [f"{case}/source", f"{case}/draft/report", f"/senders/add?case={siege.cases[name]}"]
    addresses += [f"/cases/{siege.cases['attached message']}?message=2"]
    seen = {address: await harm(reader, recorder, f"{siege.origin}{address}") for address in addresses}
    assert {address: found for address, found in seen.items() if found} == {}


async def by_hand(gateway: Running) -> str:
    """A call from somebody with a hostile name, with a hostile note on it; its reference."""
    hostile = f"<script>{CALL}</script><img src={BEACON}.png>"
    contact = Contact(
        kind=ContactKind.PHONE,
        at=SystemClock().now() - timedelta(hours=1),
        asked=hostile,
        who=hostile,
        role=hostile,
        mission=hostile,
        approached=hostile,
        answered=hostile,
        note=hostile,
    )
    desk = gateway.desk
    case = await desk.contacts.record(contact, desk.rulebooks.current, report=True, actor="test")
    await desk.casework.note(case.reference, hostile, actor="test")
    return case.reference


async def harm(page: Page, recorder: Recorder, address: str) -> list[str]:
    """What ran, what was fetched from elsewhere, and what the browser had to forbid, once all is unfolded."""
    for heard in (recorder.requests, recorder.errors, recorder.dialogs):
        heard.clear()
    answer = await page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    await page.evaluate(UNFOLD)
    return [*recorder.dialogs, *recorder.errors, *recorder.elsewhere("/".join(address.split("/")[:3]))]
