"""Who is proven to be a listed mission, and what follows: over SMTP, with records from a name server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.model.case import ActionState, Case
from gateway.model.outbox import OutboxState, Purpose
from tests.scenarios.test_outbox import SENDER, settled
from tests.support.gateway import running_gateway, write_configuration
from tests.support.nameserver import PUBLIC_IPV4, name_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.nameserver import FailingNameServer

MAIL = {("mission.example", "MX"): ["10 mail.mission.example."], ("mail.mission.example", "A"): [PUBLIC_IPV4]}
PROVEN = {**MAIL, ("mission.example", "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"']}
FORGED = {**MAIL, ("mission.example", "TXT"): ['"v=spf1 ip4:192.0.2.1 -all"']}
REQUEST = b"From: Office <office@mission.example>\r\nTo: desk@police.example\r\nSubject: a meeting\r\n\r\nWe ask.\r\n"
DISPATCH = "dispatch@police.example"


@asynccontextmanager
async def gateway_asking(
    directory: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA, records: dict[tuple[str, str], list[str]], more: str
) -> AsyncIterator[tuple[Running, FailingNameServer]]:
    async with name_server(records) as names:
        path = write_configuration(
            directory,
            next_hop=next_hop.port,
            smarthost=smarthost.port,
            url="sqlite:///l.db",
            name_server=names.port,
            more=more,
            smtp="internal_networks = []",  # the test's own client is the sender's server
        )
        async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
            yield gateway, names


class Asking:
    """Starts gateways in a test's own directory."""

    def __init__(self, directory: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA) -> None:
        self._around = (directory, next_hop, smarthost)

    @asynccontextmanager
    async def __call__(
        self, records: dict[tuple[str, str], list[str]], more: str = "[decline]\ndelay = 0\n"
    ) -> AsyncIterator[tuple[Running, FailingNameServer]]:
        async with gateway_asking(*self._around, records, more) as running:
            yield running


@pytest.fixture
def asking(tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA) -> Asking:
    return Asking(tmp_path, next_hop, smarthost)


async def only_case(gateway: Running) -> Case:
    (file,) = await gateway.cases()
    return file.case


async def test_a_proven_mission_is_declined_by_the_gateway_itself(asking: Asking) -> None:
    async with asking(PROVEN) as (gateway, _):
        await gateway.send(SENDER, ["desk@police.example"], REQUEST)
        await settled(gateway, Purpose.DECLINE, OutboxState.SENT)
        case = await only_case(gateway)
        assert (case.tier, case.authentication.overall, case.decline) == (Tier.CONFIRMED, "pass", ActionState.SENT)
        assert case.authentication.texts["spf"] == "pass mission.example"
        assert ("mission.example", "TXT", ("v=spf1 ip4:127.0.0.1 -all",)) in [
            (answer.name, answer.kind, answer.records) for answer in case.authentication.answers
        ]
        assert "ip4:127.0.0.1" in case.authentication.spf.reason
        (decline,) = [one for one in gateway.smarthost.messages if one.recipients == [SENDER]]
        assert decline.reverse_path == ""


async def test_a_forged_mission_is_answered_by_nothing(asking: Asking) -> None:
    async with asking(FORGED) as (gateway, _):
        await gateway.send(SENDER, ["desk@police.example"], REQUEST)
        await settled(gateway, Purpose.NOTICE, OutboxState.SENT)
        case = await only_case(gateway)
        assert (case.tier, case.authentication.overall, case.decline) == (Tier.SPOOFED, "fail", ActionState.NONE)
        assert gateway.smarthost.messages == []


async def test_an_enforced_policy_of_the_author_shows_a_forgery(asking: Asking) -> None:
    records = {**MAIL, ("_dmarc.mission.example", "TXT"): ['"v=DMARC1; p=reject"']}
    async with asking(records) as (gateway, _):
        await gateway.send("someone@elsewhere.example", ["desk@police.example"], REQUEST)
        assert (await only_case(gateway)).tier is Tier.SPOOFED


async def test_a_dns_that_does_not_answer_proves_nothing(asking: Asking) -> None:
    async with asking(PROVEN) as (gateway, names):
        names.servfail.add("mission.example")
        await gateway.send(SENDER, ["desk@police.example"], REQUEST)
        case = await only_case(gateway)
        assert (case.tier, case.authentication.overall, case.decline) == (Tier.UNVERIFIED, "error", ActionState.REVIEW)


