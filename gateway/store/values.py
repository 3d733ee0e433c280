"""Single values that all nodes share: the secret of the loop tokens, the mode, the pause of the outbox.

Never holds anything that has a table of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from gateway.errors import StoreError
from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.schema import stored_values

if TYPE_CHECKING:
    from gateway.store.engine import Connection

LOOP_SECRET = "loop.secret"
MODE = "mode"
OUTBOX_PAUSED = "outbox.paused"
"""While this key is there, whatever its value, no outbox item is claimed."""
AUDIT_VERIFIED = "audit.verified"
"""What the last verification of the audit chain found."""


_GET = brief(select(stored_values.c.value).where(stored_values.c.key == bindparam("this")))
_NEW = insert_new(stored_values)
_PUT = brief(_NEW.on_conflict_do_update(index_elements=[stored_values.c.key], set_={"value": _NEW.excluded.value}))
_PUT_IF_ABSENT = brief(_NEW.on_conflict_do_nothing(index_elements=[stored_values.c.key]))
_REMOVE = brief(delete(stored_values).where(stored_values.c.key == bindparam("this")))


class Values:
    """The values that a unit of work sees. Keys are ours, at most 64 characters."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, key: str) -> str | None:
        """The value, or None."""
        return (await self._connection.execute(_GET, {"this": key})).scalar_one_or_none()

    async def put(self, key: str, value: str) -> None:
        """Set the value, whatever it was."""
        await self._connection.execute(_PUT, {"key": key, "value": value})

    async def put_if_absent(self, key: str, value: str) -> str:
        """The value that stands: the one given, or the one that another node set first."""
        await self._connection.execute(_PUT_IF_ABSENT, {"key": key, "value": value})
        standing = await self.get(key)
        if standing is None:
            raise StoreError(f"The value {key!r} went away while it was set")
        return standing

    async def remove(self, key: str) -> None:
        """Take the value away, if it is there."""
        await self._connection.execute(_REMOVE, {"this": key})
