"""PostgreSQL, so spoken to that a server which hangs, vanishes or is replaced holds nobody for long.

The URL is libpq's own: several hosts, `target_session_attrs` and every other parameter mean what its documentation
says, and win over what is set here. Never waits without an end, and never takes a COMMIT for more than it is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection, Error, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.waiting import wait_async
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg.abc import RV, PQGen
    from psycopg.errors import Diagnostic
    from sqlalchemy.ext.asyncio import AsyncEngine

_ANSWER_WITHIN = 6
"""Times the patience with a lock: for the answer to one statement, or to COMMIT."""
_CALL_BACK_WITHIN = 1.0
"""Seconds for the server to take the word that nobody waits for its answer any more."""
UPGRADE_WITHIN = 3600.0
"""The same while the tables are migrated: another node may be at it, and an index over many rows takes its time."""

_DURABLE = "SELECT set_config('synchronous_commit', 'local', false) WHERE current_setting('synchronous_commit') = 'off'"
"""A 250 rests on a COMMIT that outlives a crash of the server: with `off` none does. The rest is the operator's."""

Parameters = dict[str, Any]
"""libpq's, by their names."""


class Connection(AsyncConnection[Any]):
    """A connection on which nothing is waited for without an end."""

    patience = UPGRADE_WITHIN
    _warning: str | None = None

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        """The server's answer. OperationalError if it does not come in time.

        Whoever stops waiting closes the connection; the driver would first wait ten seconds for a server that hangs.
        """
        try:
            async with asyncio.timeout(self.patience):
                return await wait_async(gen, self.pgconn.socket, interval, timeout)
        except TimeoutError as error:
            await self._abandon()
            raise OperationalError(f"the server gave no answer within {self.patience:g} seconds") from error
        except asyncio.CancelledError:
            await self._abandon()
            raise

    async def _abandon(self) -> None:
        """Call the statement back, if the server hears, or it would go on holding its locks there; and hang up."""
        if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            with suppress(Error):
                await self.cancel_safe(timeout=_CALL_BACK_WITHIN)
        self.pgconn.finish()

    async def set_read_only(self, value: bool | None) -> None:  # noqa: FBT001 -- the driver calls it so
        """Whether transactions may only read; what is no reader's leaves that to the server, and asks for nothing.

        The pool says False when a reader gives its connection back, and every BEGIN would ask for READ WRITE then: on
        a database that its administrator froze (`default_transaction_read_only`) mail would go on record all the same.
        """
        await super().set_read_only(value or None)

    async def commit(self) -> None:
        """COMMIT; OperationalError if the server warns that no standby is known to have it.

        A server that is told to cancel while it waits for a synchronous standby (by an administrator, or by
        `statement_timeout`) calls the transaction committed, and warns. That is not what a 250 may rest on.
        """
        self._warning = None
        await super().commit()
        if self._warning is not None:
            raise OperationalError(f"COMMIT came with a warning: {self._warning}")

    def hear(self, notice: Diagnostic) -> None:
        """What the server says besides its answers."""
        if notice.severity_nonlocalized == "WARNING":
            self._warning = notice.message_primary or "without words"


def parameters_of(url: str, patience: float) -> Parameters:
    """Parameters for libpq: the URL's, and where it says nothing ours. ValueError if it is no such URL.

    `patience`: seconds to wait for a lock, or for one host to take a connection.
    """
    try:
        given = conninfo_to_dict(url.replace("postgresql+psycopg:", "postgresql:", 1))
    except ProgrammingError as error:
        raise ValueError("no URL of libpq's") from error
    if not all(port.isdecimal() for port in str(given.get("port", "")).split(",") if port):
        raise ValueError("a port is a number")
    whole = max(2, round(patience))
    # A machine that vanished says nothing: without these a connection to it would be kept for many minutes.
    ours = {
        "application_name": "liaison",
        "connect_timeout": whole,
        "keepalives_idle": whole,
        "keepalives_interval": whole,
        "keepalives_count": 2,
        "tcp_user_timeout": 2000 * whole,
    }
    return {**ours, **given, "options": f"{_server_side(patience, whole)} {given.get('options', '')}".rstrip()}


def _server_side(patience: float, whole: int) -> str:
    """What the server does for this connection: a node that vanished must not keep its locks from the others."""
    settings = {
        "lock_timeout": round(patience * 1000),
        "idle_in_transaction_session_timeout": round(patience * 3000),
        "tcp_keepalives_idle": whole,
        "tcp_keepalives_interval": whole,
        "tcp_keepalives_count": 2,
        "tcp_user_timeout": 2000 * whole,
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def open_server(parameters: Parameters, patience: float) -> AsyncEngine:
    """An engine with a pool of connections, for which a unit of work waits `patience`; connects to nothing yet."""
    return create_async_engine(
        "postgresql+psycopg://",
        hide_parameters=True,
        pool_timeout=patience,
        # Asks before a connection is used, so that a restarted server costs nobody a message.
        pool_pre_ping=True,
        connect_args={**parameters, "async_creator_fn": _opener(_ANSWER_WITHIN * patience)},
    )


def open_for_upgrade(parameters: Parameters) -> AsyncEngine:
    """An engine whose statements may take long, and whose connections are not kept; connects to nothing yet."""
    return create_async_engine(
        "postgresql+psycopg://",
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={**parameters, "async_creator_fn": _opener(UPGRADE_WITHIN)},
    )


def _opener(patience: float) -> Callable[..., Awaitable[Connection]]:
    async def connect(conninfo: str = "", **named: Any) -> Connection:
        connection = await Connection.connect(conninfo, **named)
        connection.patience = patience
        connection.add_notice_handler(connection.hear)
        try:
            await connection.execute(_DURABLE)
            await connection.commit()
        except BaseException:
            connection.pgconn.finish()
            raise
        return connection

    return connect
