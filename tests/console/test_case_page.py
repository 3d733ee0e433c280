"""The page of a case: who sees what, what is written down, what a verb does, and where one is then."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from datetime import timedelta
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.console.safety import FRAME_POLICY
from gateway.model.case import CaseStatus
from gateway.model.outbox import Purpose
from gateway.model.people import Role
from tests.support.hostile_content import BEACON, CALL, CONTENT, WORDS
from tests.support.tampering import tamper
from tests.support.visitors import words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

ON_ONE = pytest.mark.parametrize("database_url", ["sqlite_url"], ids=["sqlite"], indirect=True)
"""Where the database is not the point."""
HEADER = b"From: Consul <consul@mission.example>\r\nTo: desk@police.example\r\nMIME-Version: 1.0\r\n"
LETTER = HEADER + b"Subject: A meeting\r\n\r\nWe would like to meet.\r\n"
INSIDE = b"From: Someone <else@elsewhere.example>\r\nSubject: What is inside\r\nContent-Type: text/html\r\n\r\n<p>The inside.</p>"
LETTERS_IN_LETTERS = (
    HEADER
    + b'Subject: Forwarded\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    + b"--b\r\nContent-Type: text/html\r\n\r\n<p>See <b>below</b>.</p>\r\n"
    + b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
    + INSIDE
    + b"\r\n--b--\r\n"
)


async def arrived(gateway: Running, content: bytes = LETTER, *recipients: str) -> str:
    """A message of a listed sender; the reference of its case."""
    known = {file.case.reference for file in await gateway.cases()}
    content = content if content.endswith(b"\r\n") else content + b"\r\n"
    await gateway.send("consul@mission.example", list(recipients) or ["desk@police.example"], content)
    return next(file.case.reference for file in await gateway.cases() if file.case.reference not in known)


async def views(gateway: Running, reference: str) -> list[str]:
    """What was looked at, and by whom, in order."""
    async with gateway.desk.store.reading() as work:
        entries = await work.audit.entries(subject=reference)
    return [f"{one.actor} {one.detail['part']}" for one in entries if one.action == "content-viewed"]


async def test_who_may_reads_the_message_and_each_look_at_it_is_written_down(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway, LETTERS_IN_LETTERS)
    anna = await visit(Role.AUDITOR)
    page = await anna.get(f"/cases/{reference}")
    assert (anna.status, anna.heading.split()[0]) == (200, reference)
    assert "See below." in anna.text
    assert "Your role reads cases and decides none." in anna.text
    assert "is listed: mission.example and below" in anna.text
    number = re.findall(r"message=(\d+)#message", page)[0]
    await anna.get(f"/cases/{reference}?message={number}")
    assert "What is inside" in anna.text
    assert "See below." not in anna.text
    for path in ("frame/0", f"frame/0?message={number}", "source", f"source?message={number}", "draft/report"):
        await anna.get(f"/cases/{reference}/{path}")
        assert anna.status == 200, path
    await anna.get(f"/cases/{reference}/download")
    await anna.post(f"/cases/{reference}/download")
    parts = ("text", "text", "html", "html", "source", "source", "draft-report", "download")
    assert await views(gateway, reference) == [f"console:{anna.name} {part}" for part in parts]


@ON_ONE
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.LIST_ADMINISTRATOR])
async def test_who_keeps_lists_or_machines_sees_no_case_and_leaves_no_view(
    gateway: Running, visit: Visit, role: Role
) -> None:
    reference = await arrived(gateway)
    bert = await visit(role)
    item = next(one.id for one in await gateway.items())
    for path in ("", "/frame/0", "/source", "/download", "/draft/decline", f"/sent/{item}"):
        await bert.get(f"/cases/{reference}{path}")
        assert bert.status == 403, path
        assert "meet" not in bert.text
    await bert.get("/")
    for path in ("download", "export", "close", "decline"):
        await bert.post(f"/cases/{reference}/{path}")
        assert bert.status == 403, path
        await bert.get("/")
    assert await views(gateway, reference) == []


async def test_a_case_is_shown_although_the_key_of_its_message_is_lost(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    await tamper(gateway.desk.foundation.store, "UPDATE messages SET key_id = 'lost'")
    rita = await visit(Role.REVIEWER)
    await rita.get(f"/cases/{reference}")
    assert (rita.status, rita.heading.split()[0]) == (200, reference)
    assert "The message can't be opened: its key is missing from the key file, or it was changed" in rita.text
    assert "needs the key 'lost'" in rita.text
    await rita.get(f"/cases/{reference}/source")
    assert (rita.status, rita.heading) == (503, "The message can't be opened")
    dossier = await gateway.desk.casework.show(reference, gateway.desk.rulebooks.current.index)
    assert dossier.objections == (dossier.unreadable,)
    await tamper(gateway.desk.foundation.store, "UPDATE messages SET key_id = ''")  # the key is found again
    await rita.get(f"/cases/{reference}")
    assert "We would like to meet." in rita.text


@ON_ONE
async def test_what_a_browser_is_given_of_a_message_can_do_nothing(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway, CONTENT["HTML: onerror"])
    anna = await visit(Role.REVIEWER)
    page = await anna.get(f"/cases/{reference}")
    assert re.findall(r"<iframe[^>]*>", page)[0].count('sandbox=""') == 1
    assert (CALL in anna.text, BEACON in page, "onerror" in page) == (False, False, False)
    frame = await anna.client.get(f"/cases/{reference}/frame/0")
    assert frame.headers["content-security-policy"] == FRAME_POLICY
    assert "sandbox" in FRAME_POLICY.split("; ")
    assert (WORDS in frame.text, CALL in frame.text) == (True, False)
    await anna.get(f"/cases/{reference}/download")
    files = {}
    for path, name in (("download", f"{reference}.eml"), ("export", f"{reference}.zip")):
        answer = await anna.client.post(f"/cases/{reference}/{path}", data={"form_token": anna.form_token})
        files[path] = answer.content
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
    with zipfile.ZipFile(io.BytesIO(files["export"])) as archive:
        assert archive.read(f"cases/{reference}/original.eml") == files["download"]
    assert files["download"] == await gateway.desk.casework.original(reference)
    assert "console:person0 download" in await views(gateway, reference)


@ON_ONE
async def test_what_is_not_there_is_said_so(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    for path in (
        *("LG-NONE", f"{reference}/frame/0", f"{reference}/frame/%C2%B2", f"{reference}/frame/{'9' * 5000}"),
        *(f"{reference}?message=7", f"{reference}/source?message=x", f"{reference}/draft/notice"),
        *(f"{reference}/draft/x", f"{reference}/sent/none", f"{reference}/sent/%00"),
    ):
        await anna.get(f"/cases/{path}")
        assert (anna.status, anna.heading) == (404, "That is not there"), path


@ON_ONE
async def test_what_would_be_sent_is_what_is_sent(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}/draft/decline")
    assert "A draft: nothing was sent." in anna.text
    draft = body(anna)
    await anna.get(f"/cases/{reference}")
    await anna.post(f"/cases/{reference}/decline", expected=version(anna))
    item = next(one for one in await gateway.items() if one.purpose == "decline")
    await anna.get(f"/cases/{reference}/sent/{item.id}")
    assert "A draft" not in anna.text
    assert body(anna) == draft
    assert (await views(gateway, reference))[-1] == f"console:{anna.name} decline"


@ON_ONE
async def test_each_language_of_a_mail_of_ours_is_marked_where_its_text_is_shown(
    gateway: Running, visit: Visit
) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}/draft/decline")
    marked = re.findall(r'<span lang="(..)">(.*?)</span>', body(anna), re.DOTALL)
    assert [language for language, _ in marked] == ["fr", "en", "fr"]
    announced, english, french = (words for _, words in marked)
    assert announced == "(Le texte français suit le texte anglais.)"
    assert english.startswith("This is an automatic reply from ")
    assert french.startswith("La présente est une réponse automatique ")
    await anna.get(f"/cases/{reference}")
    assert "<span lang" not in body(anna), "a stranger's text is in whichever language"


async def test_after_a_verb_the_next_case_of_the_list_loads(gateway: Running, visit: Visit) -> None:
    references = [await arrived(gateway, LETTER.replace(b"A meeting", b"A meeting %d" % one)) for one in range(4)]
    anna = await visit(Role.REVIEWER)
    await anna.get("/cases?status=open&q=meeting&sort=oldest")
    first = re.findall(r'<a href="(/cases/LG[^"]*)"', anna.page)[0]
    await anna.get(first.replace("&amp;", "&"))
    for here, following in pairwise(references):
        assert anna.heading.startswith(here)
        await anna.post(f"/cases/{here}/close", expected=version(anna), trail=trail(anna))
        assert anna.heading.startswith(following)
        assert anna.told == f"Done: {here} is closed. Copies that stay held: 1."
    await anna.post(f"/cases/{references[3]}/note", text="Nothing new.", trail=trail(anna))
    assert anna.address == f"/cases/{references[3]}?q=meeting&status=open&sort=oldest"
    await anna.post(f"/cases/{references[3]}/close", expected=version(anna), trail=trail(anna))
    assert anna.address == "/cases?q=meeting&status=open&sort=oldest"
    assert anna.told.startswith(f"Done: {references[3]} is closed.")
    assert {file.case.status for file in await gateway.cases()} == {CaseStatus.CLOSED}


async def test_who_comes_from_no_list_is_led_to_the_oldest_that_needs_somebody(gateway: Running, visit: Visit) -> None:
    oldest, _, newest = [await arrived(gateway, LETTER.replace(b"A meeting", b"No. %d" % one)) for one in range(3)]
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{newest}")
    await anna.post(f"/cases/{newest}/silence", reason="Known.", expected=version(anna))
    assert anna.heading.startswith(oldest)
    assert anna.told == f"Done: {newest} is silenced: no decline will be sent."
    await anna.get(f"/cases/{newest}")
    await anna.post(f"/cases/{newest}/close", trail="q=a+b+c+d+e+f+g+h+i+j+k&sort=newest")
    assert anna.told.startswith("Done:")


async def test_the_second_of_two_is_told_and_stays_where_she_was(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna, bert = await visit(Role.REVIEWER), await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    await bert.get(f"/cases/{reference}?sort=oldest")
    await anna.post(f"/cases/{reference}/release", recipient="desk@police.example", expected=version(anna))
    await bert.post(f"/cases/{reference}/dismiss", reason="No.", expected=version(bert), trail=trail(bert))
    assert bert.told.startswith(f"Not done: console:{anna.name} was quicker with {reference}: released it, at ")
    assert (bert.heading.split()[0], trail(bert)) == (reference, "sort=oldest")
    assert [file.case.status for file in await gateway.cases()] == [CaseStatus.OPEN]


@ON_ONE
async def test_some_of_the_recipients_get_their_copy(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway, LETTER, "desk@police.example", "front@police.example", "back@police.example")
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    await anna.post(f"/cases/{reference}/release", expected=version(anna))
    assert anna.told == "Not done: Choose at least one recipient"
    chosen = ["front@police.example", "back@police.example"]
    await anna.post(f"/cases/{reference}/release", recipient=chosen, expected=version(anna))
    assert anna.told == f"Done: {reference}: releases asked for: 2."
    released = [item.to for item in await gateway.items() if item.purpose == "release"]
    assert sorted(released) == sorted(chosen)
    await anna.get(f"/cases/{reference}")
    assert re.findall(r'name="recipient" value="([^"]*)"', anna.page) == ["desk@police.example"]


@ON_ONE
async def test_a_verb_that_can_not_be_done_says_why_on_its_button(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    await anna.post(f"/cases/{reference}/dismiss", reason="A tourist office.", expected=version(anna))
    await anna.get(f"/cases/{reference}")
    disabled = dict(
        re.findall(r'<button disabled[^>]*>([^<]*)</button><span class="why"[^>]*>([^<]*)</span>', anna.page)
    )
    assert disabled["Not a mission: dismiss"] == disabled["Close as handled"] == "The case is closed."
    assert disabled["Report to the collation address"] == "It was dismissed: there is nothing to report."
    await anna.post(f"/cases/{reference}/reopen", reason="It was one after all.", expected=version(anna))
    assert anna.told == f"Done: {reference} is open again."
    assert "reason: It was one after all." in anna.text


@ON_ONE
async def test_an_exemption_stands_in_the_history_of_the_case(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    await anna.post(
        f"/cases/{reference}/exempt", until="2001-01-01", approver="The chief", reason="Visit", whom="everybody"
    )
    assert anna.told.startswith("Not done: The end of an exemption lies in the future, 2001-01-01 does not")
    await anna.post(
        f"/cases/{reference}/exempt", until="9999-12-31", approver="The chief", reason="Visit", whom="everybody"
    )
    assert anna.told == "Not done: '9999-12-31' is no day; one looks like 2027-05-31"
    last = f"{(await gateway.cases())[0].case.received_at:%Y}-12-31"
    await anna.post(f"/cases/{reference}/exempt", until=last, approver="The chief", reason="Visit")
    assert anna.told == "Not done: Choose at least one recipient, or everybody"
    whom = re.findall(r'id="exempt-for-\d+" name="exempt_for" value="([^"]*)"', anna.page)
    fields: dict[str, str | list[str]] = {"until": last, "approver": "The chief", "reason": "Visit", "exempt_for": whom}
    fields["expected"] = version(anna)
    await anna.post(f"/cases/{reference}/exempt", fields)
    assert anna.told == f"Done: consul@mission.example is exempt until {last}."
    (exemption,) = await gateway.desk.exempting.in_force()
    assert exemption.recipients == {"desk@police.example"}
    await anna.post(f"/cases/{reference}/exempt", {**fields, "whom": "everybody"})
    assert "was quicker" in anna.told
    await anna.get(f"/cases/{reference}")
    await anna.post(f"/cases/{reference}/exempt", {**fields, "whom": "everybody", "expected": version(anna)})
    assert sorted(len(one.recipients) for one in await gateway.desk.exempting.in_force()) == [0, 1]
    assert re.search(rf"sender exempted</strong>\s*<span[^>]*>console:{anna.name}", anna.page)


@ON_ONE
async def test_what_strangers_wrote_is_only_text(gateway: Running, visit: Visit) -> None:
    hostile = [await arrived(gateway, CONTENT[name]) for name in ("display name", "subject", "attached message")]
    anna = await visit(Role.REVIEWER)
    for reference in hostile:
        await anna.get(f"/cases/{reference}")
        await anna.post(f"/cases/{reference}/note", text=f"<script>{CALL}</script>")
        for path in ("", "/source", "/draft/report"):
            page = await anna.get(f"/cases/{reference}{path}")
            assert anna.status == 200
            assert f"<script>{CALL}" not in page
            assert "<img" not in page
    assert CALL in words(await anna.get(f"/cases/{hostile[0]}"))


@ON_ONE
async def test_every_label_of_a_case_names_a_field_of_its_own(gateway: Running, visit: Visit) -> None:
    """Of six reasons on the page the first one had all six labels: a click on the others led into it."""
    reference = await arrived(gateway)
    for reason in ("a lawsuit", "an inquiry"):
        await gateway.desk.holding.place(reference, reason, actor="test:clerk")
    anna = await visit(Role.ADMINISTRATOR)
    page = await anna.get(f"/cases/{reference}")
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert sorted(set(ids)) == sorted(ids)
    named = re.findall(r'<label for="([^"]*)">', page)
    assert sorted(named) == sorted(set(named) & set(ids))


@ON_ONE
async def test_what_nobody_sees_in_an_address_is_marked_wherever_a_sentence_names_it(
    gateway: Running, visit: Visit
) -> None:
    """An envelope sender may have letters that turn the line around (RFC 6531)."""
    client = await gateway.client()
    sender = "a\u202eb@mission.example"
    await client.mail(
        sender, ["desk@police.example"], LETTER.replace(b"consul@", b""), parameters=" SMTPUTF8", expect="250"
    )
    (file,) = await gateway.cases()
    anna, bert = await visit(Role.REVIEWER), await visit(Role.REVIEWER, language="fr")
    for one in (anna, bert):
        page = await one.get(f"/cases/{file.case.reference}")
        assert "\u202e" not in page
        assert re.search(r'<li>RFC5321.MailFrom a<span class="invisible">⟦RLO⟧</span>b@mission.example', page)
    answer = await anna.client.post(f"/cases/{file.case.reference}/export", data={"form_token": anna.form_token})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = [archive.read(name).decode() for name in archive.namelist() if name.endswith((".txt", ".html", ".csv"))]
    assert [text for text in told if "\u202e" in text] == []
    assert sum("a<U+202E>b@mission.example" in unescape(text) for text in told) == 3


@ON_ONE
async def test_an_exemption_is_granted_once_and_what_still_exempts_its_sender_is_said(visit: Visit) -> None:
    anna = await visit(Role.REVIEWER)
    fields = {"sender": "mission.example", "approver": "The chief", "reason": "Visit"}
    fields["until"] = f"{SystemClock().now() + timedelta(days=9):%Y-%m-%d}"
    await anna.get("/exemptions")
    for recipients, told in (
        ("", f"Done: mission.example is exempt until {fields['until']}."),
        ("", f"Not done: mission.example is exempt for the same recipients until {fields['until']} already"),
        ("desk@police.example", f"Done: mission.example is exempt until {fields['until']}."),
    ):
        await anna.post("/exemptions", fields, recipients=recipients)
        assert anna.told == told
    for told in (
        "Done: The exemption has ended. Others of this sender that are still in force: 1.",
        "Done: The exemption has ended: from now on the policy holds for this sender.",
    ):
        await anna.post(re.findall(r"/exemptions/\w+/end", anna.page)[0])
        assert anna.told == told


@ON_ONE
async def test_a_case_whose_decline_failed_leads_to_what_can_be_done_about_it(gateway: Running, visit: Visit) -> None:
    gateway.smarthost.script = lambda stage, _link: "550 5.1.1 no" if stage.startswith("RCPT") else None
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    await anna.post(f"/cases/{reference}/decline")
    async with asyncio.timeout(10):
        while "The decline failed. In the outbox it can be tried again, or cancelled." not in anna.text:
            await asyncio.sleep(0.1)
            await anna.get(f"/cases/{reference}")
    (item,) = [one for one in await gateway.items() if one.purpose is Purpose.DECLINE]
    assert f'<a href="/outbox/{item.id}">failed</a>' in anna.page
    await anna.get(f"/outbox/{item.id}")
    assert "Try it now" in anna.text


def version(visitor: Visitor) -> str:
    """Of the case as the page shows it."""
    return str(re.findall(r'name="expected" value="(\d+)"', visitor.page)[0])


def trail(visitor: Visitor) -> str:
    """Of the list, as the page's forms carry it."""
    return unescape(re.findall(r'name="trail" value="([^"]*)"', visitor.page)[0])


def body(visitor: Visitor) -> str:
    """The text of the mail that the page shows."""
    return str(re.findall(r'<pre class="body"[^>]*>(.*?)</pre>', visitor.page, re.DOTALL)[0])
