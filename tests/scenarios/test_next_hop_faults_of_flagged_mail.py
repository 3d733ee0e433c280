"""The next hop fails in the middle of flagged mail: the record says what is so, and the sender's retry mends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.model.case import DeliveryState
from gateway.model.outbox import Purpose
from tests.support.mta import DROP, HANG, Message

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.mta import Link
    from tests.support.passage import Passage

DESK, DISPATCH = "desk@police.example", "dispatch@police.example"
MISSION, FLAGGED = "liaison@mission.example", "liaison@flagged.example"
KINDS = {"flagged": (FLAGGED, [DESK]), "emergency": (MISSION, [DISPATCH]), "both": (MISSION, [DISPATCH, DESK])}
"""Sender and recipients; a copy of each goes to the next hop while the client waits."""
HELD, PENDING, REFUSED, RELAYED = (
    DeliveryState.HELD, DeliveryState.PENDING, DeliveryState.REFUSED, DeliveryState.RELAYED,
)  # fmt: skip
SECOND = ("both", "DATA")
"""The copy for dispatch is a mail transaction anew: who was told 250 at RCPT can't be told 554 at DATA."""
TEMPORARY = ["450 4.2.1 Busy", DROP, HANG, "250-endless\r\n" * 10_000]


@pytest.fixture
def answer() -> str:
    """What the next hop says wrongly, where a test is not given it."""
    return ""


@pytest.fixture
async def front(passage: Passage, answer: str) -> Running:
    """A gateway that waits for its next hop, on a busy machine too; three seconds where it waits in vain."""
    return await passage.open(route=f"timeout = {3 if answer is HANG else 30}")


def content(sender: str) -> bytes:
    return b"From: %b\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n" % sender.encode()


async def attempt(front: Running, sender: str, recipients: list[str]) -> str:
    """The first reply that is not positive, or the answer to the final dot."""
    client = await front.client()
    await client.say(f"MAIL FROM:<{sender}>", "250")
    for recipient in recipients:
        reply = await client.say(f"RCPT TO:<{recipient}>")
        if not reply.startswith("250"):
            return reply
    return await client.content(content(sender))


async def states(front: Running) -> dict[str, DeliveryState]:
    """Of the only case; empty if there is none."""
    files = await front.cases()
    assert len(files) <= 1
    return {one.recipient: one.state for file in files for one in file.deliveries}


def copies(front: Running, recipient: str) -> int:
    """How many the next hop took; what we write ourselves is not among them."""
    return sum(recipient in one.recipients and b"X-Liaison-Flag" in one.content for one in front.next_hop.messages)


async def mended(front: Running, sender: str, recipients: list[str], *, at_most: int = 1) -> None:
    """The next hop is itself again, and the sender tries again: all are served, and there is one of everything."""
    front.next_hop.script = lambda _stage, _link: None
    assert (await attempt(front, sender, recipients)).startswith("250 2.0.0")
    served = {one: HELD if one == DESK and sender == MISSION else RELAYED for one in recipients}
    assert await states(front) == served
    for recipient, state in served.items():
        assert copies(front, recipient) in range(1, at_most + 1) if state is RELAYED else copies(front, recipient) == 0
    items = [(item.purpose, item.to) for item in await front.items()]
    assert len(items) == len(set(items))
    assert sum(purpose is Purpose.NOTICE for purpose, _ in items) == (HELD in served.values())


