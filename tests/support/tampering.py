"""What somebody with the database's password can do to the audit log: first take away what refuses mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store

_TRIGGERS = ("audit_entries_no_update", "audit_entries_no_delete")


def disarming(dialect: str) -> list[str]:
    """The statements that take the triggers off the audit log."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS]
    return ["ALTER TABLE audit_entries DISABLE TRIGGER USER"]


async def tamper(store: Store, *statements: str) -> None:
    """Do this to the database, whatever it is, as one transaction."""
    async with store._engines.writer.begin() as connection:
        for statement in (*disarming(connection.dialect.name), *statements):
            await connection.execute(text(statement))