@pytest.mark.parametrize("closed", ["0 .", "10 nowhere.mission.example."])
async def test_a_proven_mission_that_takes_no_mail_waits_for_a_person(asking: Asking, closed: str) -> None:
    async with asking({**PROVEN, ("mission.example", "MX"): [closed]}) as (gateway, _):
        await gateway.send(SENDER, ["desk@police.example"], REQUEST)
        case = await only_case(gateway)
        assert (case.tier, case.decline) == (Tier.CONFIRMED, ActionState.REVIEW)
        assert any("mission.example" in reason for reason in case.decline_reasons)


async def test_dispatch_waits_for_no_name_server(asking: Asking) -> None:
    async with asking(PROVEN) as (gateway, names):
        seen: list[int] = []
        names.answered = lambda: seen.append(len(gateway.next_hop.messages))
        await gateway.send(SENDER, [DISPATCH, "desk@police.example"], REQUEST)
        assert seen
        assert min(seen) == 1, "the copy for dispatch was with the next hop before the first question"


async def test_clean_mail_asks_nobody(asking: Asking) -> None:
    async with asking(PROVEN) as (gateway, names):
        await gateway.send("someone@elsewhere.example", ["desk@police.example"], REQUEST.replace(b"mission.", b"city."))
        assert await gateway.cases() == []
        assert names.asked == []


@pytest.mark.parametrize("to", ["desk@police.example", DISPATCH])
async def test_a_signature_in_a_listed_name_that_does_not_verify_is_nothing(asking: Asking, to: str) -> None:
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; d=mission.example; s=s1; h=from; bh=aGVsbG8=; b=aGVsbG8=\r\n"
    content = signature + REQUEST.replace(b"mission.", b"city.")
    async with asking(PROVEN) as (gateway, names):
        await gateway.send("someone@elsewhere.example", [to], content)
        assert await gateway.cases() == []
        assert [message.behind_received for message in gateway.next_hop.messages] == [content]
        assert ("s1._domainkey.mission.example", "TXT") in names.asked


INVITATION = (
    b"From: friend@webmail2.example\r\nTo: desk@police.example\r\nSubject: reception\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/calendar; method=REQUEST\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nORGANIZER;CN=Consul:mailto:consul@mission.example\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n"
)


async def test_an_invitation_that_a_mission_calls_is_related_to_it(asking: Asking) -> None:
    async with asking(PROVEN) as (gateway, _):
        await gateway.send("friend@webmail2.example", ["desk@police.example"], INVITATION)
        case = await only_case(gateway)
        assert case.tier is Tier.RELATED
        assert [(one.identity, one.address) for one in case.findings] == [
            ("RFC5545.ORGANIZER", "consul@mission.example")
        ]


async def test_a_domain_that_looks_like_a_mission_is_flagged_and_delivered(asking: Asking) -> None:
    async with asking(PROVEN) as (gateway, _):
        await gateway.send("a@rnission.example", ["desk@police.example"], REQUEST.replace(b"@mission", b"@rnission"))
        assert (await only_case(gateway)).tier is Tier.SUSPECT
        assert b"X-Liaison-Flag: tier=suspect" in gateway.next_hop.messages[0].content


@pytest.mark.parametrize(("records", "tier"), [(PROVEN, Tier.EXEMPT), (MAIL, Tier.EXEMPT), (FORGED, Tier.SPOOFED)])
async def test_an_exemption_lets_a_mission_through_and_no_forgery(
    asking: Asking, records: dict[tuple[str, str], list[str]], tier: Tier
) -> None:
    async with asking(records) as (gateway, _):
        await gateway.desk.exempting.grant(
            "mission.example",
            [],
            until=SystemClock().now() + timedelta(days=1),
            approver="Insp. Example",
            reason="joint exercise",
            actor="test:clerk",
        )
        await gateway.desk.rulebooks.load()
        await gateway.send(SENDER, ["desk@police.example"], REQUEST)
        case = await only_case(gateway)
        assert (case.tier, case.decline) == (tier, ActionState.NONE)
        through = [one for one in gateway.next_hop.messages if b"X-Liaison-Flag: tier=exempt" in one.content]
        assert len(through) == (tier is Tier.EXEMPT)