@pytest.mark.parametrize("answer", [*TEMPORARY, "550 5.7.1 No", "300 what"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
async def test_before_the_content_nothing_is_on_record(front: Running, stage: str, answer: str) -> None:
    await asyncio.sleep(0.05)
    front.next_hop.drop_links()
    front.next_hop.script = lambda said, _link: answer if said.startswith(stage) else None
    reply = await attempt(front, FLAGGED, [DESK])
    assert reply.startswith("550 5.7.1" if answer.startswith("550") else "45")
    assert await states(front) == {}
    await mended(front, FLAGGED, [DESK])


@pytest.mark.parametrize("answer", TEMPORARY)
@pytest.mark.parametrize("stage", ["DATA", "content"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_copy_that_can_not_be_delivered_now_is_a_451_and_comes_again(
    front: Running, kind: str, stage: str, answer: str
) -> None:
    front.next_hop.script = lambda said, _link: answer if said == stage else None
    assert (await attempt(front, *KINDS[kind])).startswith("45")
    assert await states(front) == ({DESK: PENDING} if kind == "flagged" else {})
    taken = stage == "content" and answer.startswith("2")
    await mended(front, *KINDS[kind], at_most=1 + taken)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_copy_cut_off_in_its_content_comes_again(front: Running, kind: str) -> None:
    front.next_hop.script = lambda said, _link: DROP if said == "octets" else None
    assert (await attempt(front, *KINDS[kind])).startswith("451 4.4.")
    await mended(front, *KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_copy_whose_answer_was_lost_may_come_twice_and_is_on_record_once(front: Running, kind: str) -> None:
    """The next hop took it, and broke the connection instead of saying so."""
    sender, recipients = KINDS[kind]

    def script(said: str, _link: Link) -> str | None:
        if said != "content":
            return None
        flagged = b"Received: x\r\nX-Liaison-Flag: taken before\r\n"
        front.next_hop.take(Message(sender, [recipients[0]], flagged, "MAIL"))
        return DROP

    front.next_hop.script = script
    assert (await attempt(front, sender, recipients)).startswith("451 4.4.2")
    await mended(front, sender, recipients, at_most=2)
    assert copies(front, recipients[0]) == 2


@pytest.mark.parametrize(
    ("kind", "stage"), [(kind, stage) for kind in KINDS for stage in ("DATA", "content") if (kind, stage) != SECOND]
)
async def test_a_copy_that_is_refused_for_good_is_on_record_as_refused(front: Running, kind: str, stage: str) -> None:
    front.next_hop.script = lambda said, _link: "554 5.6.0 Not such a thing" if said == stage else None
    reply = await attempt(front, *KINDS[kind])
    (sender, recipients), refused = KINDS[kind], await states(front)
    assert reply.startswith("554 5.6.0")
    assert refused == {one: HELD if one == DESK and sender == MISSION else REFUSED for one in recipients}
    (file,) = await front.cases()
    assert {one.reply for one in file.deliveries if one.state is REFUSED} == {"554 5.6.0 Not such a thing"}
    assert copies(front, recipients[0]) == 0


async def test_after_a_refusal_for_good_the_others_stand_as_refused_too_as_the_client_was_told(front: Running) -> None:
    front.next_hop.script = lambda said, _link: "554 5.6.0 Not such a thing" if said == "content" else None
    assert (await attempt(front, FLAGGED, [DISPATCH, DESK])).startswith("554 5.6.0")
    (file,) = await front.cases()
    assert {(one.state, one.reply) for one in file.deliveries} == {(REFUSED, "554 5.6.0 Not such a thing")}
    await mended(front, FLAGGED, [DISPATCH, DESK])


async def test_a_refusal_in_a_second_round_is_none_for_the_client(front: Running) -> None:
    kind, stage = SECOND
    front.next_hop.script = lambda said, _link: "554 5.6.0 Not such a thing" if said == stage else None
    assert (await attempt(front, *KINDS[kind])).startswith("451 4.3.0")
    await mended(front, *KINDS[kind])


@pytest.mark.parametrize("fault", ["down", "421 4.3.2 Closing", "550 5.7.1 No", DROP])
async def test_held_mail_needs_no_next_hop_after_its_recipients(front: Running, fault: str) -> None:
    client = await front.client()
    await client.say(f"MAIL FROM:<{MISSION}>", "250")
    await client.say(f"RCPT TO:<{DESK}>", "250")
    if fault == "down":
        await front.next_hop.stop()
    front.next_hop.script = lambda said, _link: fault if said in {"DATA", "RSET", "content"} else None
    await client.content(content(MISSION), "250 2.0.0")
    assert await states(front) == {DESK: HELD}


async def test_a_refused_recipient_of_flagged_mail_is_none_of_the_case(front: Running) -> None:
    front.next_hop.script = lambda said, _link: "550 5.1.1 Nobody" if said.startswith("RCPT TO:<nobody") else None
    client = await front.client()
    await client.say(f"MAIL FROM:<{FLAGGED}>", "250")
    await client.say("RCPT TO:<nobody@police.example>", "550 5.1.1")
    await client.say(f"RCPT TO:<{DESK}>", "250")
    await client.content(content(FLAGGED), "250")
    assert await states(front) == {DESK: RELAYED}


async def test_an_emergency_copy_is_served_once_although_the_others_fail(front: Running) -> None:
    """A listed mission writes to dispatch and to a desk whose copies are flagged only: the second round fails."""
    sent: list[str] = []

    def script(said: str, _link: Link) -> str | None:
        sent.append(said)
        return "451 4.3.0 later" if said == "content" and sent.count("content") == 2 else None

    front.next_hop.script = script
    recipients = [DISPATCH, DESK]
    assert (await attempt(front, FLAGGED, recipients)).startswith("451 4.3.0")
    assert await states(front) == {DISPATCH: RELAYED, DESK: PENDING}
    assert (await attempt(front, FLAGGED, recipients)).startswith("250")
    assert await states(front) == {DISPATCH: RELAYED, DESK: RELAYED}
    assert (copies(front, DISPATCH), copies(front, DESK)) == (1, 1)
