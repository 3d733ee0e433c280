"""What a person decided before there were statistics is found in the audit log when the tables are migrated."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from alembic import command
from sqlalchemy import text

from gateway.store.engine import open_engine
from gateway.store.unit_of_work import Store
from gateway.store.upgrading import alembic_configuration
from tests.support.clocks import NOON
from tests.support.databases import TEST_SEAL
from tests.support.records import a_case, record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.support.clocks import StoppedClock

STATISTICS = "DROP TABLE first_decisions"
INDEXES = ("ix_cases_statistics", "ix_cases_missions", "ix_outbox_items_queue")
AUDIT_INDEXES = ("ix_audit_entries_action", "ix_audit_entries_actor", "ix_audit_entries_at")


def _again(connection: Connection) -> None:
    """Take away what the revision makes, and let it run once more."""
    for statement in (STATISTICS, *(f"DROP INDEX {name}" for name in (*INDEXES, *AUDIT_INDEXES))):
        connection.execute(text(statement))
    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    command.stamp(configuration, "0003")
    command.upgrade(configuration, "0004")
    command.stamp(configuration, "head")


async def test_the_first_decision_of_a_person_is_taken_from_the_audit_log(
    database_url: str, clock: StoppedClock
) -> None:
    store = Store.open(database_url, TEST_SEAL, clock)
    async with store.begin() as work:
        decided, by_itself = [await record(work, replace(a_case(), received_at=NOON)) for _ in range(2)]
        await work.audit.append("gateway", "report-requested", decided.reference, {})
        clock.advance(3600)
        await work.audit.append("console:ann", "content-viewed", decided.reference, {})
        await work.audit.append("console:ann", "decline-requested", decided.reference, {})
        clock.advance(3600)
        await work.audit.append("console:bob", "case-handled", decided.reference, {})
        await work.audit.append("gateway", "decline-requested", by_itself.reference, {})
    engines = open_engine(database_url)
    async with engines.migrator.begin() as connection:
        await connection.run_sync(_again)
    await engines.close()
    async with store.reading() as work:
        assert await work.statistics.decision_seconds(NOON, NOON + timedelta(days=1)) == [3600]
    await store.close()
