"""The pages for the office: outbox, mode, audit log, statistics, status; and who may use them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest

from gateway.model.outbox import Purpose, new_item
from gateway.model.people import Role
from tests.console.test_cases import received
from tests.support.clocks import NOON
from tests.support.records import an_item

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The pages are the same on both databases; their questions are tested on both elsewhere."""
    return sqlite_url


async def test_an_operator_pauses_and_resumes_the_outbox_and_sees_no_content(gateway: Running, visit: Visit) -> None:
    otto = await visit(Role.OPERATOR)
    await otto.get("/outbox")
    await otto.post("/outbox/pause", reason="the smarthost moves")
    assert otto.told == "Done: Paused: nothing of ours leaves, on any node, until somebody resumes it."
    assert "the smarthost moves" in otto.text
    await received(gateway, subject="Never to be seen")
    await otto.get("/outbox?state=waiting&purpose=report")
    assert "collation@ildc.example" in otto.text
    assert "Never to be seen" not in otto.text
    (report,) = [item for item in await gateway.items() if item.purpose == "report"]
    await otto.get(f"/outbox/{report.id}")
    await otto.post(f"/outbox/{report.id}/cancel")
    assert otto.told == f"Done: {report.id} is cancelled: it is not tried any more."
    await otto.post(f"/outbox/{report.id}/retry")
    assert otto.told == f"Not done: {report.id} is cancelled: it is not sent again"
    await otto.post("/outbox/resume")
    assert otto.told.startswith("Done: Mail of ours leaves again")
    await otto.post("/outbox/retry-failed")
    assert otto.told == "Done: Failed items that are tried again: 0."
    await otto.get("/outbox/nothing")
    assert otto.status == 404


async def test_to_cancel_what_may_have_arrived_promises_nothing(gateway: Running, visit: Visit) -> None:
    decline = new_item("a-decline", Purpose.DECLINE, "a@mission.example", None, now=NOON, requested_by="test")
    async with gateway.desk.store.begin() as work:
        await work.outbox.add([decline])
        await work.outbox.put_in_doubt("restored")
        await work.audit.append("test", "decline-uncertain", decline.id, {})
    otto = await visit(Role.OPERATOR)
    await otto.get(f"/outbox/{decline.id}")
    assert "never sent" not in otto.text
    assert "It is not sent again. It may have been delivered: nobody can know." in otto.text


async def test_the_mode_is_lowered_and_restored_by_those_who_may(gateway: Running, visit: Visit) -> None:
    otto, rita = await visit(Role.OPERATOR), await visit(Role.REVIEWER)
    await otto.get("/mode")
    await otto.post("/mode", mode="observe")
    assert otto.told == "Done: The mode is observe now, everywhere within two seconds."
    assert await gateway.desk.modes.current() == "observe"
    await otto.post("/mode", mode="warp")
    assert otto.told == "Not done: Choose a mode"
    await rita.get("/mode")
    assert "Your role does not set the mode." in rita.text
    await rita.post("/mode", mode="auto")
    assert rita.status == 403


async def test_a_day_that_is_none_is_named_and_exports_no_whole_audit_log(visit: Visit) -> None:
    alba = await visit(Role.AUDITOR)
    await alba.get("/audit?since=31%2F12%2F2026")
    assert "'31/12/2026' is no day, and filters nothing; one looks like 2027-05-31" in alba.text
    await alba.post("/audit/export", since="31/12/2026")
    assert (alba.address, alba.told[:34]) == ("/audit?since=31%2F12%2F2026", "Not done: '31/12/2026' is no day, ")
    await alba.get("/audit?since=2026-12-31")
    assert "filters nothing" not in alba.text


