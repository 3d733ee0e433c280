"""Notes: what people write on a case. Never changed or taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from gateway.model.case import Note
from gateway.store.schema import notes

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from gateway.model.case import CaseId
    from gateway.store.engine import Connection


class Notes:
    """The notes that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, case_id: CaseId, note: Note) -> None:
        """Put a note on a case."""
        await self._connection.execute(
            insert(notes).values(case_id=case_id, at=note.at, actor=note.actor, text=note.text)
        )

    async def of(self, case_id: CaseId) -> list[Note]:
        """The notes of a case, oldest first."""
        statement = select(notes).where(notes.c.case_id == case_id).order_by(notes.c.id)
        return [note_of(row) for row in (await self._connection.execute(statement)).mappings()]


def note_of(row: RowMapping) -> Note:
    """The note of a row."""
    return Note(at=row["at"], actor=row["actor"], text=row["text"])
