"""A purge disposes of what is due, keeps what must be kept, certifies it, and leaves a chain that verifies."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from gateway.errors import RefusedError
from gateway.events import Event
from gateway.model.audit import verify_chain
from gateway.model.case import ContactKind, Disposal
from gateway.model.certificate import certificate_text, digest_of
from gateway.model.disposal import PurgeRun
from gateway.model.retention import RetentionClass
from gateway.operations.holding import Holding
from gateway.operations.purging import BROKEN_OFF_AFTER, SLICE
from gateway.store.sealing import Seal
from gateway.store.tables import metadata
from gateway.store.unit_of_work import Store
from gateway.supervisor.purging import keep_purging
from tests.support.clocks import NOON
from tests.support.closed_cases import LETTER, SECRET_WORD, a_closed_case, hold, purging
from tests.support.records import an_item, record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.model.case import Case
    from tests.support.clocks import StoppedClock


class ComesToNothingError(Exception):
    pass


async def references(store: Store) -> set[str]:
    async with store.reading() as work:
        return {file.case.reference for file in await work.case_files.matching()}


async def several(store: Store) -> tuple[list[Case], list[Case]]:
    """Those that are due, and those that are not."""
    async with store.begin() as work:
        due = [
            await a_closed_case(work, days_ago=4000, reported=True),
            await a_closed_case(work, days_ago=731),
            await a_closed_case(work, days_ago=366, disposal=Disposal.DISMISSED),
        ]
        kept = [
            await a_closed_case(work, days_ago=3649, reported=True),
            await a_closed_case(work, days_ago=729),
            await a_closed_case(work, days_ago=364, disposal=Disposal.DISMISSED),
            await a_closed_case(work, days_ago=9000, kind=ContactKind.PHONE),
            await record(work),
        ]
    return due, kept


async def test_what_is_due_goes_and_all_other_stays(store: Store, clock: StoppedClock) -> None:
    due, kept = await several(store)
    verbs = purging(store, clock)
    found = await verbs.due()
    assert {kept_as: share.cases for kept_as, share in found.shares.items() if share.cases} == {
        RetentionClass.REPORTED: 1,
        RetentionClass.HANDLED: 1,
        RetentionClass.DISMISSED: 1,
    }
    assert found.shares[RetentionClass.REPORTED].octets == len(LETTER)
    assert found.shares[RetentionClass.REPORTED].oldest == NOON - timedelta(days=4000)
    done = await verbs.purge(found, actor="cli:ann")
    assert [one["reference"] for one in done.certificate["cases"]] == [case.reference for case in due]
    assert await references(store) == {case.reference for case in kept}
    assert not (await verbs.due()).going


async def test_a_case_on_legal_hold_or_with_mail_still_to_leave_stays(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        held = await a_closed_case(work, days_ago=800)
        waits = await a_closed_case(work, days_ago=800)
        await work.outbox.add([an_item(waits)])
        await hold(work, held)
        await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock)
    found = await verbs.due()
    assert (len(found.going), found.on_hold, found.unfinished) == (1, 1, 0)  # with a report that waits it is `reported`
    await verbs.purge(found, actor="cli:ann")
    assert await references(store) == {held.reference, waits.reference}


async def test_mail_that_waits_keeps_a_case_whatever_its_class(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        waits = await a_closed_case(work, days_ago=4000)
        await work.outbox.add([an_item(waits)])
    found = await purging(store, clock).due()
    assert (found.going, found.unfinished) == ([], 1)


async def test_a_hold_that_comes_after_the_look_is_obeyed(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        case = await a_closed_case(work, days_ago=800)
        again = await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock)
    found = await verbs.due()
    await Holding(store=store, clock=clock).place(case.reference, "a lawsuit", actor="cli:ann")
    async with store.begin() as work:
        await work.cases.reopen(again.stored_id)
    done = await verbs.purge(found, actor="cli:ann")
    assert done.certificate["cases"] == []
    assert await references(store) == {case.reference, again.reference}


async def test_nothing_of_a_disposed_case_is_left_in_any_table(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        await a_closed_case(work, days_ago=4000, reported=True)
    verbs = purging(store, clock)
    await verbs.purge(await verbs.due(), actor="cli:ann")
    async with store._engines.reader.connect() as connection:
        for table in metadata.sorted_tables:
            rows = (await connection.execute(table.select())).all()
            assert SECRET_WORD.lower() not in str(rows).lower(), table.name
            knows_cases = any(key.column.table.name == "cases" for key in table.foreign_keys)
            assert not (knows_cases and rows), table.name


async def test_the_audit_rows_stay_and_the_chain_verifies(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        case = await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock)
    done = await verbs.purge(await verbs.due(), actor="cli:ann")
    async with store.reading() as work:
        entries, head = await work.audit.entries(), await work.audit.head()
        about = await work.audit.entries(subject=case.reference)
    assert verify_chain(entries, head=head.hash) is None
    assert [one.action for one in about] == ["case.recorded", "case-handled", "case-disposed"]
    assert about[-1].detail["sha256"] == case.sha256
    assert entries[-1].action == "disposal-certified"
    assert entries[-1].detail == {"sha256": done.certificate["sha256"], "cases": "1"}


async def test_the_certificate_says_what_went_and_proves_itself(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        case = await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock)
    document = (await verbs.purge(await verbs.due(), actor="cli:ann")).certificate
    assert document["authority"] == "By-law 2026-1"
    assert document["sha256"] == digest_of(document)
    (line,) = document["cases"]
    assert (line["reference"], line["sha256"], line["class"], line["days"]) == (
        *(case.reference, case.sha256),
        *("handled", 730),
    )
    changed = {**document, "cases": [{**line, "size": 1}]}
    assert digest_of(changed) != document["sha256"]
    said = "\n".join(certificate_text(document))
    assert case.reference in said
    assert case.sha256 in said
    assert SECRET_WORD not in said
    assert await verbs.certificate(document["certificate"]) == document


async def test_a_purge_that_is_broken_off_is_certified_and_can_be_taken_up_again(
    store: Store, clock: StoppedClock
) -> None:
    async with store.begin() as work:
        for _ in range(45):
            await a_closed_case(work, days_ago=800, raw=b"From: a@b.example\r\n\r\n")
    verbs = purging(store, clock)

    def twice(items: Sequence[object], doing: str) -> Iterable[object]:
        yield from items[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await verbs.purge(await verbs.due(), actor="cli:ann", track=twice)  # type: ignore[arg-type]
    (run,) = await verbs.runs()
    assert len((await verbs.certificate(run.id))["cases"]) == 40
    done = await verbs.purge(await verbs.due(), actor="cli:ann")
    assert done.cases == 5
    assert await references(store) == set()


async def test_a_purge_that_was_killed_is_certified_by_the_next(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        for _ in range(2):
            await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock)
    run = await verbs._begin("cli:ann", "D1")
    await verbs._dispose(run, [(await verbs.due()).going[0][0]], None)  # and here the machine went down
    assert await verbs.finish_broken_off() == []  # it may be running on another node
    with pytest.raises(RefusedError, match="has not ended"):
        await verbs.certificate("D1")
    clock.advance(601)
    (left,) = await verbs.finish_broken_off()
    assert len(left["cases"]) == 1
    assert await verbs.finish_broken_off() == []


async def test_two_purges_at_once_take_each_case_once(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        for _ in range(30):
            await a_closed_case(work, days_ago=800, raw=b"From: a@b.example\r\n\r\n")
    verbs = purging(store, clock)
    due = await verbs.due()
    both = await asyncio.gather(*(verbs.purge(due, actor=f"cli:{name}") for name in ("ann", "bob")))
    assert sum(one.cases for one in both) == 30


async def test_the_daily_purge_goes_once_a_day_and_only_when_it_is_switched_on(
    store: Store, clock: StoppedClock
) -> None:
    async with store.begin() as work:
        await a_closed_case(work, days_ago=800)
    assert await purging(store, clock).purge_daily() is None
    verbs = purging(store, clock, automatic=True)
    done = await verbs.purge_daily()
    assert done is not None
    assert done.cases == 1
    async with store.begin() as work:
        await a_closed_case(work, days_ago=800)
    assert await verbs.purge_daily() is None
    clock.advance(86_400)
    assert await verbs.purge_daily() is not None


async def test_once_todays_purge_is_on_record_no_case_is_looked_through(postgres_url: str, clock: StoppedClock) -> None:
    store = Store.open(postgres_url, Seal(), clock)
    async with store.begin() as work:
        await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock, automatic=True)
    assert await verbs.purge_daily() is not None
    asked: list[str] = []
    assert isinstance(store._engines.reader, AsyncEngine)
    event.listen(store._engines.reader.sync_engine, "before_cursor_execute", lambda *of: asked.append(of[2]))
    assert await verbs.purge_daily() is None
    await store.close()
    assert asked
    assert not [statement for statement in asked if "FROM cases" in statement]


async def test_of_two_nodes_that_begin_the_daily_purge_at_once_the_second_leaves_it_and_nothing_has_failed(
    store: Store, clock: StoppedClock
) -> None:
    async with store.begin() as work:
        await a_closed_case(work, days_ago=800)
    verbs = purging(store, clock, automatic=True)
    begun = PurgeRun(id=f"D{NOON:%Y%m%d}-daily", begun_at=NOON, seen_at=NOON, actor="", ended_at=None, document="")
    with capture_logs() as lines:
        with suppress(ComesToNothingError):
            async with store.begin() as work:  # both look, then wait for this one, which comes to nothing
                assert await work.disposals.begin(begun)
                nodes = [asyncio.get_running_loop().create_task(keep_purging(lambda: verbs)) for _ in range(2)]
                await asyncio.sleep(0.5)
                raise ComesToNothingError
        async with asyncio.timeout(10):
            while len(lines) < 2:
                await asyncio.sleep(0.01)
        for node in nodes:
            node.cancel()
        await asyncio.gather(*nodes, return_exceptions=True)
    assert {line["event"] for line in lines} == {Event.CASES_DISPOSED, Event.PURGE_CONFLICT}


async def test_a_purge_that_another_node_took_for_broken_off_disposes_of_nothing_more(
    store: Store, clock: StoppedClock
) -> None:
    async with store.begin() as work:
        cases = [await a_closed_case(work, days_ago=800, number=number) for number in range(3 * SLICE)]
    verbs = purging(store, clock)
    slow = asyncio.get_running_loop().create_task(verbs.purge(await verbs.due(), actor="cli:ann"))
    async with asyncio.timeout(20):
        while len(await references(store)) == len(cases):
            await asyncio.sleep(0)
    clock.advance(BROKEN_OFF_AFTER.total_seconds() + 1)
    (document,) = await verbs.finish_broken_off()
    with pytest.raises(RefusedError, match="was ended by somebody else"):
        await slow
    certified = {one["reference"] for one in document["cases"]}
    assert certified | set(await references(store)) == {case.reference for case in cases}
    assert len(certified) < len(cases)


async def test_a_message_that_comes_anew_after_its_case_went_is_a_case_again_and_goes_again(
    store: Store, clock: StoppedClock
) -> None:
    """The reference is drawn from what the message is: it comes back too."""
    verbs = purging(store, clock)
    for _ in range(2):
        async with store.begin() as work:
            case = await a_closed_case(work, days_ago=800, number=7)
        done = await verbs.purge(await verbs.due(), actor="cli:ann")
        assert [one["reference"] for one in done.certificate["cases"]] == [case.reference]
    assert len(await verbs.runs()) == 2


async def test_a_day_narrows_a_purge_and_never_widens_it(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        await a_closed_case(work, days_ago=800)
        await a_closed_case(work, days_ago=900)
    verbs = purging(store, clock)
    assert len((await verbs.due(NOON - timedelta(days=850))).going) == 1
    assert len((await verbs.due(NOON)).going) == 2


async def test_the_octets_are_gone_from_the_sqlite_file_and_its_log(sqlite_url: str, clock: StoppedClock) -> None:
    """The rows' texts, and the sealed messages, which span many pages."""
    store = Store.open(sqlite_url, Seal(), clock)
    async with store.begin() as work:
        for number in range(20):
            raw = LETTER + Random(number).randbytes(30_000)
            await a_closed_case(work, days_ago=800 if number % 2 else 10, raw=raw)
    async with store.reading() as work:
        blobs = (await work.messages._connection.execute(text("SELECT blob FROM messages"))).scalars().all()
    traces = [
        SECRET_WORD.encode(),
        SECRET_WORD.lower().encode(),
        *(blob[at : at + 32] for blob in blobs for at in (9_000, 30_000)),
    ]
    assert all(is_in(sqlite_url, trace) for trace in traces)
    verbs = purging(store, clock)
    done = await verbs.purge(await verbs.due(), actor="cli:ann")
    assert (done.cases, done.erased) == (10, True)
    clock.advance(1000 * 86_400)
    await verbs.purge(await verbs.due(), actor="cli:ann")
    assert await references(store) == set()
    assert [trace for trace in traces if is_in(sqlite_url, trace)] == []
    await store.close()


