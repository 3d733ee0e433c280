"""SQLite in this process: one file, and connections whose brief statements run right where they are asked.

What may wait goes to a thread: the lock, the disk, and whatever reads or writes many rows. A statement that finds its
few rows by an index is done in microseconds, sooner than a thread has heard of it; `brief()` says that it is one.
PostgreSQL needs none of this: its driver waits for the server without a thread, and `brief()` means nothing to it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple, cast, overload

from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.errors import StoreError
from gateway.store.database_file import Known, identity, open_known

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Concatenate, ParamSpec

    from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, Row
    from sqlalchemy.sql.selectable import TypedReturnsRows

    P = ParamSpec("P")
    Values = Mapping[str, Any] | Sequence[Mapping[str, Any]]
    Result = CursorResult[*tuple[Any, ...]]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Statement = TypeVar("Statement", bound="Executable")

READING = ("BEGIN", "SELECT 1 FROM sqlite_schema LIMIT 1")
"""The snapshot is that of the first look, which may have to wait for another process that mends the file."""
WRITING = ("BEGIN IMMEDIATE",)
"""With the lock in hand: a unit that reads first and then writes may fail without waiting."""

_PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-512"),
    "secure_delete=ON",
)
"""Durable. What is removed is overwritten with zeros, not only marked free. What a statement may have to take back is
kept in memory: else a file is made and removed for it, with pieces of mail in it. 512 KiB of pages for each connection:
the system's own cache has them too."""

FEW = 20
"""Rows that one brief statement may write; and brief statements in a row before the event loop sees to others."""
_BRIEF = "liaison_brief"


def brief(statement: Statement) -> Statement:
    """The statement, marked as one that touches a few rows, none of them large, by an index."""
    return statement.execution_options(**{_BRIEF: True})


class SqliteEngine:
    """Connections to one file that begin in one way, at most `places` at a time. For one event loop."""

    def __init__(
        self, file: Path, begin: Sequence[str], *, places: int, patience: float, known: Known | None = None
    ) -> None:
        self._file = file
        self._known = known or Known()
        self._begin = begin
        self._patience = patience
        self._places = places
        self._free = asyncio.Semaphore(places)
        self._resting: list[SqliteConnection] = []
        self._engine = create_engine("sqlite://", creator=self._open, poolclass=NullPool, hide_parameters=True)

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's for SQLite."""
        return self._engine.dialect

    async def dispose(self) -> None:
        """Close every connection, those too whose unit of work was left while a thread worked for it."""
        taken = [await self._take_place() for _ in range(self._places)]
        for connection, _ in taken:
            connection.close()
            self._rest(connection)

    async def _take_place(self) -> tuple[SqliteConnection, float]:
        """A connection, and the seconds of patience that are left to wait for the file."""
        left = self._patience
        if not self._free.locked():
            await self._free.acquire()
        else:  # a timer only where somebody is in the way: it costs more than a brief statement
            try:
                async with asyncio.timeout(self._patience) as waiting:
                    await self._free.acquire()
            except TimeoutError as error:
                raise PoolTimeoutError("every connection is in use") from error
            left = max(0.0, (waiting.when() or 0.0) - asyncio.get_running_loop().time())
        return (self._resting.pop() if self._resting else SqliteConnection(self._engine, self._file)), left

    def _put_back(self, connection: SqliteConnection) -> None:
        connection.undo()
        self._rest(connection)

    def _rest(self, connection: SqliteConnection) -> None:
        self._resting.append(connection)
        self._free.release()

    def _open(self) -> sqlite3.Connection:
        connection = open_known(self._file, self._known, self._patience)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection


class SqliteReader(SqliteEngine):
    """Connections that read, each seeing one snapshot."""

    def __init__(self, file: Path, *, places: int, patience: float, known: Known | None = None) -> None:
        super().__init__(file, READING, places=places, patience=patience, known=known)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[SqliteConnection]:
        """A connection for one unit of work, which is undone at the end."""
        connection, patience = await self._take_place()
        try:
            await connection.begin(self._begin, patience)
            yield connection
        finally:
            connection.when_idle(partial(self._put_back, connection))


