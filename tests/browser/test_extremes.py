"""Pages hold what strangers make as long as the standards let them, on wide and on narrow screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.dialogue import Dialogue
from tests.support.furnished import administrator
from tests.support.visitors import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.support.furnished import Furnished

WIDTHS = (1280, 640, 390)
LOCAL = "x" * 60 + "-abc"
"""As long as a local part may be (RFC 5321 §4.5.3.1.1)."""
SENDER = f"{LOCAL}@{'sub.' * 10}mfa.gov.cn"
LETTER = f"""From: "{"Name " * 40}" <{SENDER}>
To: all
Subject: {"U" * 300}
Message-ID: <{"m" * 200}@mfa.gov.cn>

{"W" * 2000}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def extreme(console: Furnished) -> str:
    """The reference of a case with the longest of everything."""
    dialogue = await Dialogue.open(int(console.stage.smtp.rpartition(":")[2]))
    recipients = [f"{'y' * 60}-{number:03}@police.example" for number in range(100)]
    await dialogue.mail(SENDER, recipients, LETTER.replace("\n", "\r\n").encode(), expect="250")
    await dialogue.close()
    files = await console.stage.desk.casework.files()
    return next(file.case.reference for file in files if file.case.reverse_path == SENDER)


@pytest.mark.parametrize(
    "path", ["/", "/cases", "/cases/{}", "/cases/{}/draft/report", "/cases/{}/draft/decline", "/outbox"]
)
async def test_no_page_scrolls_sideways_and_no_row_fills_the_screen(
    page: Page, console: Furnished, extreme: str, path: str
) -> None:
    await sign_in(page, console)
    await page.goto(f"{console.origin}{path.format(extreme)}")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
    await page.set_viewport_size({"width": 1280, "height": 800})
    rows = await page.evaluate("[...document.querySelectorAll('table.cases tbody tr')].map(one => one.offsetHeight)")
    assert max(rows, default=0) < 150


async def test_a_verb_for_many_recipients_speaks_of_many(page: Page, console: Furnished, extreme: str) -> None:
    await sign_in(page, console)
    await page.goto(f"{console.origin}/cases/{extreme}")
    assert await page.get_by_text("Remettre aux destinataires").count() == 1


async def sign_in(page: Page, console: Furnished) -> None:
    await page.goto(f"{console.origin}/sign-in")
    await page.fill("[name=name]", administrator("fr"))
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    await page.wait_for_url(f"{console.origin}/")
