"""The migration itself, by Alembic and from the package's own files.

Never opens a connection or commits: it works in the transaction that it is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade_to_head(connection: Connection) -> None:
    """Run every migration that the database lacks."""
    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")


def alembic_configuration() -> Config:
    """Where Alembic finds the migrations."""
    configuration = Config()
    # A path may hold a percent sign, which Alembic's configuration would interpolate.
    configuration.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration
