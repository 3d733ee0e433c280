"""The pages of cases: the first page, the list, one case and its verbs, contacts by hand; for each role what it may."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.model.case import CaseStatus
from gateway.model.outbox import OutboxState, Purpose, new_item
from gateway.model.people import Role
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

DESK = "desk@police.example"


def letter(number: int, subject: str = "Request for assistance", body: str = "Please send the file.") -> bytes:
    return (
        f"From: Liaison Officer <officer@mission.example>\r\nTo: {DESK}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{number}@mission.example>\r\n\r\n{body}\r\n"
    ).encode()


async def received(gateway: Running, number: int = 1, **said: str) -> list[str]:
    """So many listed messages; the references of their cases, the oldest first."""
    for one in range(number):
        await gateway.send("officer@mission.example", [DESK], letter(one, **said))
    return [file.case.reference for file in reversed(await gateway.cases())]


async def test_the_first_page_says_what_needs_a_person_and_each_number_leads_to_as_many_cases(
    gateway: Running, visit: Visit
) -> None:
    await received(gateway, 3)
    rita = await visit(Role.REVIEWER)
    counts = re.findall(r'<li><a href="(/cases[^"]*)"><strong>(\d+)</strong>', rita.page)
    assert counts
    for address, number in counts:
        await rita.get(address.replace("&amp;", "&"))
        assert f"{number} case" in rita.text
    assert "Request for assistance" in rita.text


async def test_a_closed_case_is_not_shown_as_one_to_decide(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    rita = await visit(Role.REVIEWER)
    await rita.get("/cases")
    assert 'class="tag warn">to decide</span>' in rita.page
    await gateway.desk.casework.dismiss(reference, "a resident", actor="test:clerk")
    await rita.get("/cases")
    assert 'class="tag">not sent</span>' in rita.page
    assert 'class="tag warn">to decide</span>' not in rita.page


async def test_mail_of_ours_that_failed_needs_a_person_and_leads_to_the_outbox(gateway: Running, visit: Visit) -> None:
    beside_those_of_cases = set(Purpose) - {Purpose.DECLINE, Purpose.REPORT}
    async with gateway.desk.store.begin() as work:
        for purpose in beside_those_of_cases:
            item = new_item(f"a-{purpose}", purpose, DESK, None, now=NOON, requested_by="test")
            await work.outbox.add([item])
            await work.outbox.settle(item.id, state=OutboxState.FAILED, reply="550 no")
            await work.audit.append("test", f"{purpose}-failed", item.id, {})
    rita = await visit(Role.REVIEWER)
    told = re.findall(r'<a href="(/outbox\?state=failed&amp;purpose=[^"]*)"><strong>1</strong> (\w+) failed', rita.page)
    assert {name.lower() for _, name in told} == beside_those_of_cases
    for address, name in told:
        await rita.get(address.replace("&amp;", "&"))
        assert f"a-{name.lower()}" in rita.page
        assert "1 mail" in rita.text


async def test_a_report_that_is_overdue_stands_on_the_first_page_and_leads_to_its_case(
    gateway: Running, visit: Visit
) -> None:
    """The collation address's server refuses: what was asked for a moment ago is late when that moment is all it gets."""
    gateway.smarthost.script = lambda stage, _: "554 5.7.1 no" if stage.startswith("MAIL") else None
    (reference,) = await received(gateway)
    rita = await visit(Role.REVIEWER)
    assert "Report overdue" not in rita.text
    gateway.service.obey(replace(gateway.settings, alerts=replace(gateway.settings.alerts, report_overdue=0.01)))
    await rita.get("/")
    assert "1 Report overdue" in rita.text
    (address,) = re.findall(r'<a href="([^"]*)"><strong>1</strong> Report overdue', rita.page)
    await rita.get(address.replace("&amp;", "&"))
    assert reference in rita.text
    gateway.service.obey(gateway.settings)
    await rita.get(address.replace("&amp;", "&"))
    assert "No case is like that." in rita.text


async def test_nothing_to_do_is_said_in_words(visit: Visit) -> None:
    rita = await visit(Role.REVIEWER)
    assert "Nothing to do: no case, entry or exemption waits for anybody." in rita.text
    assert "No mail was flagged yet" in rita.text


