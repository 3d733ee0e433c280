"""What the gateway starts by itself: a decline to a proven sender, within limits and window; else a reason in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filters.address import parse_path
from filters.authentication import Authentication, MethodResult, Result
from filters.content import parse_header
from filters.disposition import DEFAULT_POLICY, Mode
from filters.envelope import Envelope, Origin
from filters.lists import EntryKind, ListEntry, ListIndex
from filters.rulebook import Rulebook
from filters.screening import screen
from gateway.operations.deciding import Decision
from gateway.operations.gate import Gate
from gateway.operations.starting import Start, Starting, window_key
from gateway.settings import Collation, Decline
from tests.support.clocks import NOON, StoppedClock

if TYPE_CHECKING:
    from filters.sentence import Sentence
    from gateway.store.unit_of_work import Store

HEADER = b"From: office@mission.example\r\nTo: desk@police.example\r\nSubject: a meeting\r\n\r\n"
SENDER = "office@mission.example"
PROVEN = Authentication(
    spf=MethodResult(result=Result.PASS, domain="mission.example"),
    dmarc=MethodResult(result=Result.PASS, domain="mission.example"),
)
SIGNED = Authentication(
    dkim=(MethodResult(result=Result.PASS, domain="mission.example"),),
    dmarc=MethodResult(result=Result.PASS, domain="mission.example"),
)
ENTRY = ListEntry(kind=EntryKind.SUBTREE, value="mission.example")
UNLIMITED = Decline(daily_limit=1000, domain_daily_limit=1000)


class Desk:
    """Asks for one message after the other, as the recorder does."""

    def __init__(self, store: Store, clock: StoppedClock) -> None:
        self.store = store
        self.clock = clock
        self.collation = Collation()
        self.decline = Decline()
        self.mode = Mode.AUTO
        self.unreachable: Sentence | None = None
        self._asked = 0

    async def start(
        self, sender: str = SENDER, header: bytes = HEADER, authentication: Authentication = PROVEN
    ) -> Start:
        envelope = Envelope(
            reverse_path=parse_path(sender),
            recipients=(parse_path("desk@police.example"),),
            origin=Origin(client_ip="192.0.2.1", helo="mail.mission.example"),
            received_at=NOON,
        )
        parsed = parse_header(header)
        rulebook = Rulebook(index=ListIndex((ENTRY,)), mode=self.mode, policy=DEFAULT_POLICY, version=1)
        starting = Starting(
            gate=Gate(own_domains=frozenset({"police.example"}), secret=b"secret"),
            clock=self.clock,
            collation=self.collation,
            decline=self.decline,
        )
        self._asked += 1
        async with self.store.begin() as work:
            return await starting.start(
                work,
                envelope=envelope,
                header=parsed,
                decision=Decision(
                    screening=screen(envelope, parsed, authentication, rulebook), unreachable=self.unreachable
                ),
                decline_id=f"item-{self._asked}",
            )


@pytest.fixture
def desk(store: Store, clock: StoppedClock) -> Desk:
    return Desk(store, clock)


@pytest.mark.parametrize("authentication", [PROVEN, SIGNED])
async def test_a_proven_sender_is_declined_and_reported(desk: Desk, authentication: Authentication) -> None:
    start = await desk.start(authentication=authentication)
    assert start == Start(report=True, report_reasons=(), decline_due=desk.clock.now(), decline_reasons=())


async def test_the_decline_waits_for_the_delay(desk: Desk) -> None:
    desk.decline = Decline(delay=900)
    start = await desk.start()
    assert start.decline_due is not None
    assert (start.decline_due - desk.clock.now()).total_seconds() == 900


async def test_a_sender_is_declined_once_within_the_window(desk: Desk) -> None:
    assert (await desk.start()).decline_due is not None
    again = await desk.start("OFFICE+visa@Mission.example", HEADER.replace(b"office", b"OFFICE+visa"))
    assert again.decline_reasons == ("This sender was declined within the last 7 days.",)
    assert (await desk.start("visa@mission.example", HEADER.replace(b"office", b"visa"))).decline_due is not None
    desk.clock.advance(7 * 86400)
    assert (await desk.start()).decline_due is not None


async def test_past_the_limit_of_a_domain_a_person_decides(desk: Desk) -> None:
    desk.decline = Decline(domain_daily_limit=2)
    for name in (b"a", b"b"):
        assert (await desk.start(f"{name.decode()}@mission.example", HEADER.replace(b"office", name))).decline_due
    start = await desk.start()
    assert start.decline_reasons == ("Today's limit of 2 automatic declines for mission.example is reached.",)
    desk.clock.advance(86400)
    assert (await desk.start()).decline_due is not None, "a decline that did not start opens no window"


async def test_past_the_limit_in_all_a_domain_keeps_what_it_did_not_use(desk: Desk) -> None:
    desk.decline = replace(UNLIMITED, daily_limit=1)
    assert (await desk.start("a@mission.example", HEADER.replace(b"office", b"a"))).decline_due
    start = await desk.start()
    assert start.decline_reasons == ("Today's limit of 1 automatic declines is reached.",)


async def test_past_the_limit_of_reports_a_person_decides(desk: Desk) -> None:
    desk.collation = Collation(daily_limit=1)
    assert (await desk.start()).report
    start = await desk.start()
    assert (start.report, start.report_reasons) == (False, ("Today's limit of 1 automatic reports is reached.",))


async def test_the_mode_leaves_every_start_to_a_person_and_says_so(desk: Desk) -> None:
    desk.mode = Mode.ASSIST
    start = await desk.start()
    assert start.decline_due is None
    assert not start.report
    assert "The mode is assist: a person starts every decline." in start.decline_reasons
    assert any("assist" in reason for reason in start.report_reasons)


@pytest.mark.parametrize(
    ("header", "authentication", "reason"),
    [
        (HEADER, Authentication(), "not proven to be the listed mission"),
        (HEADER, replace(SIGNED, spf=MethodResult(result=Result.FAIL, domain="mission.example")), "SPF says"),
        (HEADER.replace(b"office@", b"visa@"), SIGNED, "Nothing proves that the reverse-path"),
        (HEADER.replace(b"office@mission.example", b"office@mission.example, visa@mission.example"), PROVEN, "exactly one"),
        (HEADER.replace(b"office@mission.example", b"somebody@else.example"), PROVEN, "not inside one list entry"),
        (HEADER.replace(b"Subject", b"In-Reply-To: <1@police.example>\r\nSubject"), PROVEN, "(In-Reply-To)"),
        (HEADER.replace(b"Subject", b"References: <1@police.example>\r\nSubject"), PROVEN, "(References)"),
        (HEADER.replace(b"To: desk@police.example", b"To: others@else.example"), PROVEN, "stands in To or Cc"),
        (HEADER.replace(b"Subject", b"Auto-Submitted: auto-generated\r\nSubject"), PROVEN, "sent automatically"),
        (HEADER.replace(b"Subject", b"List-Id: <all.mission.example>\r\nSubject"), PROVEN, "through a list"),
    ],
)  # fmt: skip
async def test_a_doubt_leaves_the_decline_to_a_person_in_words(
    desk: Desk, header: bytes, authentication: Authentication, reason: str
) -> None:
    start = await desk.start(header=header, authentication=authentication)
    assert start.decline_due is None
    assert reason in " ".join(start.decline_reasons)


def test_the_window_knows_a_sender_by_lower_case_and_without_its_tag() -> None:
    assert window_key(parse_path("Office+Visa@MISSION.example")) == "office@mission.example"
