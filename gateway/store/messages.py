"""Raw messages: the content of flagged mail exactly as received, sealed, one for each case.

Never holds clean mail (decision 1).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from gateway.errors import SealError
from gateway.store.schema import messages
from gateway.store.sealing import Sealed

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.store.asynchronous import AsyncConnection
    from gateway.store.sealing import Seal


class Messages:
    """The raw messages that a unit of work sees."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def put(self, case: Case, raw: bytes) -> None:
        """Store the content of a case that has its id. Raises ValueError if it is not what `case.sha256` says."""
        sealed = await asyncio.to_thread(self._seal.seal, raw, case.reference)
        if sealed.sha256 != case.sha256:
            raise ValueError(f"the content is not that of case {case.reference}")
        await self._connection.execute(
            insert(messages).values(
                case_id=case.id, sha256=sealed.sha256, size=sealed.size, key_id=sealed.key_id, blob=sealed.blob
            )
        )

    async def get(self, case: Case) -> bytes:
        """The content as received; raises SealError when it is missing, changed, or its key is."""
        statement = select(messages.c.size, messages.c.key_id, messages.c.blob).where(messages.c.case_id == case.id)
        row = (await self._connection.execute(statement)).one_or_none()
        if row is None:
            raise SealError(f"The message of {case.reference} is not in the store.")
        # The digest is the case's own, so that a row brought from another case doesn't open.
        sealed = Sealed(case.sha256, row.size, row.key_id, row.blob)
        return await asyncio.to_thread(self._seal.unseal, sealed, case.reference)
