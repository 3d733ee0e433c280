from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, text

from filters.lists import ListEntry
from gateway.errors import StoreError
from gateway.model.audit import AuditEntry
from gateway.model.case import Case, Delivery, Note
from gateway.store import schema
from gateway.store.engine import open_engine
from gateway.store.tables import metadata
from gateway.store.unit_of_work import Store
from gateway.store.upgrading import alembic_configuration
from tests.support.databases import TEST_SEAL

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.support.clocks import StoppedClock


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_the_migrations_make_exactly_the_tables_of_the_schema(database_url: str) -> None:
    engines = open_engine(database_url)
    async with engines.reader.connect() as connection:
        found = await connection.run_sync(differences)
    await engines.close()
    assert found == []


def test_a_purge_sees_every_table_although_nobody_else_has_imported_one() -> None:
    asked = "import gateway.store.disposals; print(*gateway.store.disposals.metadata.tables)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert set(told.stdout.split()) == set(metadata.tables)


async def test_the_migrations_make_the_partial_indexes_of_the_schema(database_url: str) -> None:
    engines = open_engine(database_url)
    catalogue = "sqlite_master WHERE sql" if database_url.startswith("sqlite") else "pg_indexes WHERE indexdef"
    async with engines.reader.connect() as connection:
        found = await connection.execute(text(f"SELECT count(*) FROM {catalogue} LIKE '%UNIQUE%WHERE%'"))  # noqa: S608
        assert found.scalar_one() == 5
    await engines.close()


@pytest.mark.parametrize(
    ("table", "model", "elsewhere"),
    [
        (schema.cases, Case, set()),
        (schema.deliveries, Delivery, {"id", "case_id"}),
        (schema.notes, Note, {"id", "case_id"}),
        (schema.audit_entries, AuditEntry, set()),
        (schema.sender_entries, ListEntry, {"id", "added_in", "removed_in"}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_columns_carry_the_names_of_the_models_fields(table: Table, model: type[Case], elsewhere: set[str]) -> None:
    assert set(table.c.keys()) - elsewhere == {field.name for field in fields(model)}


async def test_a_new_store_is_created_from_nothing(empty_database_url: str, clock: StoppedClock) -> None:
    store = Store.open(empty_database_url, TEST_SEAL, clock)
    await store.upgrade()
    state = await store.schema_state()
    await store.close()
    assert state.up_to_date
    assert state.current == state.head


async def test_the_head_is_the_one_that_alembic_finds(database_url: str, clock: StoppedClock) -> None:
    store = Store.open(database_url, TEST_SEAL, clock)
    state = await store.schema_state()
    await store.close()
    assert state.head == ScriptDirectory.from_config(alembic_configuration()).get_current_head()


async def test_upgrading_twice_changes_nothing(empty_database_url: str, clock: StoppedClock) -> None:
    store = Store.open(empty_database_url, TEST_SEAL, clock)
    await store.upgrade()
    async with store.begin() as work:
        await work.values.put("mode", "assist")
    await store.upgrade()
    async with store.reading() as work:
        assert await work.values.get("mode") == "assist"
    await store.close()


async def test_several_nodes_may_upgrade_at_once(empty_database_url: str, clock: StoppedClock) -> None:
    stores = [Store.open(empty_database_url, TEST_SEAL, clock) for _ in range(4)]
    await asyncio.gather(*(store.upgrade() for store in stores))
    assert (await stores[0].schema_state()).up_to_date
    for store in stores:
        await store.close()


async def test_an_empty_database_is_told_from_a_migrated_one(empty_postgres_url: str, clock: StoppedClock) -> None:
    store = Store.open(empty_postgres_url, TEST_SEAL, clock)
    state = await store.schema_state()
    await store.close()
    assert state.current is None
    assert not state.up_to_date


async def test_a_database_of_a_newer_version_is_left_alone(database_url: str, clock: StoppedClock) -> None:
    engines = open_engine(database_url)
    async with engines.writer.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engines.close()
    store = Store.open(database_url, TEST_SEAL, clock)
    with pytest.raises(StoreError, match="newer version"):
        await store.upgrade()
    await store.close()


async def test_only_its_owner_may_read_a_new_database_file(tmp_path: Path, clock: StoppedClock) -> None:
    file = tmp_path / "new" / "liaison.db"
    store = Store.open(f"sqlite:///{file}", TEST_SEAL, clock)
    await store.upgrade()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file.parent, file, file.with_name("liaison.db-wal"))]
    await store.close()
    assert modes == [0o700, 0o600, 0o600]


async def test_a_file_name_is_percent_encoded_in_the_url(tmp_path: Path, clock: StoppedClock) -> None:
    file = tmp_path / "a%20b #c? é" / "liaison.db"
    store = Store.open(f"sqlite:///{quote(str(file))}", TEST_SEAL, clock)
    await store.upgrade()
    await store.close()
    assert list(tmp_path.iterdir()) == [file.parent]
    assert file.stat().st_size > 0
