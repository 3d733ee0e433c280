"""The DNS is down, slow or lies: nobody is proven by it, nobody is written to because of it, and mail goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.message
import pytest

from filters.authentication import DnsStatus
from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.model.case import ActionState, DeliveryState
from gateway.settings import Endpoint
from gateway.verify.resolver import Inquiry, Resolver
from tests.scenarios.test_outbox import SENDER, decline
from tests.scenarios.test_sender_authentication import DISPATCH, PROVEN, REQUEST
from tests.support.gateway import running_gateway, write_configuration
from tests.support.liars import FALSE, LIES, TRUTH, liar
from tests.support.nameserver import name_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

DESK = "desk@police.example"
CLEAN = REQUEST.replace(b"mission.", b"town.")


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_no_answer(lie: str) -> None:
    async with liar(lie) as port:
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", port)]), 0.4)
        async with asyncio.timeout(5):
            answers = [await inquiry.ask("mission.example", kind) for kind in ("A", "TXT", "MX")]
    assert not any(answer.status is DnsStatus.FOUND for answer in answers), answers
    assert not any(FALSE in answer.records for answer in answers)


@pytest.mark.parametrize("lie", ["wrong id", "wrong question", "garbage", "nothing in it", "header alone"])
async def test_the_answer_behind_a_lie_is_heard(lie: str) -> None:
    """Who guesses at our questions must not drown out whom we asked."""
    async with liar(lie, then_the_truth=True) as port:
        answer = await Inquiry(Resolver([Endpoint("127.0.0.1", port)]), 2).ask("mission.example", "A")
    assert answer.records == (TRUTH,)


def gateway_asking(
    directory: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA, port: int
) -> AbstractAsyncContextManager[Running]:
    path = write_configuration(
        directory, next_hop=next_hop.port, smarthost=smarthost.port, url="sqlite:///l.db", name_server=port,
        smtp="internal_networks = []",
    )  # fmt: skip
    path.write_text(path.read_text().replace("[dns]", "[dns]\ntimeout = 0.5"))
    return running_gateway(path, SystemClock(), next_hop, smarthost)


async def withstood(gateway: Running) -> None:
    """Clean mail asks nobody; a mission's is held, unproven and for a person to decide, and dispatch was first."""
    async with asyncio.timeout(15):
        await gateway.send(SENDER, [DISPATCH, DESK], REQUEST)
        await gateway.send("a@town.example", [DESK], CLEAN)
    (file,) = await gateway.cases()
    assert {one.recipient: one.state for one in file.deliveries} == {
        DISPATCH: DeliveryState.RELAYED,
        DESK: DeliveryState.HELD,
    }
    assert (file.case.tier, file.case.decline) == (Tier.UNVERIFIED, ActionState.REVIEW)
    assert file.case.authentication.overall in {"error", "none"}
    assert [one.recipients for one in gateway.next_hop.messages if one.reverse_path][:1] == [[DISPATCH]]
    assert not [one for one in gateway.smarthost.messages if SENDER in one.recipients]


@pytest.mark.parametrize("lie", ["wrong id", "wrong owner", "REFUSED", "truncated for ever", "CNAME loop", "silence"])
async def test_a_mission_is_not_proven_by_a_lie(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA, lie: str
) -> None:
    async with liar(lie) as port, gateway_asking(tmp_path, next_hop, smarthost, port) as gateway:
        await withstood(gateway)


async def test_a_dns_that_is_down_holds_nobody_up(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with gateway_asking(tmp_path, next_hop, smarthost, 1) as gateway:
        await withstood(gateway)


@pytest.fixture
async def slow_port() -> AsyncIterator[int]:
    """A name server that answers truly, and so late that two answers take more than the time for all."""
    async with name_server(PROVEN) as names:
        loop = asyncio.get_running_loop()

        class Late(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
                self.transport = transport

            def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
                loop.call_later(0.3, self._pass_on, data, source)

            def _pass_on(self, data: bytes, source: tuple[str, int]) -> None:
                answer = names.answer(dns.message.from_wire(data))
                assert answer is not None
                self.transport.sendto(answer.to_wire(), source)

        transport, _ = await loop.create_datagram_endpoint(Late, local_addr=("127.0.0.1", 0))
        yield transport.get_extra_info("sockname")[1]
        transport.close()


async def test_a_dns_that_is_slow_holds_nobody_up_for_longer_than_its_time(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA, slow_port: int
) -> None:
    async with gateway_asking(tmp_path, next_hop, smarthost, slow_port) as gateway:
        await gateway.send(SENDER, [DISPATCH, DESK], REQUEST)
        (file,) = await gateway.cases()
        assert file.case.decline in {ActionState.REVIEW, ActionState.WAITING, ActionState.SENT}
        assert any(answer.status is DnsStatus.FAILED for answer in file.case.authentication.answers)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({}, "does not exist"),
        (
            {("mission.example", "MX"): ["10 mail.mission.example."], ("mail.mission.example", "A"): ["10.0.0.1"]},
            "public",
        ),
        ({("mission.example", "MX"): ["10 localhost."], ("localhost", "A"): ["127.0.0.1"]}, "public"),
        ({("mission.example", "MX"): ["10 a.example."], ("a.example", "AAAA"): ["::ffff:127.0.0.1"]}, "public"),
        ({("mission.example", "MX"): ["10 mx.police.example."]}, "loop"),
        ({("mission.example", "MX"): [f"{number} m{number}.example." for number in range(200)]}, "public"),
    ],
)
async def test_nobody_is_written_to_where_the_dns_says_that_nobody_is(
    tmp_path: Path,
    next_hop: ScriptedMTA,
    smarthost: ScriptedMTA,
    records: dict[tuple[str, str], list[str]],
    words: str,
) -> None:
    """Nonexistent for everything, or servers inside this machine, a private network, or ourselves."""
    async with name_server(records) as names, gateway_asking(tmp_path, next_hop, smarthost, names.port) as gateway:
        await gateway.send(SENDER, [DESK], REQUEST)
        assert (await gateway.cases())[0].case.decline is ActionState.REVIEW
        with pytest.raises(RefusedError, match=words):
            await decline(gateway)
