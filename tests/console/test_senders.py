"""The pages of the sender lists: three steps to an entry, imports line by line, history, exemptions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.model.people import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

LAST_DAY = f"{SystemClock().now() + timedelta(days=30):%Y-%m-%d}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The pages are the same on both databases; their questions are tested on both elsewhere."""
    return sqlite_url


async def values(gateway: Running) -> set[str]:
    return {entry.value for entry in await gateway.desk.listkeeping.entries()}


async def test_an_entry_takes_three_steps_and_is_only_observed_at_first(gateway: Running, visit: Visit) -> None:
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get("/senders/add")
    assert re.search(r'<option value="observe" selected>', anna.page)
    fields = {"kind": "subtree", "value": "Embassy.Example", "mode": "observe", "mission_en": "Embassy of Example"}
    await anna.post("/senders/check", fields)
    assert anna.status == 200
    assert "would have matched 0 messages from 0 senders in 30 days" in anna.text
    assert "embassy.example" not in await values(gateway)
    await anna.post("/senders/add", {**fields, "value": "embassy.example"})
    assert anna.address == "/senders/entry?kind=subtree&value=embassy.example"
    assert anna.told == "Done: embassy.example is on the list, in force within two seconds."
    (entry,) = [one for one in await gateway.desk.listkeeping.entries() if one.value == "embassy.example"]
    assert entry.mode == "observe"


async def test_an_entry_can_be_enforced_at_once_by_another_button(gateway: Running, visit: Visit) -> None:
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get("/senders/add")
    await anna.post("/senders/add", kind="domain", value="embassy.example", mode="observe", enforce="yes")
    (entry,) = [one for one in await gateway.desk.listkeeping.entries() if one.value == "embassy.example"]
    assert entry.mode is None


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("subtree", "gov.cn", "public suffix"),
        ("domain", "police.example", "agency"),
        ("domain", "gmail.com", "public mail"),
        ("subtree", "rcmp-grc.gc.ca", "Canadian"),
        ("", "embassy.example", "kind"),
        ("domain", "", "value"),
        ("address", "no address", "address"),
        ("subtree", "mission.example", "on the list already"),
    ],
)
async def test_what_can_not_be_listed_is_refused_at_the_check_and_at_the_end(
    gateway: Running, visit: Visit, kind: str, value: str, why: str
) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    before = await values(gateway)
    for path in ("/senders/check", "/senders/add"):
        await anna.get("/senders/add")
        await anna.post(path, kind=kind, value=value)
        assert anna.status == 400
        refusal = re.search(r'class="told refused".*?</p>', anna.page, re.DOTALL)
        assert refusal is not None
        assert why.lower() in refusal[0].lower() or why.lower() in anna.text.lower()
    assert await values(gateway) == before


async def test_five_hundred_lines_with_mistakes_are_told_line_by_line_and_added_without_them(
    gateway: Running, visit: Visit
) -> None:
    lines = [f"domain,m{number}.example,Mission {number}" for number in range(497)]
    lines[9], lines[99], lines[199] = (
        "domain,gov.cn,Too wide",
        "subtre,x.example,Misspelt",
        "subtree,mission.example,Stands",
    )
    text = "kind,value,mission_en\n" + "\n".join(
        [*lines, "domain,m5.example,Twice", "domain,,Nothing", ",y.example,No kind"]
    )
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get("/senders/import")
    await anna.post("/senders/import/check", form="csv", text=text)
    assert "Of 500 lines: 494 new, 1 there already, 5 refused." in anna.text
    rows = re.findall(r"<tr><th[^>]*>(\d*)</th><td><span class=\"tag bad\">refused</span>", anna.page)
    assert rows == ["11", "101", "499", "500", "501"]
    before = (await gateway.desk.listkeeping.history())[0].number
    await anna.post("/senders/import", form="csv", text=text)
    assert anna.told.startswith("Not done:")
    assert "m1.example" not in await values(gateway)
    await anna.get("/senders/import")
    await anna.post("/senders/import", form="csv", text=text, without_refused="yes", observe="yes")
    assert anna.told == "Done: Entries added as one version: 494. The history can take it back."
    assert (await gateway.desk.listkeeping.history())[0].number == before + 1
    await anna.get(f"/senders/history/{before + 1}")
    await anna.post(f"/senders/history/{before + 1}/undo")
    assert "m1.example" not in await values(gateway)


