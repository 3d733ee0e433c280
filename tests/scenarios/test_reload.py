"""SIGHUP: another configuration is in force, whole or not at all, and no connection notices."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.settings import load
from tests.support.certificates import self_signed
from tests.support.gateway import running_gateway, write_configuration
from tests.support.mta import ScriptedMTA
from tests.support.served import CLEAN, Served, ended, serve

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.support.certificates import Certificate
    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running

__all__ = ["serve"]

LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"


@pytest.fixture
async def other_hop() -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA().start()
    yield mta
    await mta.stop()


def configure(path: Path, *changes: tuple[str, str]) -> None:
    """Change the file as an operator would."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def hang_up(served: Served) -> None:
    served.process.send_signal(signal.SIGHUP)


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def path(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA) -> Path:
    smtp = f"workers = {request.param}"
    return write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=smtp)


async def reloaded(served: Served, path: Path, times: int = 1) -> None:
    """In force in every process: the parent, and its workers if it has some."""
    workers = load(path, {}).smtp.workers
    await served.logged("configuration_reloaded", times * (1 + workers if workers > 1 else 1))


async def test_what_changed_is_in_force_and_open_sessions_go_on_under_it(
    path: Path, next_hop: ScriptedMTA, other_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    clients = [await served.client() for _ in range(4)]
    for client in clients:
        await client.mail("a@town.example", ["desk@police.example"], CLEAN, expect="250")
    configure(path, (f"127.0.0.1:{next_hop.port}", f"127.0.0.1:{other_hop.port}"), ("mx.police", "mx2.police"))
    hang_up(served)
    await reloaded(served, path)
    for client in clients:
        assert "mx2.police.example" in await client.say("EHLO client.example", "250")
        await client.mail("a@town.example", ["desk@police.example"], CLEAN, expect="250")
        await client.say("QUIT", "221")
    await served.send()
    assert (len(next_hop.messages), len(other_hop.messages)) == (4, 5)
    assert all(b"by mx2.police.example" in message.content for message in other_hop.messages)
    assert await ended(served.process) == 0


async def test_a_mail_transaction_in_hand_ends_as_it_began(
    path: Path, next_hop: ScriptedMTA, other_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    client = await served.client()
    for line in ("MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>", "DATA"):
        await client.say(line)
    client.send(CLEAN[:20])
    configure(path, (f"127.0.0.1:{next_hop.port}", f"127.0.0.1:{other_hop.port}"))
    hang_up(served)
    await reloaded(served, path)
    client.send(CLEAN[20:] + b".\r\n")
    await client.hear("250 2.0.0")
    await client.mail("a@town.example", ["desk@police.example"], CLEAN, expect="250")
    await client.close()
    assert [message.behind_received for message in next_hop.messages] == [CLEAN]
    assert [message.behind_received for message in other_hop.messages] == [CLEAN]
    async with asyncio.timeout(5):
        while next_hop.open_links:  # the old route's connection is closed when its last mail transaction is over
            await asyncio.sleep(0.02)


async def test_a_wrong_configuration_is_refused_whole_and_every_problem_named(
    path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    configure(path, ("mx.police", "mx2.police"), ("timeout = 5", 'timeout = "long"\ntls = "sometimes"'))
    hang_up(served)
    refused = await served.logged("configuration_refused", 2)
    assert ["timeout" in refused[0], "sometimes" in refused[1]] == [True, True]
    client = await served.client()
    assert "mx.police.example" in await client.say("EHLO client.example", "250")
    await client.mail("a@town.example", ["desk@police.example"], CLEAN, expect="250")
    await client.close()
    assert "Traceback" not in served.log.read_text()
    path.write_text("no TOML")
    hang_up(served)
    await served.logged("configuration_refused", 3)
    path.unlink()
    hang_up(served)
    await served.logged("configuration_refused", 4)
    await served.send()
    assert await ended(served.process) == 0


async def test_a_worker_that_dies_comes_back_with_the_configuration_in_force_whatever_the_file_says(
    tmp_path: Path,
    sqlite_url: str,
    next_hop: ScriptedMTA,
    other_hop: ScriptedMTA,
    serve: Callable[[Path], Awaitable[Served]],
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
    served = await serve(path)
    configure(path, (f"127.0.0.1:{next_hop.port}", f"127.0.0.1:{other_hop.port}"))
    hang_up(served)
    await reloaded(served, path)
    path.write_text("no TOML")
    before = set(await served.children())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while len(set(await served.children()) - before) != 2:
            await asyncio.sleep(0.1)
    for _ in range(4):
        await served.send()
    assert (len(next_hop.messages), len(other_hop.messages)) == (0, 4)
    assert await ended(served.process) == 0


async def test_under_load_no_connection_is_dropped_and_no_message_refused(
    path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    done = asyncio.Event()

    async def client() -> int:
        sent = 0
        dialogue = await served.client()
        while not done.is_set():
            await dialogue.mail("a@town.example", ["desk@police.example"], CLEAN, expect="250 2.0.0")
            sent += 1
        await dialogue.say("QUIT", "221")
        return sent

    async def passer_by() -> int:
        sent = 0
        while not done.is_set():
            await served.send()
            sent += 1
        return sent

    clients = [asyncio.ensure_future(one) for one in (*(client() for _ in range(4)), passer_by())]
    for times in range(1, 6):
        hang_up(served)
        await reloaded(served, path, times)
    done.set()
    assert sum(await asyncio.gather(*clients)) == len(next_hop.messages)
    assert await ended(served.process) == 0


async def test_a_renewed_certificate_is_shown_and_an_unusable_one_leaves_everything_as_it_is(
    path: Path, tmp_path: Path, localhost: Certificate, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    certificate, key = tmp_path / "mx.pem", tmp_path / "mx.key"
    shutil.copy(localhost.certificate, certificate)
    shutil.copy(localhost.key, key)
    configure(path, ("[smtp]", f'[smtp]\ntls_certificate = "{certificate}"\ntls_key = "{key}"'))
    served = await serve(path)
    renewed = self_signed(tmp_path, "localhost")
    shutil.copy(renewed.certificate, certificate)
    configure(path, ("mx.police", "mx2.police"))
    hang_up(served)
    (refused,) = await served.logged("configuration_refused")
    assert "smtp.tls_certificate" in refused
    await says_hello(served, localhost.client(), "mx.police.example")
    shutil.copy(renewed.key, key)
    hang_up(served)
    await reloaded(served, path)
    for _ in range(4):
        await says_hello(served, renewed.client(), "mx2.police.example")
    assert await ended(served.process) == 0


async def says_hello(served: Served, trust: ssl.SSLContext, name: str) -> None:
    client = await served.client()
    await client.start_tls(trust)
    assert name in await client.say("EHLO client.example", "250")
    await client.close()


async def test_what_only_a_start_obeys_is_named_and_the_rest_is_in_force(
    path: Path, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    configure(path, ("liaison.db", "other.db"), ("mx.police", "mx2.police"))
    hang_up(served)
    await reloaded(served, path)
    named = await served.logged("key_needs_restart")
    assert all("store.url" in line for line in named)
    hang_up(served)  # it is not in force, however often it is read
    await served.logged("key_needs_restart", 2 * len(named))
    client = await served.client()
    assert "mx2.police.example" in await client.say("EHLO client.example", "250")
    await client.mail("liaison@mission.example", ["desk@police.example"], LISTED, expect="250")
    await client.close()
    assert not (path.parent / "other.db").exists()
    assert await ended(served.process) == 0


async def test_a_worker_does_not_mind_a_hangup_of_its_own(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
    served = await serve(path)
    before = await served.children()
    for pid in before:
        os.kill(pid, signal.SIGHUP)
    for _ in range(4):
        await served.send()
    assert await served.children() == before
    assert await ended(served.process) == 0


async def test_policy_changes_are_in_force_while_the_database_is_away(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    postgres.shut(postgres_database)
    path = on_postgres.settings.file
    configure(path, ('"dispatch@police.example"', '"dispatch@police.example", "desk@police.example"'))
    on_postgres.service.obey(load(path, {}))
    await on_postgres.send("liaison@mission.example", ["desk@police.example"], LISTED, expect="451 4.3.0")
    assert [message.recipients for message in on_postgres.next_hop.messages] == [["desk@police.example"]]
    configure(path, ('mode = "auto"', 'mode = "observe"'))
    on_postgres.service.obey(load(path, {}))
    await on_postgres.send("other@mission.example", ["clerk@police.example"], LISTED, expect="250 2.0.0")
    postgres.reopen(postgres_database)


async def test_who_was_served_first_is_remembered_over_a_reload(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    postgres.shut(postgres_database)
    for _ in range(2):
        await on_postgres.send("liaison@mission.example", ["dispatch@police.example"], LISTED, expect="451 4.3.0")
        on_postgres.service.obey(load(on_postgres.settings.file, {}))
    assert len(on_postgres.next_hop.messages) == 1
    postgres.reopen(postgres_database)


async def test_mail_that_waits_for_a_way_out_leaves_by_one_that_is_configured_now(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
        configure(path, ("[collation]", f'[outbound]\nsmarthost = "127.0.0.1:{smarthost.port}"\n[collation]'))
        gateway.service.obey(load(path, {}))
        (report,) = await smarthost.arrived(within=20)
        assert report.recipients == ["collation@ildc.example"]
