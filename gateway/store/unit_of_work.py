"""The store: opens units of work on the database, and keeps its schema up to date.

Never retries: a unit of work is done as a whole or not at all, and who asked for it decides what follows. Trouble
with the database leaves a unit of work as StoreError.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy import text

from gateway.store import migrating
from gateway.store.alerts import Alerts
from gateway.store.answers import Answers
from gateway.store.audit import Audit
from gateway.store.backlog import Backlogs
from gateway.store.case_list import CaseListing
from gateway.store.cases import Cases
from gateway.store.deliveries import Deliveries
from gateway.store.digests import Digests
from gateway.store.disposals import Disposals
from gateway.store.embedded import create_sqlite_file
from gateway.store.engine import PATIENCE, database_trouble, open_engine
from gateway.store.forwards import Forwards
from gateway.store.holds import Holds
from gateway.store.lateness import Latenesses
from gateway.store.ledger import Ledger
from gateway.store.limits import Limits
from gateway.store.list_records import ListRecords
from gateway.store.messages import Messages
from gateway.store.notes import Notes
from gateway.store.outbox import Outbox
from gateway.store.people import People
from gateway.store.sealed_rows import SealedRows
from gateway.store.senders import Senders
from gateway.store.sessions import Sessions
from gateway.store.sqlite_file import cut_off_log
from gateway.store.statistics import Statistics
from gateway.store.tracing import Traces
from gateway.store.values import Values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.store.engine import Connection, Engines
    from gateway.store.migrating import SchemaState
    from gateway.store.sealing import Seal

_UPGRADE_LOCK = 0x4C474154455741
"""The advisory lock that lets one node at a time migrate; any number that nobody else uses."""

_UPGRADE_PATIENCE = "300s"


@dataclass(frozen=True, slots=True)
class Work:
    """One unit of work: everything read and written through it is one transaction."""

    cases: Cases
    case_list: CaseListing
    deliveries: Deliveries
    messages: Messages
    notes: Notes
    forwards: Forwards
    answers: Answers
    outbox: Outbox
    limits: Limits
    digests: Digests
    backlogs: Backlogs
    latenesses: Latenesses
    alerts: Alerts
    traces: Traces
    senders: Senders
    list_records: ListRecords
    ledger: Ledger
    audit: Audit
    values: Values
    people: People
    sessions: Sessions
    statistics: Statistics
    sealed_rows: SealedRows
    holds: Holds
    disposals: Disposals


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What the store is on. `octets` is its size; of the schema, `revision` is the one it is at."""

    kind: str
    version: str
    octets: int
    revision: str


class Store:
    """One database. Safe to share between the tasks of one event loop; each node opens its own."""

    def __init__(self, url: str, engines: Engines, seal: Seal, clock: Clock) -> None:
        self._url = url
        self._engines = engines
        self._seal = seal
        self._clock = clock

    @classmethod
    def open(cls, url: str, seal: Seal, clock: Clock, *, patience: float = PATIENCE) -> Self:
        """A store at `sqlite:///path` or `postgresql://…`; connects with the first unit of work.

        `patience`: seconds to wait for a lock or a connection. Raises ConfigurationError on a wrong URL.
        """
        return cls(url, open_engine(url, patience=patience), seal, clock)

    def seal_with(self, seal: Seal) -> None:
        """Seal and open with these keys, from the next unit of work on."""
        self._seal = seal

    @property
    def is_missing(self) -> bool:
        """There is no database file yet; of PostgreSQL that can't be said without asking."""
        return self._engines.file is not None and not self._engines.file.exists()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        """A unit of work that writes: committed durably at the end, undone if an exception leaves it."""
        with database_trouble():
            async with self._engines.writer.begin() as connection:
                yield self._work(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Work]:
        """A unit of work that sees one snapshot; whatever it writes is undone or refused."""
        with database_trouble():
            async with self._engines.reader.connect() as connection:
                yield self._work(connection)

    async def upgrade(self) -> None:
        """Create or migrate the tables; nodes that start at once take turns. Raises StoreError."""
        if self._engines.file is not None:
            create_sqlite_file(self._engines.file)
        with database_trouble():
            async with self._engines.migrator.begin() as connection:
                if connection.dialect.name == "postgresql":
                    await connection.execute(text(f"SET LOCAL lock_timeout = '{_UPGRADE_PATIENCE}'"))
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
                await connection.run_sync(migrating.upgrade)

    async def schema_state(self) -> SchemaState:
        """The revision that the database is at, and the one that this program needs."""
        with database_trouble():
            async with self._engines.reader.connect() as connection:
                return await connection.run_sync(migrating.schema_state)

    async def clock_ahead(self) -> float:
        """Seconds that this node's clock is ahead of the database's; an SQLite file has no other clock."""
        if self._engines.file is not None:
            return 0.0
        with database_trouble():
            async with self._engines.reader.connect() as connection:
                theirs: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return (self._clock.now() - theirs).total_seconds()

    def disk_free(self) -> int | None:
        """Octets that are free where the database file is; None for a server. OSError if the directory is gone."""
        return shutil.disk_usage(self._engines.file.parent).free if self._engines.file is not None else None

    async def describe(self) -> Database:
        """Its kind, version and size."""
        revision = (await self.schema_state()).current or ""
        with database_trouble():
            async with self._engines.reader.connect() as connection:
                if self._engines.file is not None:
                    found: str = (await connection.execute(text("SELECT sqlite_version()"))).scalar_one()
                    size = await asyncio.to_thread(_octets, self._engines.file)
                    return Database(kind="SQLite", version=found, octets=size, revision=revision)
                found = (await connection.execute(text("SHOW server_version"))).scalar_one()
                size = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
                return Database(kind="PostgreSQL", version=found, octets=size, revision=revision)

    async def erase_traces(self) -> bool:
        """After a removal: let nothing of it stay in the log of an SQLite file. False while others read there."""
        if self._engines.file is None:
            return True
        return await asyncio.to_thread(cut_off_log, self._engines.file)

    @property
    def file(self) -> Path | None:
        """The database file of SQLite; None for a server."""
        return self._engines.file

    @property
    def url(self) -> str:
        """Where the database is, password and all."""
        return self._url

    async def close(self) -> None:
        """Close every connection; units of work must have ended."""
        await self._engines.close()

    def _work(self, connection: Connection) -> Work:
        return Work(
            cases=Cases(connection),
            case_list=CaseListing(connection),
            deliveries=Deliveries(connection),
            messages=Messages(connection, self._seal),
            notes=Notes(connection),
            forwards=Forwards(connection),
            answers=Answers(connection),
            outbox=Outbox(connection, self._seal),
            limits=Limits(connection),
            digests=Digests(connection),
            backlogs=Backlogs(connection),
            latenesses=Latenesses(connection),
            alerts=Alerts(connection),
            traces=Traces(connection),
            senders=Senders(connection),
            list_records=ListRecords(connection),
            ledger=Ledger(connection),
            audit=Audit(connection, self._clock),
            values=Values(connection),
            people=People(connection, self._seal),
            sessions=Sessions(connection),
            statistics=Statistics(connection),
            sealed_rows=SealedRows(connection, self._seal),
            holds=Holds(connection),
            disposals=Disposals(connection),
        )


def _octets(file: Path) -> int:
    """Of the file, and of the log that is written before it."""
    log = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (log.stat().st_size if log.exists() else 0)