class SqliteWriter(SqliteEngine):
    """The one connection that writes.

    A unit of work that ends while others wait for their turn leaves its transaction to them: each is undone alone if it
    fails, and one COMMIT, one wait for the disk, is for all. None is told that it is done before that.
    """

    def __init__(self, file: Path, *, patience: float, known: Known | None = None) -> None:
        super().__init__(file, WRITING, places=1, patience=patience, known=known)
        self._committing: asyncio.Task[None] | None = None
        """Waits for its turn while the transaction of earlier units is open; then ends it."""
        self._lost = False
        """SQLite undid the open transaction, the work of earlier units with it."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteConnection]:
        """A connection for one unit of work, committed at the end, undone if an exception leaves it."""
        connection, patience = await self._take_place()
        joining = self._committing is not None
        try:
            if joining:
                connection.mark()
            else:
                await connection.begin(self._begin, patience)
            yield connection
        except BaseException:
            connection.when_idle(partial(self._take_back, connection, joining=joining))
            raise
        if self._committing is None:
            self._committing = asyncio.get_running_loop().create_task(self._commit())
            self._committing.add_done_callback(_let_go)
        committed = self._committing
        self._rest(connection)
        await asyncio.shield(committed)

    async def dispose(self) -> None:
        """Close the connection, when what was done is committed."""
        if self._committing is not None:
            await asyncio.wait([self._committing])
        await super().dispose()

    def _take_back(self, connection: SqliteConnection, *, joining: bool) -> None:
        if not joining or not connection.back_to_mark():
            self._lost = joining
            connection.undo()
        self._rest(connection)

    async def _commit(self) -> None:
        await self._free.acquire()  # behind all who wait now
        connection, self._committing = self._resting.pop(), None
        lost, self._lost = self._lost, False
        try:
            if lost:
                raise StoreError("The database undid this work when other work failed")
            await connection.commit()
        finally:
            connection.when_idle(partial(self._put_back, connection))


class SqliteConnection:
    """What a unit of work runs its statements on: the part of SQLAlchemy's AsyncConnection that the store uses."""

    def __init__(self, engine: Engine, file: Path) -> None:
        self.dialect = engine.dialect
        self._engine = engine
        self._file = file
        self._opened_as: tuple[int, int] | None = None
        """Which file it was that was opened."""
        self._opened: Connection | None = None
        self._in_a_row = 0
        self._thread: asyncio.Future[Any] | None = None
        """What a thread does for us, now or last."""

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Ts], parameters: Values | None = None
    ) -> CursorResult[*Ts]: ...
    @overload
    async def execute(self, statement: Executable, parameters: Values | None = None) -> Result: ...
    async def execute(self, statement: Executable, parameters: Values | None = None) -> Result:
        """The result, all of it: nothing is left open behind it."""
        if _BRIEF in statement.get_execution_options():
            self._in_a_row += 1
            if self._in_a_row % FEW == 0:
                await asyncio.sleep(0)
            return self._connection.execute(statement, parameters)
        return await self._in_a_thread(self._whole, statement, parameters)

    async def exec_driver_sql(self, statement: str) -> Result:
        """The same for SQL as text."""
        return await self._in_a_thread(self._connection.exec_driver_sql, statement)

    async def run_sync(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """What needs a connection of SQLAlchemy's synchronous kind, in a thread."""
        return await self._in_a_thread(partial(work, self._connection, *arguments, **named))

    @asynccontextmanager
    async def stream(self, statement: Executable) -> AsyncIterator[Slices]:
        """The rows of a long result, to be taken a slice at a time."""
        result = await self._in_a_thread(self._connection.execute, statement)
        try:
            yield Slices(self, result)
        finally:
            result.close()

    async def begin(self, statements: Sequence[str], patience: float) -> None:
        """Begin a transaction: at once if nobody is in the way, else with a thread that waits."""
        if self._opened is not None and self._opened_as != identity(self._file):
            self.close()  # and opened again: it may have been put back, or replaced by a copy of it
        if self._opened is None:
            self._opened = await self._in_a_thread(self._engine.connect)
            self._opened_as = identity(self._file)
        self._opened.begin()
        if not self._begins_at_once(statements, patience):
            for statement in statements:
                await self.exec_driver_sql(statement)

    async def commit(self) -> None:
        """In a thread: it waits for the disk. SQLite would go on writing to a file that nobody finds any more."""
        await self._in_a_thread(self._connection.commit)
        if self._opened_as != identity(self._file):
            raise StoreError(f"The database file {self._file} was removed or replaced while it was written to")

    def undo(self) -> None:
        """Roll back what was not committed. A connection that can't do even that is closed."""
        try:
            if self._opened is not None:
                self._opened.rollback()
                self._driver.rollback()  # a COMMIT that failed is over for SQLAlchemy, but not always for SQLite
        except (DBAPIError, sqlite3.Error):
            self.close()

    def mark(self) -> None:
        """From here on, what is done can be undone alone."""
        self._driver.execute("SAVEPOINT unit")

    def back_to_mark(self) -> bool:
        """Undo what was done since; False if SQLite has undone the whole transaction already."""
        try:
            self._driver.execute("ROLLBACK TO unit")
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Close it; it opens again when it is used again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call it when no thread works here any more: now, unless who waited for the thread was cancelled."""
        if self._thread is None or self._thread.done():
            call()
        else:
            self._thread.add_done_callback(lambda _: call())

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            raise RuntimeError("a unit of work is used after its end")
        return self._opened

    @property
    def _driver(self) -> sqlite3.Connection:
        return cast("sqlite3.Connection", self._connection.connection.dbapi_connection)

    def _begins_at_once(self, statements: Sequence[str], patience: float) -> bool:
        """False too for any other trouble: who asks again hears of it."""
        driver = self._driver
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            for statement in statements:
                driver.execute(statement).fetchall()
        except sqlite3.Error:
            driver.rollback()
            return False
        finally:
            driver.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
        return True

    def _whole(self, statement: Executable, parameters: Values | None) -> Result:
        result = self._connection.execute(statement, parameters)
        if result.returns_rows and not isinstance(result.cursor_strategy, FullyBufferedCursorFetchStrategy):
            result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
        return result

    async def _in_a_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Shielded: a thread can't be cancelled, and until it ends the connection is nobody else's."""
        self._thread = asyncio.get_running_loop().run_in_executor(None, partial(work, *arguments))
        self._thread.add_done_callback(_let_go)
        return await asyncio.shield(self._thread)


class Slices:
    """A long result, read in a thread."""

    def __init__(self, connection: SqliteConnection, result: Result) -> None:
        self._connection = connection
        self._result = result

    async def partitions(self, size: int) -> AsyncIterator[Sequence[Row[*tuple[Any, ...]]]]:
        """At most `size` rows at a time."""
        while rows := await self._connection._in_a_thread(self._result.fetchmany, size):  # noqa: SLF001
            yield rows


def _let_go(work: asyncio.Future[Any]) -> None:
    """Whoever waits hears of its trouble. Who was cancelled doesn't, and that is no news for the log."""
    if not work.cancelled():
        work.exception()
