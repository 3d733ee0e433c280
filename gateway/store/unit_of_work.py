"""The store: opens units of work on the database, and keeps its schema up to date.

Never retries: a unit of work is done as a whole or not at all, and who asked for it decides what follows. Trouble
with the database leaves a unit of work as StoreError.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from sqlalchemy import text

from gateway.store import migrating
from gateway.store.audit import Audit
from gateway.store.cases import Cases
from gateway.store.database_file import create_sqlite_file, is_there
from gateway.store.deliveries import Deliveries
from gateway.store.engine import PATIENCE, database_trouble, open_engine
from gateway.store.ledger import Ledger
from gateway.store.limits import Limits
from gateway.store.messages import Messages
from gateway.store.outbox import Outbox
from gateway.store.sealing import SMALL, seal_aside
from gateway.store.senders import Senders
from gateway.store.sqlite_file import cut_off_log
from gateway.store.values import Values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.store.alerts import Alerts
    from gateway.store.answers import Answers
    from gateway.store.backlog import Backlogs
    from gateway.store.case_files import CaseFiles
    from gateway.store.case_list import CaseListing
    from gateway.store.digests import Digests
    from gateway.store.disposals import Disposals
    from gateway.store.engine import Connection, Engines
    from gateway.store.forwards import Forwards
    from gateway.store.holds import Holds
    from gateway.store.lateness import Latenesses
    from gateway.store.list_records import ListRecords
    from gateway.store.migrating import SchemaState
    from gateway.store.notes import Notes
    from gateway.store.people import People
    from gateway.store.sealed_rows import SealedRows
    from gateway.store.sealing import Seal, Sealed
    from gateway.store.sessions import Sessions
    from gateway.store.statistics import Statistics
    from gateway.store.tracing import Traces

_UPGRADE_LOCK = 0x4C474154455741
"""The advisory lock that lets one node at a time migrate; any number that nobody else uses."""

_UPGRADE_PATIENCE = "300s"


class Work:
    """One unit of work: everything read and written through it is one transaction.

    Its rooms are opened when they are first asked for: most units need two or three. What mail needs is imported with
    this module, so that no message waits for it; the rest where it is asked for, which a process that only takes mail
    never does.
    """

    def __init__(self, connection: Connection, seal: Seal, clock: Clock) -> None:
        self._connection = connection
        self._seal = seal
        self._clock = clock

    @cached_property
    def cases(self) -> Cases:
        """Cases, as they were made and as they stand."""
        return Cases(self._connection)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What became of each recipient's copy."""
        return Deliveries(self._connection)

    @cached_property
    def messages(self) -> Messages:
        """The originals, sealed."""
        return Messages(self._connection, self._seal)

    @cached_property
    def outbox(self) -> Outbox:
        """Mail of ours that waits, leaves or has left."""
        return Outbox(self._connection, self._seal)

    @cached_property
    def limits(self) -> Limits:
        """What has been started today, and the windows of senders."""
        return Limits(self._connection)

    @cached_property
    def senders(self) -> Senders:
        """The lists."""
        return Senders(self._connection)

    @cached_property
    def ledger(self) -> Ledger:
        """Who has written, by day."""
        return Ledger(self._connection)

    @cached_property
    def audit(self) -> Audit:
        """The audit log."""
        return Audit(self._connection, self._clock)

    @cached_property
    def values(self) -> Values:
        """Single values."""
        return Values(self._connection)

    @cached_property
    def list_records(self) -> ListRecords:
        """What the lists were, and what their entries met."""
        from gateway.store.list_records import ListRecords

        return ListRecords(self._connection)

    @cached_property
    def case_files(self) -> CaseFiles:
        """Cases with what hangs on them."""
        from gateway.store.case_files import CaseFiles

        return CaseFiles(self._connection)

    @cached_property
    def case_list(self) -> CaseListing:
        """Cases page by page."""
        from gateway.store.case_list import CaseListing

        return CaseListing(self._connection)

    @cached_property
    def notes(self) -> Notes:
        """Notes on cases."""
        from gateway.store.notes import Notes

        return Notes(self._connection)

    @cached_property
    def forwards(self) -> Forwards:
        """Mail that officers forwarded."""
        from gateway.store.forwards import Forwards

        return Forwards(self._connection)

    @cached_property
    def answers(self) -> Answers:
        """Answers of the collation address, and amendments."""
        from gateway.store.answers import Answers

        return Answers(self._connection)

    @cached_property
    def digests(self) -> Digests:
        """The daily digest."""
        from gateway.store.digests import Digests

        return Digests(self._connection)

    @cached_property
    def backlogs(self) -> Backlogs:
        """What waits, in numbers."""
        from gateway.store.backlog import Backlogs

        return Backlogs(self._connection)

    @cached_property
    def latenesses(self) -> Latenesses:
        """What is late."""
        from gateway.store.lateness import Latenesses

        return Latenesses(self._connection)

    @cached_property
    def alerts(self) -> Alerts:
        """Trouble that stands, and who looks for it."""
        from gateway.store.alerts import Alerts

        return Alerts(self._connection)

    @cached_property
    def traces(self) -> Traces:
        """What is on record about one message."""
        from gateway.store.tracing import Traces

        return Traces(self._connection)

    @cached_property
    def people(self) -> People:
        """Accounts."""
        from gateway.store.people import People

        return People(self._connection, self._seal)

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        from gateway.store.sessions import Sessions

        return Sessions(self._connection)

    @cached_property
    def statistics(self) -> Statistics:
        """Numbers by month."""
        from gateway.store.statistics import Statistics

        return Statistics(self._connection)

    @cached_property
    def sealed_rows(self) -> SealedRows:
        """Everything that is sealed, for new keys."""
        from gateway.store.sealed_rows import SealedRows

        return SealedRows(self._connection, self._seal)

    @cached_property
    def holds(self) -> Holds:
        """Legal holds."""
        from gateway.store.holds import Holds

        return Holds(self._connection)

    @cached_property
    def disposals(self) -> Disposals:
        """Purges and their certificates."""
        from gateway.store.disposals import Disposals

        return Disposals(self._connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What the store is on. `octets` is its size; of the schema, `revision` is the one it is at."""

    kind: str
    version: str
    octets: int
    revision: str


_ONLY_READ = text("SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean")
_A_STANDBY = "The database is a standby, which can only be read"
_FROZEN = "The database can only be read: default_transaction_read_only is on for it"


class Store:
    """One database. Safe to share between the tasks of one event loop; each node opens its own."""

    def __init__(self, url: str, engines: Engines, seal: Seal, clock: Clock) -> None:
        self._url = url
        self._engines = engines
        self._seal = seal
        self._clock = clock
        self._sealing = asyncio.Lock()

    @classmethod
    def open(cls, url: str, seal: Seal, clock: Clock, *, patience: float = PATIENCE, known: str | None = None) -> Self:
        """A store at `sqlite:///path` or `postgresql://…`; connects with the first unit of work.

        `patience`: seconds to wait for a lock or a connection. `known`: the secret of an SQLite file that another
        process has seen; None takes what is there. Raises ConfigurationError on a wrong URL.
        """
        return cls(url, open_engine(url, patience=patience, known=known), seal, clock)

    def seal_with(self, seal: Seal) -> None:
        """Seal and open with these keys, from the next unit of work on."""
        self._seal = seal

    @property
    def is_missing(self) -> bool:
        """There is no database file; of PostgreSQL that can't be said without asking. StoreError if nobody can look."""
        return self._engines.file is not None and not is_there(self._engines.file)

    async def sealed(self, content: bytes, subject: str) -> Sealed:
        """What a unit of work is to store, sealed before it begins: that takes long where `content` is large.

        One large one at a time, in a thread: it stands in memory twice more meanwhile.
        """
        if len(content) <= SMALL:
            return self._seal.seal(content, subject)
        async with self._sealing:
            return await seal_aside(self._seal, content, subject)

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

    async def upgrade(self, *, makes: bool = True, migrates: bool = True) -> None:
        """Create or migrate the tables; nodes that start at once take turns. Raises StoreError.

        `makes`: a database file that is not there is made, and the tables of a database that is empty. `migrates`: the
        tables of an older version are brought to this one's.
        """
        if makes and self._engines.file is not None:
            create_sqlite_file(self._engines.file)
        with database_trouble():
            async with self._engines.migrator.begin() as connection:
                if connection.dialect.name == "postgresql":
                    await connection.execute(text(f"SET LOCAL lock_timeout = '{_UPGRADE_PATIENCE}'"))
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
                await connection.run_sync(migrating.upgrade, makes=makes, migrates=migrates)

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

    async def only_read(self) -> str:
        """Why a server that answers may only be read: it is a standby, or was frozen. "" where it can be written to."""
        if self._engines.file is not None:
            return ""
        with database_trouble():
            async with self._engines.reader.connect() as connection:
                standby, frozen = (await connection.execute(_ONLY_READ)).one()
        return _A_STANDBY if standby else _FROZEN if frozen else ""

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
        return Work(connection, self._seal, self._clock)


def _octets(file: Path) -> int:
    """Of the file, and of the log that is written before it."""
    log = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (log.stat().st_size if log.exists() else 0)
