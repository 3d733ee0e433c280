"""Migrations: brings a database to the schema of this program, by Alembic and from the package's own files.

Never opens a connection or commits: it works in the transaction that it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SCRIPTS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`current` is None for an empty database; `head` is what this program needs."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is left to migrate."""
        return self.current == self.head


def schema_state(connection: Connection) -> SchemaState:
    """Where the database stands."""
    current = MigrationContext.configure(connection).get_current_revision()
    head = _scripts().get_current_head()
    if head is None:
        raise StoreError(f"The package's migrations are missing from {_SCRIPTS}")
    return SchemaState(current, head)


def upgrade(connection: Connection) -> None:
    """Migrate to the head; raises StoreError if the database is ahead of this program."""
    state = schema_state(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if state.current is not None and state.current not in known:
        raise StoreError(
            f"The database is at schema {state.current}, which this version does not know: "
            f"a newer version has upgraded it (this one knows up to {state.head})"
        )
    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_configuration())


def _configuration() -> Config:
    configuration = Config()
    # A path may hold a percent sign, which Alembic's configuration would interpolate.
    configuration.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration
