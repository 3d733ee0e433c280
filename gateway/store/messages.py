"""Raw messages: the content of flagged mail exactly as received, sealed, one for each case.

Never holds clean mail (decision 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select

from gateway.errors import SealError
from gateway.store.embedded import brief
from gateway.store.schema import messages
from gateway.store.sealing import SMALL, Sealed, columns_of, seal_aside, unseal_aside

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.store.engine import Connection
    from gateway.store.sealing import Seal


_INSERT = insert(messages)
_INSERT_SMALL = brief(_INSERT)
_LATEST = select(messages.c.key_id).order_by(messages.c.case_id.desc())
_OF_CASE = select(messages.c.size, messages.c.key_id, messages.c.blob).where(messages.c.case_id == bindparam("this"))
_SMALL_OF_CASE = brief(_OF_CASE)


class Messages:
    """The raw messages that a unit of work sees."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def put(self, case: Case, raw: bytes) -> None:
        """Store the content of a case that has its id. Raises ValueError if it is not what `case.sha256` says."""
        await self.put_sealed(case, await seal_aside(self._seal, raw, case.reference))

    async def put_sealed(self, case: Case, sealed: Sealed) -> None:
        """The same for what `Store.sealed` has sealed for the case, by its reference."""
        if sealed.sha256 != case.sha256:
            raise ValueError(f"the content is not that of case {case.reference}")
        statement = _INSERT_SMALL if sealed.size <= SMALL else _INSERT
        await self._connection.execute(statement, {"case_id": case.id, **columns_of(sealed)})

    async def get(self, case: Case) -> bytes:
        """The content as received; raises SealError when it is missing, changed, or its key is."""
        statement = _SMALL_OF_CASE if case.size <= SMALL else _OF_CASE
        row = (await self._connection.execute(statement, {"this": case.id})).one_or_none()
        if row is None:
            raise SealError(f"The message of {case.reference} is not in the store.")
        # The digest is the case's own, so that a row brought from another case doesn't open.
        sealed = Sealed(case.sha256, row.size, row.key_id, row.blob)
        return await unseal_aside(self._seal, sealed, case.reference)

    async def latest_keys(self, most: int) -> frozenset[str]:
        """The ids of the keys under which the latest messages are stored; "" for those that are not encrypted."""
        return frozenset((await self._connection.execute(_LATEST.limit(most))).scalars())
