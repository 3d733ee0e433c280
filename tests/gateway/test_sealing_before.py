"""A large content is sealed before the database is held for it: others write meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from filters.address import parse_path
from filters.authentication import NOT_AUTHENTICATED
from filters.content import parse_header
from filters.disposition import DEFAULT_POLICY, Mode
from filters.envelope import Envelope, Origin
from filters.lists import EntryKind, ListEntry, ListIndex
from filters.rulebook import Rulebook
from filters.screening import screen
from gateway.desk import open_desk
from gateway.operations.deciding import Decision
from gateway.operations.outbox import LEASE, Claim
from gateway.operations.recording import FlaggedMessage, Recorder
from gateway.sending import open_means
from gateway.settings import load
from gateway.spool import Spool
from tests.support.clocks import NOON
from tests.support.gateway import write_configuration
from tests.support.records import a_post, record_item

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from concurrent.futures import Future
    from pathlib import Path
    from typing import Any

    from gateway.desk import Desk
    from gateway.settings import Settings
    from tests.support.clocks import StoppedClock

HEADER = b"From: office@mission.example\r\nSubject: a meeting\r\n\r\n"
LARGE = HEADER + b"All that we ask for.\r\n" * 10_000


class Threads(ThreadPoolExecutor):
    """Tells what it was given to do."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given.append(super().submit(fn, *args, **kwargs))
        return self.given[-1]


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return load(write_configuration(tmp_path, next_hop=2526, smarthost=None, url=sqlite_url), {})


@pytest.fixture
async def desk(settings: Settings, clock: StoppedClock) -> AsyncIterator[Desk]:
    async with open_desk(settings, clock) as opened:
        yield opened


@asynccontextmanager
async def worked_for_while_held(desk: Desk, work: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """Somebody has the database; a thread works for this all the same, and it ends when the database is free."""
    threads = Threads()
    asyncio.get_running_loop().set_default_executor(threads)
    async with desk.store.begin():
        threads.given.clear()
        doing = asyncio.ensure_future(work)
        async with asyncio.timeout(5):
            while not any(job.done() for job in threads.given):
                await asyncio.sleep(0.01)
        assert not doing.done()
    async with asyncio.timeout(5):
        await doing
    yield doing


async def test_a_large_message_is_sealed_before_the_database_is_held_for_its_record(desk: Desk) -> None:
    foundation = desk.foundation
    recorder = Recorder(
        store=desk.store,
        clock=foundation.clock,
        collation_address="collation@ildc.example",
        gate=foundation.gate,
        starting=foundation.starting,
    )
    recording = recorder.record(flagged(LARGE), key="a key", reference="LG-TEST-0001", served=())
    async with worked_for_while_held(desk, recording) as recorded:
        case = recorded.result().case
        async with desk.store.reading() as work:
            assert await work.messages.get(case) == LARGE


def flagged(content: bytes) -> FlaggedMessage:
    envelope = Envelope(
        reverse_path=parse_path("office@mission.example"),
        recipients=(parse_path("desk@police.example"),),
        origin=Origin(client_ip="192.0.2.1", helo="mail.mission.example"),
        received_at=NOON,
    )
    entry = ListEntry(kind=EntryKind.SUBTREE, value="mission.example")
    rulebook = Rulebook(index=ListIndex((entry,)), mode=Mode.ASSIST, policy=DEFAULT_POLICY, version=1)
    screening = screen(envelope, parse_header(HEADER), NOT_AUTHENTICATED, rulebook)
    return FlaggedMessage(
        envelope=envelope, header_section=HEADER, content=Spool.of(content), decision=Decision(screening=screening)
    )


async def test_a_large_mail_of_ours_is_sealed_before_the_database_is_held_for_its_attempt(
    desk: Desk, settings: Settings, clock: StoppedClock
) -> None:
    async with desk.store.begin() as work:
        item = await record_item(work)
        claim = Claim("w", tuple(await work.outbox.claim("w", "n", clock.now(), clock.now() + LEASE, 1)))
    outbox = open_means(settings, desk, "n").outbox
    async with worked_for_while_held(desk, outbox.begin_sending(item, a_post(item, LARGE), claim)) as begun:
        assert begun.result()
        async with desk.store.reading() as work:
            frozen = await work.outbox.frozen(item.id)
    assert frozen is not None
    assert frozen.content == LARGE
