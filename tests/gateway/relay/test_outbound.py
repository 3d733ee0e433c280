from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.model.outbox import Post
from gateway.relay.mailing import OutcomeKind
from gateway.relay.outbound import MOST_MAILS, Lines, Server, Submission
from gateway.settings import Endpoint
from tests.support.mta import DROP, ScriptedMTA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.relay.mailing import Outcome
    from tests.support.mta import Link

POST = Post(
    reverse_path="liaison@police.example",
    recipient="centre@federal.example",
    content=b"Subject: report\r\n\r\nhere it is\r\n",
    message_id="<1@police.example>",
)


@pytest.fixture
async def mta() -> AsyncIterator[ScriptedMTA]:
    started = await ScriptedMTA().start()
    yield started
    await started.stop()


@pytest.fixture
async def lines() -> AsyncIterator[Lines]:
    opened = Lines()
    yield opened
    await opened.close()


def way_to(mta: ScriptedMTA, tls: str = "none") -> Submission:
    server = Server(Endpoint("127.0.0.1", mta.port), "127.0.0.1")
    return Submission(servers=(server,), tls=tls, hostname="mx.police.example")


async def send(lines: Lines, way: Submission, post: Post = POST) -> Outcome:
    async def yes() -> bool:
        return True

    return await lines.send(post, way, yes)


async def test_mails_in_a_row_take_one_connection(mta: ScriptedMTA, lines: Lines) -> None:
    for _ in range(3):
        assert (await send(lines, way_to(mta))).kind is OutcomeKind.SENT
    verbs = [[command.split(" ")[0] for command in link.commands] for link in mta.links]
    assert verbs == [["EHLO", *["MAIL", "RCPT", "DATA"] * 3]]
    assert len(mta.messages) == 3


async def test_mails_side_by_side_do_not_share_one(mta: ScriptedMTA, lines: Lines) -> None:
    mta.delay = 0.01
    outcomes = await asyncio.gather(*(send(lines, way_to(mta)) for _ in range(3)))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
    assert len(mta.links) == 3


async def test_mail_that_needs_another_policy_takes_another_connection(mta: ScriptedMTA, lines: Lines) -> None:
    await send(lines, way_to(mta))
    await send(lines, way_to(mta, tls="opportunistic"))
    assert len(mta.links) == 2


async def test_a_connection_that_the_server_has_closed_meanwhile_costs_nothing(mta: ScriptedMTA, lines: Lines) -> None:
    await send(lines, way_to(mta))
    mta.drop_links()
    assert (await send(lines, way_to(mta))).kind is OutcomeKind.SENT
    assert len(mta.messages) == 2


@pytest.mark.parametrize("answer", [DROP, "421 4.3.2 too long here", "451 4.3.0 not on this one"])
async def test_a_connection_that_takes_no_second_mail_costs_nothing(
    mta: ScriptedMTA, lines: Lines, answer: str
) -> None:
    def script(stage: str, link: Link) -> str | None:
        return answer if stage.startswith("MAIL") and link.commands.count("DATA") else None

    mta.script = script
    for _ in range(2):
        assert (await send(lines, way_to(mta))).kind is OutcomeKind.SENT
    assert len(mta.links) == 2


async def test_a_refused_mail_leaves_no_connection_to_another(mta: ScriptedMTA, lines: Lines) -> None:
    mta.script = lambda stage, _link: "550 5.1.1 nobody" if stage == "RCPT TO:<nobody@federal.example>" else None
    refused = await send(lines, way_to(mta), replace(POST, recipient="nobody@federal.example"))
    assert refused.kind is OutcomeKind.REFUSED
    assert (await send(lines, way_to(mta))).kind is OutcomeKind.SENT
    assert len(mta.links) == 2


async def test_a_mail_that_is_refused_on_a_connection_in_use_is_refused(mta: ScriptedMTA, lines: Lines) -> None:
    await send(lines, way_to(mta))
    mta.script = lambda stage, _link: "550 5.1.1 nobody" if stage.startswith("RCPT") else None
    refused = await send(lines, way_to(mta))
    assert refused.kind is OutcomeKind.REFUSED
    assert "5.1.1" in refused.reply
    assert len(mta.links) == 1


async def test_a_connection_takes_so_many_mails_and_no_more(mta: ScriptedMTA, lines: Lines) -> None:
    for _ in range(MOST_MAILS + 1):
        await send(lines, way_to(mta))
    assert [link.commands.count("DATA") for link in mta.links] == [MOST_MAILS, 1]


async def test_a_connection_that_nobody_needs_is_left_with_quit(mta: ScriptedMTA) -> None:
    lines = Lines(rest=0.05)
    await send(lines, way_to(mta))
    async with asyncio.timeout(2):
        while "QUIT" not in mta.links[0].commands:
            await asyncio.sleep(0.01)
    await send(lines, way_to(mta))
    await lines.close()
    assert [link.commands[-1] for link in mta.links] == ["QUIT", "QUIT"]