async def test_a_case_is_found_by_any_of_its_words_and_by_filters(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway, subject="Visit of a delegation")
    rita = await visit(Role.REVIEWER)
    for query, found in (
        ("q=DELEGATION+officer%40mission", True),
        (f"q={reference.lower()}", True),
        ("q=delegation+embassy", False),
        ("tier=unverified&status=open&delivery=held", True),
        ("tier=confirmed", False),
        ("since=2000-01-01&until=2999-01-01&kind=mail", True),
        ("since=2999-01-01", False),
        ("since=0001-01-01&until=9999-12-31", True),
        ("assigned=-", True),
        ("entry=mission.example&mission=Embassy+of+Example", True),
        ("tier=nonsense&since=never&page=99&sort=x", True),
        ("q=%25", False),
    ):
        await rita.get(f"/cases?{query}")
        assert rita.status == 200
        assert (reference in rita.page) is found, query


async def test_a_filter_that_means_nothing_is_named_and_nothing_is_done_to_all_of_its_list(
    gateway: Running, visit: Visit
) -> None:
    """Who types 31/12/2026 sees every case, and would dismiss every case."""
    references = await received(gateway, 2)
    rita = await visit(Role.REVIEWER)
    await rita.get("/cases?since=31%2F12%2F2026&tier=nonsense")
    assert "'31/12/2026' is no day, and filters nothing; one looks like 2027-05-31" in rita.text
    assert "'nonsense' is nothing that cases are filtered by" in rita.text
    assert ("2 cases" in rita.text, "with these filters" in rita.text) == (True, False)
    for path in ("confirm", "do"):
        await rita.get("/cases")
        await rita.post(f"/bulk/{path}", verb="dismiss", scope="all", since="31/12/2026", number="2")
        assert rita.told.startswith("Not done: '31/12/2026' is no day")
    await rita.post("/bulk/do", verb="close", scope="these", reference=references[:1], since="31/12/2026")
    assert rita.told == "Done: Close. Cases: 1."
    await rita.get("/cases?since=0001-01-01&tier=unverified&hold=no&assigned=-")
    assert "filters nothing" not in rita.text


async def test_the_page_of_a_case_says_why_shows_the_message_and_writes_that_down(
    gateway: Running, visit: Visit
) -> None:
    (reference,) = await received(gateway, body="The body \u202eof the message")
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{reference}")
    assert "RFC5322.From officer@mission.example is listed" in rita.text
    assert "The body" in rita.text
    assert '<span class="invisible">⟦RLO⟧</span>' in rita.page
    async with gateway.desk.store.reading() as work:
        seen = [entry for entry in await work.audit.entries(subject=reference) if entry.action == "content-viewed"]
    assert [(one.actor, one.detail["part"]) for one in seen] == [(f"console:{rita.name}", "text")]


async def test_operators_and_list_administrators_can_not_read_a_message(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway, body="A secret sentence")
    for role in (Role.OPERATOR, Role.LIST_ADMINISTRATOR):
        otto = await visit(role)
        for path in ("", "/source", "/frame/0", "/download", "/draft/decline", "/draft/report"):
            await otto.get(f"/cases/{reference}{path}")
            assert (otto.status, "secret sentence" in otto.page) == (403, False), path
        for verb in ("decline", "release", "close", "note", "download", "export"):
            await otto.get("/")
            await otto.post(f"/cases/{reference}/{verb}")
            assert otto.status == 403, verb
        await otto.get("/cases")
        assert otto.status == 403
        await otto.get("/")
        assert "Request for assistance" not in otto.page