async def test_an_unknown_column_is_told_once_and_its_cells_are_not_read(gateway: Running, visit: Visit) -> None:
    text = "kind,value,colour\n" + "".join(f"domain,m{number}.example,red\n" for number in range(20))
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get("/senders/import")
    await anna.post("/senders/import/check", form="csv", text=text)
    assert "Of 21 lines: 20 new, 0 there already, 1 refused." in anna.text
    assert anna.text.count("“colour” is not known") == 1
    await anna.post("/senders/import", form="csv", text=text)
    assert anna.told.startswith("Not done:")


async def test_the_number_of_exemptions_that_end_soon_leads_to_as_many(gateway: Running, visit: Visit) -> None:
    for days in (9, 90):
        await gateway.desk.exempting.grant(
            "mission.example",
            (),
            until=SystemClock().now() + timedelta(days=days),
            approver="x",
            reason="y",
            actor="test",
        )
    anna = await visit(Role.LIST_ADMINISTRATOR)
    ((address, number),) = re.findall(r'<a href="(/exemptions[^"]*)"><strong>(\d+)</strong>', anna.page)
    await anna.get(address)
    assert (number, len(re.findall(r"/exemptions/\w+/end", anna.page))) == ("1", 1)
    assert "Only those that end within 14 days." in anna.text
    await anna.get("/exemptions")
    assert len(re.findall(r"/exemptions/\w+/end", anna.page)) == 2


async def test_who_sees_no_cases_is_not_told_here_who_wrote_in_one(gateway: Running, visit: Visit) -> None:
    message = b"From: Visitor <visitor@embassy.example>\r\nSubject: Hello\r\n\r\nHello.\r\n"
    await gateway.send("visitor@mission.example", ["desk@police.example"], message)
    (case,) = await gateway.cases()
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get(f"/senders/add?case={case.case.reference}")
    assert (anna.status, "visitor@" in anna.page) == (200, False)
    await anna.post("/senders/check", case=case.case.reference, kind="domain", value="elsewhere.example")
    assert (anna.status, "visitor@" in anna.page) == (200, False)
    fields = {"whom": "everybody", "until": "2027-01-01", "approver": "x", "reason": "y"}
    await anna.post(f"/cases/{case.case.reference}/exempt", fields)
    assert (anna.status, "visitor@" in anna.page) == (403, False)
    assert await gateway.desk.exempting.in_force() == []


async def test_a_change_of_no_entry_is_refused(visit: Visit) -> None:
    """Neither form of ours sends it; what a program or an old page sends has an answer too."""
    anna = await visit(Role.LIST_ADMINISTRATOR)
    for path, fields in (("/senders/edit", {}), ("/senders/check", {"editing": "yes", "kind": "tree", "value": "x"})):
        await anna.get("/senders")
        await anna.post(path, fields)
        assert (anna.status, anna.told) == (200, "Not done: No entry is named: that takes its kind and its value")


async def test_the_page_of_a_removed_entry_says_so_and_leads_to_the_version_that_did_it(visit: Visit) -> None:
    anna = await visit(Role.LIST_ADMINISTRATOR)
    page = "/senders/entry?kind=subtree&value=mission.example"
    await anna.get(page)
    await anna.post("/senders/remove", kind="subtree", value="mission.example")
    await anna.get(page)
    assert anna.status == 200
    assert re.search(r"No more on the list since [^<]* version 2, by console:person0", anna.page)
    assert 'href="/senders/history/2"' in anna.page
    assert "/senders/remove" not in anna.page
    await anna.get("/senders/edit?kind=subtree&value=mission.example")
    assert anna.status == 404


async def test_the_sender_of_a_case_is_listed_as_narrowly_or_widely_as_a_person_says(
    gateway: Running, visit: Visit
) -> None:
    message = b"From: Visitor <visitor@embassy.example>\r\nSubject: Hello\r\n\r\nHello.\r\n"
    await gateway.send("visitor@mission.example", ["desk@police.example"], message)
    (case,) = await gateway.cases()
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get(f"/senders/add?case={case.case.reference}")
    assert re.search(r'id="value"[^>]* value="visitor@embassy.example"', anna.page)
    (wider,) = re.findall(r'href="(/senders/add\?[^"]*kind=domain[^"]*embassy.example)"', anna.page)
    await anna.get(wider.replace("&amp;", "&"))
    assert re.search(r'<option value="domain" selected>', anna.page)
    assert re.search(r'id="value"[^>]* value="embassy.example"', anna.page)
    fields = {"case": case.case.reference, "kind": "domain", "value": "embassy.example"}
    await anna.post("/senders/check", fields)
    assert "visitor@embassy.example" in anna.text


