"""What monitoring is told: numbers that are true of the mail that passed, and whether mail may be sent here."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import psycopg

from gateway.clock import SystemClock
from gateway.desk import open_desk
from gateway.errors import StoreError
from gateway.metrics.readiness import Readiness
from gateway.operations.rulebooks import Rulebooks
from gateway.operations.watching import ANSWER_WITHIN, Watching
from gateway.settings import load
from gateway.supervisor import Role, Service
from tests.support.dialogue import Dialogue
from tests.support.gateway import port_of, write_configuration
from tests.support.monitoring import ask, scrape
from tests.support.served import CLEAN, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gateway.store.unit_of_work import Store
    from tests.support.certificates import Certificate
    from tests.support.clocks import StoppedClock
    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running
    from tests.support.monitoring import Numbers
    from tests.support.mta import ScriptedMTA
    from tests.support.passage import Passage
    from tests.support.served import Served

__all__ = ["serve"]

LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
SENDER = "liaison@mission.example"
DESK = ["desk@police.example"]


async def until(port: int, condition: Callable[[Numbers], bool]) -> Numbers:
    """The first scrape for which it holds."""
    async with asyncio.timeout(20):
        while not condition(numbers := await scrape(port)):
            await asyncio.sleep(0.1)
    return numbers


# --- mail -------------------------------------------------------------------------------------------------------------


async def test_every_mail_transaction_is_counted_as_what_it_was(gateway: Running) -> None:
    gateway.next_hop.script = lambda stage, _: "550 5.1.1 no such user" if "nobody@" in stage else None
    await gateway.desk.outboxkeeping.pause("", actor="test:it")  # the notice would come by a connection of its own
    await gateway.send("resident@town.example", [*DESK, "chief@police.example"], CLEAN)
    await gateway.send(SENDER, DESK, LISTED)
    await gateway.send("resident@town.example", DESK, b"X-Liaison-Flag: forged\r\n" + CLEAN)
    client = await gateway.client()
    await client.say("MAIL FROM:<resident@town.example>", "250")
    await client.say("RCPT TO:<nobody@police.example>", "550 5.1.1")
    await client.say("RCPT TO:<somebody@elsewhere.example>", "550 5.7.1")
    await client.say("RSET", "250")
    await client.say("MAIL FROM:<resident@town.example>", "250")
    await client.say("RSET", "250")
    opened = "liaison_next_hop_connections_total"  # by the first message, and perhaps by the start, to learn
    numbers = await until(gateway.metrics, lambda seen: seen(opened, result="opened") == len(gateway.next_hop.links))
    transactions = "liaison_smtp_transactions_total"
    assert numbers(transactions, tier="clear", reply="2xx") == 2
    assert numbers(transactions, tier="unverified", reply="2xx") == 1
    assert numbers(transactions, tier="clear", reply="5xx") == 1
    assert numbers(transactions, tier="clear", reply="abandoned") == 1
    assert numbers.total(transactions) == 5
    assert numbers("liaison_smtp_recipients_total", reply="2xx") == 4
    assert numbers("liaison_smtp_recipients_total", reply="5xx") == 2
    assert numbers("liaison_smtp_connections_total") == 4
    assert numbers("liaison_smtp_connections_open") == 1
    assert numbers("liaison_fields_removed_total") == 1
    octets = len(CLEAN) + len(LISTED) + len(b"X-Liaison-Flag: forged\r\n" + CLEAN)
    assert numbers("liaison_smtp_message_bytes_total") == octets
    assert numbers("liaison_smtp_answer_seconds_count") == 3
    assert 0 < numbers("liaison_smtp_answer_seconds_sum") < 60
    assert numbers(opened, result="failed") == 0
    assert numbers.total("liaison_faults_total") == 0


async def test_the_record_and_the_outbox_are_told(gateway: Running) -> None:
    gateway.smarthost.script = lambda stage, _: "451 4.7.1 later" if stage.startswith("MAIL") else None
    await gateway.send(SENDER, DESK, LISTED)
    numbers = await until(
        gateway.metrics, lambda seen: seen("liaison_outbox_attempts_total", purpose="report", outcome="try_later") > 0
    )
    assert numbers("liaison_store_up") == 1
    assert numbers("liaison_cases_open") == 1
    assert numbers("liaison_cases_undecided", decision="delivery") == 1
    assert numbers("liaison_cases_undecided", decision="decline") == 1
    assert numbers("liaison_cases_undecided", decision="report") == 0
    assert numbers("liaison_outbox_items", purpose="report", state="waiting") == 1
    assert numbers("liaison_outbox_items", purpose="decline", state="waiting") == 0
    assert 0 < numbers("liaison_outbox_oldest_waiting_seconds") < 60
    assert numbers("liaison_mode_info", mode="auto") == 1
    assert numbers("liaison_rulebook_entries") == 3
    assert numbers("liaison_rulebook_version") == 1
    assert numbers("process_resident_memory_bytes") > 10**7
    assert not numbers.has("liaison_workers")


async def test_a_connection_that_is_turned_away_is_counted_with_its_reason(passage: Passage) -> None:
    gateway = await passage.open(smtp="max_connections_per_client = 2")
    for _ in range(2):
        await gateway.client()
    refused = await gateway.client(hello=None)
    await refused.hear("421 4.7.0")
    numbers = await scrape(gateway.metrics)
    assert numbers("liaison_smtp_connections_refused_total", reason="per_client") == 1
    assert numbers.total("liaison_smtp_connections_refused_total") == 1
    assert numbers("liaison_smtp_connections_open") == numbers("liaison_smtp_connections_total") == 2


async def test_handshakes_are_counted_and_what_comes_ahead_of_one_is_a_violation(
    passage: Passage, localhost: Certificate
) -> None:
    gateway = await passage.open(smtp=f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"')
    await (await gateway.client()).start_tls(localhost.client())
    noise = await gateway.client()
    await noise.say("STARTTLS", "220")
    noise.send(b"this is no handshake\r\n")
    await noise.closed()
    early = await gateway.client()
    early.send(b"STARTTLS\r\nNOOP\r\n")
    await early.hear("502")
    numbers = await until(gateway.metrics, lambda seen: seen.total("liaison_smtp_tls_handshakes_total") == 2)
    assert numbers("liaison_smtp_tls_handshakes_total", result="done") == 1
    assert numbers("liaison_smtp_tls_handshakes_total", result="failed") == 1
    assert numbers("liaison_smtp_protocol_violations_total") == 1


async def test_a_next_hop_that_is_down_is_counted(tmp_path: Path, passage: Passage, next_hop: ScriptedMTA) -> None:
    await next_hop.stop()
    gateway = await passage.open()
    numbers = await until(gateway.metrics, lambda seen: seen("liaison_next_hop_connections_total", result="failed") > 0)
    assert numbers("liaison_next_hop_connections_total", result="opened") == 0
    assert (await ask(gateway.metrics, "/readyz")).status == 200  # mail may come: it is told to try again


async def test_no_page_holds_anything_of_anybodys_mail(gateway: Running) -> None:
    await gateway.send(SENDER, DESK, LISTED)
    await gateway.send("resident@town.example", DESK, CLEAN)
    for path in ("/metrics", "/readyz", "/healthz", "/elsewhere"):
        body = (await ask(gateway.metrics, path)).body
        assert "example" not in body
        assert "@" not in body


# --- several processes ------------------------------------------------------------------------------------------------


async def test_what_workers_count_is_added_up_and_outlives_them(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
    served = await serve(path)
    before = await served.children()
    for _ in range(10):
        await served.send()
    held = [await Dialogue.open(served.port) for _ in range(6)]
    numbers = await scrape(served.metrics)
    assert numbers("liaison_smtp_transactions_total", tier="clear", reply="2xx") == 10
    assert numbers("liaison_workers") == 2
    assert numbers("liaison_smtp_connections_open") == 6
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    gone = await until(served.metrics, lambda seen: seen("liaison_workers_died_total") == 2)
    assert gone("liaison_smtp_transactions_total", tier="clear", reply="2xx") == 10
    await until(served.metrics, lambda seen: seen("liaison_workers") == 2)
    assert not set(before) & set(await served.children())
    for _ in range(10):
        await served.send()
    for client in held:
        await client.close()
    numbers = await until(served.metrics, lambda seen: seen("liaison_smtp_connections_open") == 0)
    assert numbers("liaison_smtp_transactions_total", tier="clear", reply="2xx") == 20
    assert numbers("liaison_worker_resident_memory_bytes", worker="1") > 10**7


async def test_it_is_not_ready_while_no_worker_runs(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
    served = await serve(path)
    assert (await ask(served.metrics, "/readyz")).status == 200
    for worker in await served.children():
        os.kill(worker, signal.SIGKILL)
    async with asyncio.timeout(5):
        while (answer := await ask(served.metrics, "/readyz")).status == 200:
            await asyncio.sleep(0.02)
    assert answer.status == 503
    assert answer.body.startswith("No SMTP worker runs: ")


async def test_what_was_open_in_a_worker_goes_with_it_and_with_it_alone(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
    served = await serve(path)
    clients = [await Dialogue.open(served.port) for _ in range(16)]
    assert (await scrape(served.metrics))("liaison_smtp_connections_open") == 16
    os.kill((await served.children())[0], signal.SIGKILL)
    numbers = await until(served.metrics, lambda seen: seen("liaison_workers_died_total") == 1)
    living = [client for client in clients if await is_heard(client)]
    assert numbers("liaison_smtp_connections_open") == len(living)
    for client in clients:
        await client.close()


async def is_heard(client: Dialogue) -> bool:
    try:
        await client.say("NOOP", "250")
    except (OSError, asyncio.IncompleteReadError):
        return False
    return True


# --- readiness --------------------------------------------------------------------------------------------------------


async def test_a_gateway_that_takes_mail_is_alive_and_ready(gateway: Running) -> None:
    assert [(await ask(gateway.metrics, path)).status for path in ("/healthz", "/readyz", "/", "/metrics/")] == [
        200, 200, 404, 404,
    ]  # fmt: skip


async def test_without_the_store_it_is_alive_but_not_ready_and_the_counters_are_told(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    gateway = on_postgres
    postgres.shut(postgres_database)
    await gateway.send("resident@town.example", DESK, CLEAN)
    await gateway.send(SENDER, DESK, LISTED, expect="451 4.3.0")
    ready = await ask(gateway.metrics, "/readyz")
    assert ready.status == 503
    assert ready.body.startswith("The database could not do its work: ")
    assert ready.body.endswith(
        ": see that it runs and can be reached; listed mail is asked to come back until it does.\n"
    )
    assert (await ask(gateway.metrics, "/healthz")).status == 200
    numbers = await scrape(gateway.metrics)
    assert numbers("liaison_store_up") == 0
    assert not numbers.has("liaison_outbox_items")
    assert numbers("liaison_smtp_transactions_total", tier="clear", reply="2xx") == 1
    assert numbers("liaison_smtp_transactions_total", tier="unverified", reply="4xx") == 1
    assert numbers("liaison_store_failures_total") >= 1
    postgres.reopen(postgres_database)
    async with asyncio.timeout(10):
        while (await ask(gateway.metrics, "/readyz")).status != 200:
            await asyncio.sleep(0.1)
    assert (await scrape(gateway.metrics))("liaison_store_up") == 1


async def test_a_store_that_hangs_holds_up_neither_monitoring_nor_mail(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    gateway = on_postgres
    with psycopg.connect(postgres.url(postgres_database)) as other:
        other.execute("LOCK TABLE cases, stored_values IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(2 * ANSWER_WITHIN):  # asked once for a page, whatever the page tells
            asked = [asyncio.ensure_future(scrape(gateway.metrics)) for _ in range(3)]
            ready = await ask(gateway.metrics, "/readyz")
            await gateway.send("resident@town.example", DESK, CLEAN)
            numbers = await asyncio.gather(*asked)
    assert ready.status == 503
    assert ready.body.startswith("The database did not answer within 2 s: ")
    assert [seen("liaison_store_up") for seen in numbers] == [0, 0, 0]
    assert (await scrape(gateway.metrics))("liaison_store_up") == 1


async def test_from_sigterm_on_it_is_not_ready_while_mail_in_hand_ends(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url))
    client = await Dialogue.open(served.port)
    await client.say("MAIL FROM:<resident@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "250")
    served.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        while (answer := await ask(served.metrics, "/readyz")).status == 200:
            await asyncio.sleep(0.02)
    assert (answer.status, answer.body.split(":")[0]) == (503, "The gateway is stopping")
    await client.content(CLEAN, "250")
    await client.close()
    async with asyncio.timeout(20):
        assert await served.process.wait() == 0


async def test_whatever_ends_the_service_it_is_not_ready_while_mail_in_hand_ends(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA
) -> None:
    settings = load(write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url), {})
    async with open_desk(settings, SystemClock()) as desk:
        service = Service(settings, desk.foundation, Role.ALL)
        await service.start()
        client = await Dialogue.open(port_of(service.where(), "smtp"))
        await client.say("MAIL FROM:<resident@town.example>", "250")
        stopping = asyncio.ensure_future(service.stop())
        await asyncio.sleep(0)
        answer = await ask(port_of(service.where(), "metrics"), "/readyz")
        await client.close()
        await stopping
    assert (answer.status, answer.body.split(":")[0]) == (503, "The gateway is stopping")


async def test_before_the_rulebook_is_loaded_it_is_not_ready(store: Store, clock: StoppedClock) -> None:
    rulebooks = Rulebooks(store, clock, mode="auto", policy={}, emergency=frozenset())  # type: ignore[arg-type]
    readiness = Readiness(unready=lambda: "", rulebooks=rulebooks, watching=Watching(store))
    assert await readiness.troubles() == ["The rulebook is not loaded: look for `store_failed` in the log."]
    await rulebooks.load()
    assert await readiness.troubles() == []


async def test_everything_that_is_wrong_is_said_at_once(store: Store, clock: StoppedClock) -> None:
    class Away:
        def reading(self) -> object:
            raise StoreError("The database could not do its work: away")

    rulebooks = Rulebooks(store, clock, mode="auto", policy={}, emergency=frozenset())  # type: ignore[arg-type]
    watching = Watching(Away())  # type: ignore[arg-type]
    troubles = await Readiness(unready=lambda: "Stopping.", rulebooks=rulebooks, watching=watching).troubles()
    assert [trouble.split(":")[0] for trouble in troubles] == [
        "Stopping.",
        "The rulebook is not loaded",
        "The database could not do its work",
    ]