async def test_the_audit_log_is_read_filtered_verified_and_exported(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    alba = await visit(Role.AUDITOR)
    await alba.get("/audit")
    assert reference in alba.text
    await alba.get(f"/audit?subject={reference}&action=case-recorded&since=2000-01-01&until=nonsense&before=x")
    assert alba.page.count('<th scope="row" class="number">') == 1
    await alba.get(f"/audit?subject={reference}&action=case-recorded&since=0001-01-01&until=9999-12-31")
    assert alba.page.count('<th scope="row" class="number">') == 1
    await alba.post("/audit/verify")
    async with asyncio.timeout(20):
        while "The chain holds up to row" not in await alba.get("/audit"):
            await asyncio.sleep(0.1)
    answer = await alba.client.post("/audit/export", data={"form_token": alba.form_token})
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert {"seq", "at", "actor", "action", "subject", "detail", "previous", "hash"} == set(rows[0])
    assert "case-recorded" in {row["action"] for row in rows}
    rita = await visit(Role.REVIEWER)
    await rita.get("/audit")
    assert rita.status == 403


async def test_the_outbox_comes_in_pages_each_mail_once(gateway: Running, visit: Visit) -> None:
    otto = await visit(Role.OPERATOR)
    await otto.get("/outbox")
    await otto.post("/outbox/pause")
    async with gateway.desk.store.begin() as work:  # all made at one moment: the order is that of the ids
        made = await work.outbox.add([an_item(None, Purpose.DIGEST) for _ in range(150)])
        for item in made:
            await work.audit.append("test", "digest-written", item.id, {})
    await otto.get("/outbox?purpose=digest&page=2")
    assert "150 mails" in otto.text
    assert "Page 2 of 2" in otto.text
    seen = re.findall(r'href="/outbox/(item-\d+)"', otto.page)
    await otto.get(re.findall(r'rel="prev" href="([^"]+)"', otto.page)[0].replace("&amp;", "&"))
    seen += re.findall(r'href="/outbox/(item-\d+)"', otto.page)
    assert (len(seen), set(seen)) == (150, {item.id for item in made})
    for odd in ("0", "-1", "x", "9" * 40):
        await otto.get(f"/outbox?page={odd}")
        assert otto.status == 200


async def test_statistics_and_status_are_numbers_only(gateway: Running, visit: Visit) -> None:
    await received(gateway, 2, subject="Never to be seen")
    otto = await visit(Role.OPERATOR)
    await otto.get("/statistics?months=3")
    assert "2 contacts in these months." in otto.text
    kinds = re.search(r'<h2 id="by-kind">.*?</table>', otto.page, re.DOTALL)
    assert kinds is not None
    numbers = dict(re.findall(r'<th scope="row">([^<]*)</th><td class="number">(\d+)</td>', kinds[0]))
    assert (numbers["mail"], numbers["telephone"]) == ("2", "0")
    await otto.get("/statistics?months=x")
    assert otto.status == 200
    await otto.get("/status")
    assert "Never to be seen" not in otto.text
    assert "officer@" not in otto.text
    assert "SQLite" in otto.text or "sqlite" in otto.text


async def test_the_outbox_shows_what_needs_somebody_first_and_counts_all(gateway: Running, visit: Visit) -> None:
    otto = await visit(Role.OPERATOR)
    await otto.get("/outbox")
    await otto.post("/outbox/pause")
    await received(gateway, 3)
    (report, *_) = [item for item in await gateway.items() if item.purpose == "report"]
    await gateway.desk.outboxkeeping.cancel(report.id, actor="test")
    every = await gateway.desk.outboxkeeping.page(None, None, 1, 4)
    assert [item.state for item in every.items] == ["waiting"] * 4
    assert (every.count(None, None), every.count(None, Purpose.REPORT), every.pages) == (6, 3, 2)
    rest = await gateway.desk.outboxkeeping.page(None, None, 9, 4)
    assert (rest.number, [item.state for item in rest.items]) == (2, ["waiting", "cancelled"])
    assert {item.id for item in (*every.items, *rest.items)} == {item.id for item in await gateway.items()}
    await otto.post(f"/outbox/{every.items[0].id}/retry")
    assert f"{every.items[0].id} is tried again when the outbox is no longer paused." in otto.text
    await otto.get("/outbox?state=cancelled&purpose=report")
    assert "1 mail" in otto.text
    assert report.id in otto.page
    await otto.get("/outbox?state=nonsense&purpose=nonsense")
    assert "6 mails" in otto.text
