"""Officers forward to the intake mailbox: what becomes a case, what a note on one, and what the officer is told."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from email import message_from_bytes, policy  # noqa: TID251 -- reads what we wrote
from typing import TYPE_CHECKING

import dkim
import pytest

from filters.authentication import Result
from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.model.case import ActionState, ContactKind
from gateway.model.forward import ForwardForm
from gateway.model.outbox import OutboxState, Purpose
from tests.scenarios.test_outbox import settled
from tests.support.gateway import running_gateway, write_configuration
from tests.support.nameserver import STANDING_RECORDS, name_server
from tests.support.signatures import key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path

    from gateway.model.dossier import Dossier
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.signatures import KeyPair

__all__ = ["key_pair"]

INTAKE = "intake@liaison.police.example"
OFFICER = "officer@police.example"
FROM_MISSION = (
    b"Return-Path: <office@mission.example>\r\n"
    b"Received: from mail.mission.example by mx.webmail.example; Mon, 2 Nov 2026 10:00:00 +0000\r\n"
    b"From: Office <office@mission.example>\r\nTo: someone@webmail.example\r\nSubject: A request\r\n"
    b"Message-ID: <1@mission.example>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\n\r\nWhere does this person live?\r\n"
)
UNLISTED = FROM_MISSION.replace(b"mission.example", b"nobody.example")


@asynccontextmanager
async def intake_gateway(
    directory: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA, url: str, *, intake: str = "", smtp: str = "",
    mode: str = "auto", names: int | None = None,
) -> AsyncIterator[Running]:  # fmt: skip
    path = write_configuration(
        directory, next_hop=next_hop.port, smarthost=smarthost.port, url=url, smtp=smtp, mode=mode, name_server=names,
        more=f'[intake]\naddress = "{INTAKE}"\n{intake}\n',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


@pytest.fixture
async def gateway(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    async with intake_gateway(tmp_path, next_hop, smarthost, sqlite_url) as running:
        yield running


@pytest.fixture
async def on_each_database(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    async with intake_gateway(tmp_path, next_hop, smarthost, database_url) as running:
        yield running


def part(original: bytes, *, kind: str = "message/rfc822", name: str = "", encoding: str = "8bit") -> bytes:
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
    head = f"Content-Type: {kind}\r\n{disposition}Content-Transfer-Encoding: {encoding}\r\n\r\n"
    body = base64.encodebytes(original).replace(b"\n", b"\r\n") if encoding == "base64" else original
    return head.encode() + body


def forward(*parts: bytes, text: str = "See attached.", more: str = "") -> bytes:
    head = (
        f"From: An Officer <{OFFICER}>\r\nTo: {INTAKE}\r\nSubject: Fwd: A request\r\nMessage-ID: <fwd@police.example>\r\n"
        f'{more}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    )
    lines = [head.encode(), b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", text.encode(), b"\r\n"]
    for one in parts:
        lines += [b"--b\r\n", one, b"\r\n"]
    return b"".join((*lines, b"--b--\r\n"))


def inline(text: str) -> bytes:
    head = (
        f"From: {OFFICER}\r\nTo: {INTAKE}\r\nSubject: Fwd: A request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return head.encode() + text.replace("\n", "\r\n").encode()


INLINE = inline(
    "Bonjour, this came to my phone.\n\n---------- Forwarded message ---------\nFrom: Office <office@mission.example>\n"
    "Date: Mon, 2 Nov 2026\nSubject: A request\nTo: <someone@webmail.example>\n\nWhere does this person live?\n"
)


async def dossiers(gateway: Running) -> list[Dossier]:
    index = gateway.desk.rulebooks.current.index
    return [await gateway.desk.casework.show(file.case.reference, index) for file in await gateway.cases()]


async def only(gateway: Running) -> Dossier:
    (dossier,) = await dossiers(gateway)
    return dossier


async def acknowledged(gateway: Running) -> tuple[str, EmailMessage]:
    """The reverse-path of the one acknowledgement, and the mail."""
    await settled(gateway, Purpose.ACKNOWLEDGEMENT, OutboxState.SENT)
    (sent,) = [one for one in gateway.next_hop.messages if one.recipients == [OFFICER]]
    return sent.reverse_path, message_from_bytes(sent.content, policy=policy.default)


async def test_an_attached_original_becomes_a_case_as_if_it_had_come(gateway: Running) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
    dossier = await only(gateway)
    case = dossier.file.case
    assert (case.kind, case.tier, case.entry) == (ContactKind.FORWARD, Tier.UNVERIFIED, "mission.example")
    assert (case.decline, case.report) == (ActionState.REVIEW, ActionState.REVIEW)
    assert (case.reverse_path, case.subject, case.message_id) == (
        "office@mission.example",
        "A request",
        "<1@mission.example>",
    )
    assert await gateway.desk.casework.original(case.reference) == FROM_MISSION
    assert "SPF can't say" in " ".join(one.evidence for one in case.findings)
    (forwarded,) = dossier.forwards
    assert (forwarded.by, forwarded.form, forwarded.said) == (OFFICER, ForwardForm.ATTACHED, "See attached.")
    assert case.authentication.spf.result is Result.NONE
    assert not [item for item in await gateway.items() if item.purpose is not Purpose.ACKNOWLEDGEMENT]


async def test_the_officer_is_told_the_reference_once_and_by_no_sender_that_could_be_answered(
    on_each_database: Running,
) -> None:
    gateway = on_each_database
    for _ in range(2):  # the client lost our 250, and tries again
        await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
    reverse_path, told = await acknowledged(gateway)
    dossier = await only(gateway)
    assert reverse_path == ""
    assert told["Auto-Submitted"] == "auto-replied"
    assert told["In-Reply-To"] == "<fwd@police.example>"
    assert dossier.file.case.reference in told["Subject"]
    assert dossier.file.case.reference in told.get_content()
    assert "mission.example" not in told.as_string()
    assert len(dossier.forwards) == 1


async def test_an_original_that_the_relay_has_on_record_becomes_a_note_on_that_case(on_each_database: Running) -> None:
    gateway = on_each_database
    await gateway.send("office@mission.example", ["desk@police.example"], FROM_MISSION)
    (file,) = await gateway.cases()
    delivered = (
        b"Delivered-To: desk@police.example\r\nReceived: from a by mx.police.example (x); today\r\n" + FROM_MISSION
    )
    await gateway.send(OFFICER, [INTAKE], forward(part(delivered)))
    dossier = await only(gateway)
    assert dossier.file.case.reference == file.case.reference
    assert [one.by for one in dossier.forwards] == [OFFICER]
    assert "forward-added" in {entry.action for entry in dossier.audit}
    await settled(gateway, Purpose.ACKNOWLEDGEMENT, OutboxState.SENT)


async def test_what_two_officers_forward_is_one_case_with_two_notes(gateway: Running) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
    await gateway.send("other@police.example", [INTAKE], forward(part(FROM_MISSION, kind="message/rfc822")))
    assert [one.by for one in (await only(gateway)).forwards] == [OFFICER, "other@police.example"]


@pytest.mark.parametrize("lines", [b"\r\n", b"\n"])
async def test_a_file_with_the_name_of_a_message_is_read_as_one(gateway: Running, lines: bytes) -> None:
    original = FROM_MISSION.replace(b"\r\n", lines)
    attached = part(original, kind="application/octet-stream", name="request.EML", encoding="base64")
    await gateway.send(OFFICER, [INTAKE], forward(attached))
    dossier = await only(gateway)
    assert dossier.file.case.entry == "mission.example"
    assert await gateway.desk.casework.original(dossier.file.case.reference) == original


async def test_each_attached_message_is_a_case_of_its_own(gateway: Running) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION), part(UNLISTED)))
    cases = {file.case.tier: file.case for file in await gateway.cases()}
    assert set(cases) == {Tier.UNVERIFIED, Tier.SUSPECT}
    _, told = await acknowledged(gateway)
    assert all(case.reference in told.get_content() for case in cases.values())


async def test_a_sender_who_is_not_listed_is_a_suspect_because_an_officer_says_so(gateway: Running) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(UNLISTED)))
    case = (await only(gateway)).file.case
    assert (case.tier, case.decline, case.report) == (Tier.SUSPECT, ActionState.NONE, ActionState.REVIEW)
    assert [one.rule for one in case.findings] == ["forwarded"]


async def test_what_is_quoted_in_the_text_only_claims_and_is_never_declined(gateway: Running) -> None:
    await gateway.send(OFFICER, [INTAKE], INLINE)
    dossier = await only(gateway)
    case = dossier.file.case
    assert (case.tier, case.decline, case.report) == (Tier.UNVERIFIED, ActionState.NONE, ActionState.REVIEW)
    assert (case.header_from, case.subject, case.reverse_path) == ("Office <office@mission.example>", "A request", "")
    assert "headers-missing" in {one.rule for one in case.findings}
    assert "only claims to come from office@mission.example" in " ".join(one.evidence for one in case.findings)
    assert [(one.form, one.said) for one in dossier.forwards] == [
        (ForwardForm.QUOTED, "Bonjour, this came to my phone.")
    ]
    assert dossier.objections
    _, told = await acknowledged(gateway)
    assert "as an attachment" in told.get_content()


async def test_what_cannot_be_read_is_told_with_what_would_be_right(gateway: Running) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(b"\xd0\xcf\x11\xe0", kind="application/vnd.ms-outlook", name="a.msg", encoding="base64")))  # fmt: skip
    assert await gateway.cases() == []
    _, told = await acknowledged(gateway)
    assert "could not be read" in told["Subject"]
    assert "save the message as .eml" in " ".join(told.get_content().split())


@pytest.mark.parametrize("field", ["Auto-Submitted: auto-generated", "List-Id: <a.police.example>", "Precedence: bulk"])
async def test_mail_of_a_program_or_a_list_is_recorded_and_not_answered(gateway: Running, field: str) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION), more=f"{field}\r\n"))
    assert len((await only(gateway)).forwards) == 1
    assert await gateway.items() == []


async def test_a_dismissed_case_is_taken_up_again_when_somebody_forwards_its_message(
    on_each_database: Running,
) -> None:
    gateway = on_each_database
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
    reference = (await only(gateway)).file.case.reference
    await gateway.desk.casework.report(reference, actor="test:clerk")
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    gateway.smarthost.script = lambda said, _link: "450 4.2.0 Later" if said.startswith("RCPT") else None
    await gateway.desk.casework.dismiss(reference, "a resident", actor="test:clerk")
    await gateway.send("other@police.example", [INTAKE], forward(part(FROM_MISSION)))
    dossier = await only(gateway)
    assert dossier.file.case.disposal is None
    (retraction,) = [item for item in dossier.items if item.purpose is Purpose.RETRACTION]
    assert (retraction.state, retraction.last_reply) == (OutboxState.CANCELLED, "taken up again by intake")
    rows = [entry.action for entry in dossier.audit]
    assert rows.index("case-reopened") + 1 == rows.index("forward-added")


@pytest.mark.parametrize(
    ("reverse_path", "why"),
    [("", "null reverse-path"), ("someone@webmail.example", "not your sender domain"), ("a@mission.example", "domain")],
)
async def test_only_our_own_people_may_write_to_the_intake_mailbox(
    gateway: Running, reverse_path: str, why: str
) -> None:
    client = await gateway.client()
    await client.say(f"MAIL FROM:<{reverse_path}>", "250")
    assert why in await client.say(f"RCPT TO:<{INTAKE}>", "550")


async def test_a_host_that_is_not_ours_may_not_write_to_it(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with intake_gateway(tmp_path, next_hop, smarthost, sqlite_url, smtp="internal_networks = []") as gateway:
        client = await gateway.client()
        await client.say(f"MAIL FROM:<{OFFICER}>", "250")
        assert "your host is none" in await client.say(f"RCPT TO:<{INTAKE}>", "550")


async def test_named_networks_and_domains_may_write_to_it_too(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    intake = 'accept_from = ["127.0.0.0/8", "partner.example"]'
    async with intake_gateway(
        tmp_path, next_hop, smarthost, sqlite_url, intake=intake, smtp="internal_networks = []"
    ) as gateway:
        await gateway.send("officer@partner.example", [INTAKE], forward(part(FROM_MISSION)))
        assert len(await gateway.cases()) == 1


async def test_the_intake_mailbox_needs_a_mail_transaction_of_its_own(gateway: Running) -> None:
    client = await gateway.client()
    await client.say(f"MAIL FROM:<{OFFICER}>", "250")
    await client.say(f"RCPT TO:<{INTAKE}>", "250")
    await client.say("RCPT TO:<desk@police.example>", "452")
    await client.say("RSET", "250")
    await client.say(f"MAIL FROM:<{OFFICER}>", "250")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.say(f"RCPT TO:<{INTAKE}>", "452")
    await client.say("RCPT TO:<intake@police.example>", "250")


async def test_a_signature_of_the_original_still_verifies(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, key_pair: KeyPair
) -> None:
    original = FROM_MISSION[FROM_MISSION.index(b"From:") :]
    signature = dkim.sign(original, b"s1", b"mission.example", key_pair.pem)
    records = {**STANDING_RECORDS, ("s1._domainkey.mission.example", "TXT"): [key_pair.record]}
    records |= {("_dmarc.mission.example", "TXT"): ['"v=DMARC1; p=reject"']}
    async with (
        name_server(records) as names,
        intake_gateway(tmp_path, next_hop, smarthost, sqlite_url, names=names.port) as gateway,
    ):
        await gateway.send(OFFICER, [INTAKE], forward(part(signature + original)))
        await gateway.send(OFFICER, [INTAKE], forward(part(original)))
        cases = [file.case for file in await gateway.cases()]
    assert {case.tier for case in cases} == {Tier.CONFIRMED, Tier.UNVERIFIED}, "without a signature nothing is forged"
    assert {case.decline for case in cases} == {ActionState.REVIEW}


async def test_what_cannot_be_recorded_stays_with_the_officers_server(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with intake_gateway(tmp_path, next_hop, smarthost, sqlite_url) as gateway:
        async with gateway.desk.store.begin() as work:
            await work.audit.append("test:clerk", "hold", "the one writer", {})
            await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)), expect="451 4.3.0")
        assert await gateway.cases() == []
        await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
        assert len(await gateway.cases()) == 1


HOSTILE = {
    "nothing": b"",
    "no header": b"\r\n\r\n",
    "a bomb of boundaries": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 20_000,
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (at, at) for at in range(300)),
    "an original of zeros": forward(part(b"\0" * 1000, encoding="base64")),
    "an original that is cut": forward(part(b"From: a@b\r\nSubject"))[:-40] + b"\r\n",
    "an original with a hostile sender": forward(
        part(b"From: =?x?q?=00?= <a@mission.example\x00>\r\nTo: \xff\r\n\r\n\x00")
    ),
    "many": forward(*[part(FROM_MISSION)] * 25),
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<style" * 20_000 + b"From: <b>x</b><br>Subject: y\r\n",
    "labels": inline("From:\nDate:\n" * 5000),
    "a charset": b"Content-Type: text/plain; charset=rot13\r\n\r\nFrom: a\r\nSubject: b\r\n",
}


async def test_hostile_octets_are_answered_and_break_nothing(gateway: Running) -> None:
    for number, content in enumerate(HOSTILE.values()):
        await gateway.send(f"officer{number}@police.example", [INTAKE], content)
    await dossiers(gateway)
    async with asyncio.timeout(20):
        while {item.state for item in await gateway.items()} != {OutboxState.SENT}:
            await asyncio.sleep(0.05)
    assert len(await gateway.items()) == len(HOSTILE)
