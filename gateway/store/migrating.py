"""Migrations: where a database stands, and how it gets to the schema of this program.

Never opens a connection or commits: it works in the transaction that it is given. Where a database stands is asked
with one question; Alembic is imported only where there is something to migrate (`gateway.store.upgrading`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from gateway.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`current` is None for an empty database; `head` is what this program needs."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is left to migrate."""
        return self.current == self.head

    @property
    def is_newer(self) -> bool:
        """Whether a newer version of the program has migrated it, to a schema that this one does not know."""
        return self.current is not None and self.current > self.head


def schema_state(connection: Connection) -> SchemaState:
    """Where the database stands."""
    known = _revisions()
    if not known:
        raise StoreError(f"The package's migrations are missing from {_VERSIONS}")
    return SchemaState(_current(connection), known[-1])


def upgrade(connection: Connection, *, makes: bool, migrates: bool = True) -> None:
    """Migrate to the head; StoreError if the database is ahead of this program, or empty and not to be made.

    So it is with one that is behind, and not to be migrated: there is no way back, and older nodes may run on it.
    """
    state = schema_state(connection)
    if state.up_to_date:
        return
    if state.current is None and not makes:
        raise StoreError("The database is empty: see that store.url is right; the first start makes its tables")
    if state.current is not None and state.current not in _revisions():
        raise StoreError(
            f"The database is at schema {state.current}, which this version does not know: "
            f"a newer version has upgraded it (this one knows up to {state.head})"
        )
    if state.current is not None and not migrates:
        raise StoreError(
            f"The database is at schema {state.current}, this version needs {state.head}: back it up, then "
            f"`liaison db upgrade` migrates it, or the next start of `liaison serve`"
        )
    from gateway.store.upgrading import upgrade_to_head  # 5 MB that a database at the head can do without

    upgrade_to_head(connection)


def _current(connection: Connection) -> str | None:
    """What Alembic has written down; None in a database without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision


def _revisions() -> list[str]:
    """From the first to the head, by the names of their files: `r0001_first_tables.py` is revision 0001."""
    return sorted(path.name[1:5] for path in _VERSIONS.glob("r[0-9][0-9][0-9][0-9]_*.py"))
