from __future__ import annotations

import pytest
from sqlalchemy import text

from gateway.errors import ConfigurationError
from gateway.store.engine import open_engine


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://host/name",
        "postgresql://host:port/name",
        "sqlite:///file:x",
    ],
)
def test_a_wrong_url_is_a_configuration_error_that_says_what_is_right(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"store\.url.*sqlite:///path"):
        open_engine(url)


def test_a_password_never_stands_in_the_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_engine("mysql://user:hunter2@host/name")
    assert "hunter2" not in str(caught.value)


def test_a_postgresql_url_is_served_by_psycopg() -> None:
    engines = open_engine("postgresql://user@host/name")
    assert engines.writer.dialect.driver == "psycopg"
    assert engines.file is None


async def test_every_sqlite_connection_is_durable_and_keeps_foreign_keys(sqlite_url: str) -> None:
    engines = open_engine(sqlite_url, patience=1.5)
    async with engines.writer.begin() as connection:
        found = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "temp_store")
        ]
    await engines.close()
    assert found == ["wal", 2, 1, 1500, 2]
