"""Cases that were recorded before their entries had a table of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alembic import command
from sqlalchemy import text

from filters.lists import EntryKind, ListEntry
from gateway.store.engine import open_engine
from gateway.store.unit_of_work import Store
from gateway.store.upgrading import alembic_configuration
from tests.support.clocks import NOON
from tests.support.databases import TEST_SEAL
from tests.support.records import a_case, record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.support.clocks import StoppedClock


def _again(connection: Connection) -> None:
    """Take away what the revision makes, and let it run once more."""
    connection.execute(text("DROP TABLE case_entries"))
    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    command.stamp(configuration, "0004")
    command.upgrade(configuration, "0005")
    command.stamp(configuration, "head")


async def test_earlier_cases_get_the_entries_that_they_met(database_url: str, clock: StoppedClock) -> None:
    store = Store.open(database_url, TEST_SEAL, clock)
    async with store.begin() as work:
        listed = [
            ListEntry(kind=EntryKind.SUBTREE, value="mission.example"),
            ListEntry(kind=EntryKind.ADDRESS, value="a@mission.example"),
        ]
        await work.senders.change(listed, [], at=NOON, actor="admin", text="x")
        met = ("a@mission.example", "mission.example", "never.example")
        await record(work, replace(a_case(), entries=met, received_at=NOON))
        await record(work, replace(a_case(), entries=(), received_at=NOON))
    engines = open_engine(database_url)
    async with engines.migrator.begin() as connection:
        await connection.run_sync(_again)
    await engines.close()
    async with store.reading() as work:
        assert await work.list_records.hits(NOON) == {
            (EntryKind.SUBTREE, "mission.example"): (1, NOON),
            (EntryKind.ADDRESS, "a@mission.example"): (1, NOON),
        }
    await store.close()
