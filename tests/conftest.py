"""Fixtures for all tests. Each kind lives in its own module under tests/support."""

from tests.support.databases import (
    clock,
    database_url,
    empty_database_url,
    empty_postgres_url,
    postgres,
    postgres_database,
    postgres_url,
    sqlite_template,
    sqlite_url,
    store,
    unchecked_store,
)

__all__ = [
    "clock",
    "database_url",
    "empty_database_url",
    "empty_postgres_url",
    "postgres",
    "postgres_database",
    "postgres_url",
    "sqlite_template",
    "sqlite_url",
    "store",
    "unchecked_store",
]
