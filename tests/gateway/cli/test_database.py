from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

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
