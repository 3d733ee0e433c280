"""SQLAlchemy's engine for tasks: what `sqlalchemy.ext.asyncio` gives, without the ORM that it imports (6 MB).

Never looks at a statement. As there, the engine's own code runs in a greenlet, which leaves it wherever the driver
waits.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, overload

from sqlalchemy.util.concurrency import greenlet_spawn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence

    from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, Row
    from sqlalchemy.sql.selectable import TypedReturnsRows

    Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
    AnyRow = tuple[Any, ...]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

_STREAMED = {"stream_results": True}


class AsyncConnection:
    """One connection of the pool, in the hands of one task."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """SQLite's or PostgreSQL's."""
        return self._connection.dialect

    @overload
    async def execute(self, statement: TypedReturnsRows[*Ts], parameters: Parameters = None) -> CursorResult[*Ts]: ...

    @overload
    async def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[*AnyRow]: ...

    async def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[*AnyRow]:
        """Run a statement; its rows are in memory when this returns."""
        return await greenlet_spawn(self._connection.execute, statement, parameters)

    async def slices(self, statement: Executable, rows: int) -> AsyncGenerator[Sequence[Row[*AnyRow]]]:
        """The rows of a long result, that many at a time: only one slice of them is in memory."""
        result = await greenlet_spawn(self._connection.execute, statement, execution_options=_STREAMED)
        try:
            while found := await greenlet_spawn(result.fetchmany, rows):
                yield found
        finally:
            await _to_its_end(greenlet_spawn(result.close))

    async def run_sync(self, function: Callable[[Connection], R]) -> R:
        """Call what works on SQLAlchemy's own connection."""
        return await greenlet_spawn(function, self._connection)


class AsyncEngine:
    """A pool of connections to one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def dialect(self) -> Dialect:
        """SQLite's or PostgreSQL's."""
        return self._engine.dialect

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection; what it did is undone when it goes back."""
        connection = await greenlet_spawn(self._engine.connect)
        try:
            yield AsyncConnection(connection)
        finally:
            await _to_its_end(greenlet_spawn(connection.close))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction: committed at the end, undone if an exception leaves it."""
        async with self.connect() as connection:
            transaction = await connection.run_sync(lambda one: one.begin())
            try:
                yield connection
            except BaseException:
                await greenlet_spawn(transaction.__exit__, *sys.exc_info())
                raise
            await greenlet_spawn(transaction.__exit__, None, None, None)

    async def dispose(self) -> None:
        """Close every connection of the pool."""
        await greenlet_spawn(self._engine.dispose)


async def _to_its_end(cleaning: Coroutine[Any, Any, None]) -> None:
    """A cancellation meanwhile is obeyed when it is done: a connection that is half given back helps nobody."""
    task = asyncio.get_running_loop().create_task(cleaning)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