def is_in(url: str, what: bytes) -> bool:
    """In the database file, or in the log beside it."""
    file = Path(url.removeprefix("sqlite:///"))
    return any(what in path.read_bytes() for path in (file, Path(f"{file}-wal")) if path.exists())


async def test_mail_goes_on_while_a_purge_runs(store: Store, clock: StoppedClock) -> None:
    """Each slice is a unit of work of its own: others commit between."""
    async with store.begin() as work:
        for _ in range(60):
            await a_closed_case(work, days_ago=800, raw=b"From: a@b.example\r\n\r\n")
    verbs = purging(store, clock)
    between: list[int] = []

    async def arriving() -> None:
        while True:
            async with store.begin() as work:
                await record(work)
                between.append(len(await work.disposals.closed(NOON, None, 100)))
            await asyncio.sleep(0.001)

    mail = asyncio.get_running_loop().create_task(arriving())
    await verbs.purge(await verbs.due(), actor="cli:ann")
    mail.cancel()
    await asyncio.gather(mail, return_exceptions=True)
    assert {20, 40} <= set(between)  # cases left, as seen by who records mail


async def test_the_removal_reaches_every_table_that_points_to_cases(store: Store) -> None:
    """A new table that knows of cases is found by its foreign key; one without such a key would be missed."""
    named = {table.name for table in metadata.sorted_tables if "case_id" in table.c}
    pointing = {
        table.name
        for table in metadata.sorted_tables
        if any(key.column.table.name == "cases" for key in table.foreign_keys)
    }
    assert named == pointing