async def test_an_auditor_reads_and_decides_nothing(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    alba = await visit(Role.AUDITOR)
    await alba.get(f"/cases/{reference}")
    assert "Your role reads cases and decides none." in alba.text
    await alba.post(f"/cases/{reference}/close")
    assert alba.status == 403


async def test_after_a_verb_the_next_open_case_is_shown(gateway: Running, visit: Visit) -> None:
    first, second, third = await received(gateway, 3)
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{first}")
    await rita.post(f"/cases/{first}/close")
    assert (rita.address, rita.told) == (f"/cases/{second}", f"Done: {first} is closed. Copies that stay held: 1.")
    await rita.post(f"/cases/{second}/dismiss", reason="a test")
    assert rita.address == f"/cases/{third}"
    await rita.post(f"/cases/{third}/silence")
    assert rita.address == "/cases"


async def test_every_verb_does_what_it_says(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    rita = await visit(Role.REVIEWER)
    for verb, fields, told in (
        ("note", {"text": "They called, too."}, f"The note stands on {reference}."),
        ("assign", {"person": rita.name}, f"{reference} is assigned to {rita.name}."),
        ("decline", {}, f"{reference}: the decline was asked for."),
        ("release", {"recipient": DESK}, f"{reference}: releases asked for: 1."),
        ("silence", {"reason": "enough"}, f"{reference} is silenced: no decline will be sent."),
        ("close", {}, f"{reference} is closed."),
        ("reopen", {"reason": "more"}, f"{reference} is open again."),
        ("dismiss", {"reason": "no mission"}, f"{reference} is dismissed."),
    ):
        await rita.get(f"/cases/{reference}")
        version = re.search(r'name="expected" value="(\d+)"', rita.page)
        assert version is not None
        await rita.post(f"/cases/{reference}/{verb}", {"expected": version[1], **fields})
        assert rita.told == f"Done: {told}", verb
        if verb == "decline":
            await declined(gateway)  # or silencing the case would cancel it
    await rita.get(f"/cases/{reference}")
    assert "They called, too." in rita.text


async def declined(gateway: Running) -> None:
    """Until the decline has left."""
    async with asyncio.timeout(10):
        while not any(message.reverse_path == "" for message in gateway.smarthost.messages):
            await asyncio.sleep(0.05)


async def test_the_second_of_two_people_is_told_who_was_quicker(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    rita, sam = await visit(Role.REVIEWER), await visit(Role.REVIEWER)
    versions = []
    for one in (rita, sam):
        await one.get(f"/cases/{reference}")
        found = re.search(r'name="expected" value="(\d+)"', one.page)
        assert found is not None
        versions.append(found[1])
    await rita.post(f"/cases/{reference}/close", expected=versions[0])
    await sam.post(f"/cases/{reference}/dismiss", expected=versions[1], reason="x")
    assert sam.told.startswith(f"Not done: console:{rita.name} was quicker with {reference}: closed it")


async def test_what_is_refused_is_a_sentence_on_the_page_of_the_form(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{reference}")
    await rita.post(f"/cases/{reference}/release")
    assert (rita.address, rita.told) == (f"/cases/{reference}", "Not done: Choose at least one recipient")
    await rita.post(f"/cases/{reference}/note", text="  ")
    assert rita.told == "Not done: A note needs some text"
    await rita.get("/cases/LG-NONE-NONE")
    assert (rita.status, "There is no case LG-NONE-NONE" in rita.text) == (404, True)


async def test_one_verb_for_many_cases_says_how_many_before_and_which_refused_after(
    gateway: Running, visit: Visit
) -> None:
    references = await received(gateway, 4)
    rita = await visit(Role.REVIEWER)
    await rita.get("/cases?status=open")
    await rita.post("/bulk/confirm", verb="close", scope="these", reference=references[:2], status="open")
    assert rita.heading == "Close: 2 cases"
    await rita.post("/bulk/do", verb="close", scope="these", reference=references[:2], status="open")
    assert (rita.address, rita.told) == ("/cases?status=open", "Done: Close. Cases: 2.")
    await rita.post("/bulk/confirm", verb="close", scope="all", status="")
    assert rita.heading == "Close: 4 cases"
    await rita.post("/bulk/do", verb="close", scope="all", number="3", status="")
    assert "There were 3 cases, and now there are 4" in rita.told
    await rita.post("/bulk/do", verb="close", scope="all", number="4", status="")
    assert "2 cases are done." in rita.text
    assert f"{references[0]} is closed already" in rita.text
    assert {file.case.status for file in await gateway.cases()} == {CaseStatus.CLOSED}
    await rita.get("/cases")
    await rita.post("/bulk/confirm", verb="close", scope="these")
    assert rita.told == "Not done: No case was chosen"
    await rita.post("/bulk/confirm", verb="explode", scope="all")
    assert rita.told == "Not done: Choose what is to be done"


async def test_what_somebody_decided_since_the_list_was_shown_is_not_decided_again_with_many(
    gateway: Running, visit: Visit
) -> None:
    references = await received(gateway, 3)
    rita = await visit(Role.REVIEWER)
    await rita.get("/cases")
    await gateway.desk.casework.note(references[1], "Looks harmless.", actor="test:sam")
    await gateway.desk.casework.assign(references[2], rita.name, actor="test:sam")
    (seen,) = re.findall(r'name="expected" value="(\d+)"', rita.page)
    await rita.post("/bulk/confirm", verb="release", scope="these", reference=references, expected=seen)
    assert re.findall(r'name="expected" value="(\d+)"', rita.page) == [seen]
    await rita.post("/bulk/do", verb="release", scope="these", reference=references, expected=seen)
    assert "2 cases are done." in rita.text
    assert f"test:sam was quicker with {references[2]}: assigned it" in rita.text


async def test_a_contact_by_telephone_becomes_a_case(gateway: Running, visit: Visit) -> None:
    rita = await visit(Role.REVIEWER)
    await rita.get("/cases/record")
    fields = {"kind": "phone", "at": "2026-05-06T14:30", "who": "Mr. X", "asked": "An address"}
    await rita.post("/cases/record", {**fields, "asked": " "})
    assert (rita.status, "What was asked has to be said" in rita.told, "Mr. X" in rita.page) == (400, True, True)
    await rita.post("/cases/record", {**fields, "at": "tomorrow"})
    assert "'tomorrow' is no day and time" in rita.told
    await rita.post("/cases/record", {**fields, "at": "2026-05-06T16:30+02:00", "report": "yes"})
    (file,) = await gateway.cases()
    assert rita.told == f"Done: The contact is recorded as {file.case.reference}."
    assert "An address" in rita.text
    assert (file.case.kind, file.case.received_at.isoformat()) == ("phone", "2026-05-06T14:30:00+00:00")


async def test_a_contact_whose_form_is_sent_twice_is_one_case_with_one_report(gateway: Running, visit: Visit) -> None:
    """A double click sends it twice, and so does who goes back and doesn't trust the first time."""
    rita = await visit(Role.REVIEWER)
    await rita.get("/cases/record")
    (once,) = re.findall(r'name="once" value="(\w+)"', rita.page)
    fields = {"kind": "phone", "at": "2026-05-06T14:30", "who": "Mr. X", "asked": "An address", "report": "yes"}
    sent = {**fields, "once": once, "form_token": rita.form_token}
    answers = await asyncio.gather(*(rita.client.post("/cases/record", data=sent) for _ in range(2)))
    (file,) = await gateway.cases()
    assert {str(answer.url.path) for answer in answers} == {f"/cases/{file.case.reference}"}
    assert [item.purpose for item in await gateway.items()] == [Purpose.REPORT]
    await rita.get("/cases/record")
    await rita.post("/cases/record", {**sent, "asked": "Another address"})
    await rita.get("/cases/record")
    assert once not in rita.page
    assert len(await gateway.cases()) == 2


async def test_a_note_and_an_answer_whose_form_is_sent_twice_stand_once(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{reference}")
    for verb, fields in (("note", {"text": "Heard."}), ("answer", {"answered": "Noted.", "on": "2026-01-31"})):
        sent = {**fields, "form_token": rita.form_token}
        await asyncio.gather(*(rita.client.post(f"/cases/{reference}/{verb}", data=sent) for _ in range(3)))
    for text in ("Not so.", "Heard."):
        await rita.post(f"/cases/{reference}/note", text=text)
    (file,) = await gateway.cases()
    assert [note.text for note in file.notes] == ["Heard.", "Not so.", "Heard."]
    async with gateway.desk.store.reading() as work:
        assert len(await work.answers.of(file.case.stored_id)) == 1


async def test_the_exact_text_is_shown_before_and_after_it_is_sent(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway)
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{reference}/draft/decline")
    assert "A draft: nothing was sent." in rita.text
    assert "Auto-Submitted: auto-replied" in rita.text
    assert [item for item in await gateway.items() if item.purpose == "decline"] == []
    (report,) = [item for item in await gateway.items() if item.purpose == "report"]
    await rita.get(f"/cases/{reference}/sent/{report.id}")
    assert "collation@ildc.example" in rita.text
    await rita.get(f"/cases/{reference}/sent/nothing")
    assert rita.status == 404


async def test_the_original_and_the_archive_are_files_that_no_browser_opens(gateway: Running, visit: Visit) -> None:
    (reference,) = await received(gateway, body="<script>alert(1)</script>")
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{reference}/download")
    token = {"form_token": rita.form_token}
    answer = await rita.client.post(f"/cases/{reference}/download", data=token)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{reference}.eml"'
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content == await gateway.desk.casework.original(reference)
    answer = await rita.client.post(f"/cases/{reference}/export", data=token)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read(f"cases/{reference}/original.eml") == await gateway.desk.casework.original(reference)
        assert {"SHA256SUMS", "verify.py", f"cases/{reference}/audit.jsonl"} < set(archive.namelist())
