from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command as alembic
from sqlalchemy import create_engine, text

from gateway.store.upgrading import alembic_configuration

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine


def test_an_upgrade_creates_the_tables(new_liaison: CommandLine) -> None:
    assert new_liaison("db", "upgrade").stdout.startswith("The database is at schema ")
    assert new_liaison.ok("db", "check") == "The database is sound.\n"
    assert new_liaison.json("db", "check") == {"sound": True, "problems": []}


def test_a_check_creates_nothing(new_liaison: CommandLine) -> None:
    assert new_liaison("db", "check").exit_code == 1
    assert not new_liaison.database.exists()


def test_what_is_broken_is_said_and_exit_1(liaison: CommandLine) -> None:
    liaison.case()
    engine = create_engine(f"sqlite:///{liaison.database}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE cases SET report = 'sent'"))
    engine.dispose()
    result = liaison("db", "check")
    assert (result.exit_code, result.stderr) == (1, "")
    assert "Case LG-TEST-0001 says that its report is sent" in result.stdout


@pytest.mark.parametrize("command", ["cases list", "mode observe", "audit verify", "users add rita --role reviewer"])
def test_no_command_but_the_upgrade_migrates_what_an_older_version_may_still_use(
    new_liaison: CommandLine, command: str
) -> None:
    _of_an_older_version(new_liaison)
    result = new_liaison(*command.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert "at schema 0007, this version needs " in result.stderr
    assert "back it up, then `liaison db upgrade` migrates it" in result.stderr
    assert "at schema 0007" in new_liaison("db", "check").stdout
    new_liaison.ok("db", "upgrade")
    assert new_liaison(*command.split()).exit_code == 0


def _of_an_older_version(liaison: CommandLine) -> None:
    configuration = alembic_configuration()
    engine = create_engine(f"sqlite:///{liaison.database}")
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        alembic.upgrade(configuration, "0007")
    engine.dispose()