async def test_what_a_version_said_is_shown_and_brought_back(gateway: Running, visit: Visit) -> None:
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get("/senders/entry?kind=subtree&value=mission.example")
    await anna.post("/senders/remove", kind="subtree", value="mission.example")
    assert "mission.example" not in await values(gateway)
    await anna.get("/senders/history/1")
    await anna.post("/senders/history/1/restore")
    assert anna.told == "Done: The lists are as they were under version 1."
    assert "mission.example" in await values(gateway)


async def test_an_entry_is_edited_in_place_and_the_second_of_two_people_is_told(gateway: Running, visit: Visit) -> None:
    anna, bert = await visit(Role.LIST_ADMINISTRATOR), await visit(Role.LIST_ADMINISTRATOR)
    fields: dict[str, str | list[str]] = {"kind": "subtree", "value": "mission.example", "mission_en": "Another name"}
    read = []
    for one in (anna, bert):
        await one.get("/senders/edit?kind=subtree&value=mission.example")
        read.append(re.findall(r'name="was" value="([0-9a-f]{64})"', one.page)[0])
    await anna.post("/senders/check", {**fields, "decline": "never", "editing": "yes", "was": read[0]})
    assert anna.page.count(read[0]) == 2
    await anna.post("/senders/edit", {**fields, "decline": "never", "was": read[0]})
    assert anna.told == "Done: mission.example is changed."
    await bert.post("/senders/edit", {**fields, "decline": "auto", "was": read[1]})
    assert bert.told == "Not done: mission.example was changed meanwhile: look at it again"
    (entry,) = [one for one in await gateway.desk.listkeeping.entries() if one.value == "mission.example"]
    assert (entry.mission_en, entry.decline, entry.pack) == ("Another name", "never", "pack")


async def test_an_exemption_is_granted_shown_and_ended(gateway: Running, visit: Visit) -> None:
    anna = await visit(Role.REVIEWER)
    await anna.get("/exemptions")
    fields = {"sender": "mission.example", "until": LAST_DAY, "approver": "Chief", "reason": "a visit"}
    await anna.post("/exemptions", {**fields, "until": "soon"})
    assert (anna.status, "'soon' is no day" in anna.told) == (400, True)
    await anna.post("/exemptions", fields)
    assert anna.told == f"Done: mission.example is exempt until {LAST_DAY}."
    assert f'<td class="when">{LAST_DAY}<br>' in anna.page
    (exemption,) = await gateway.desk.exempting.in_force()
    assert "mail may be held and declined" in anna.text
    await anna.post(f"/exemptions/{exemption.id}/end")
    assert await gateway.desk.exempting.in_force() == []
    over = re.search(r"<h2>Exemptions that are over</h2>.*", anna.page, re.DOTALL)
    assert over is not None
    assert "before its date" in over[0]


async def test_an_export_is_taken_by_an_import(visit: Visit) -> None:
    anna = await visit(Role.AUDITOR)
    await anna.get("/senders")
    for form in ("csv", "pack"):
        answer = await anna.client.post("/senders/export", data={"form_token": anna.form_token, "form": form})
        assert "attachment" in answer.headers["content-disposition"]
        assert "mission.example" in answer.text
    await anna.get("/senders/add")
    assert anna.status == 403


async def test_hostile_values_are_text(visit: Visit) -> None:
    anna = await visit(Role.LIST_ADMINISTRATOR)
    await anna.get("/senders/import")
    await anna.post(
        "/senders/import/check",
        form="csv",
        text='kind,value,mission_en\ndomain,"<script>alert(1)</script>",x\n"\x00,\u202e,"',
    )
    assert "<script>alert" not in anna.page
    await anna.get("/senders?q=%3Cscript%3E&kind=x&mode=x&sort=x&page=-1")
    assert anna.status == 200
    assert "<script>" not in anna.page.replace('<script src="/static/console.js" defer></script>', "")
