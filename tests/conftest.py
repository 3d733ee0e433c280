"""Fixtures for all tests. Each kind lives in its own module under tests/support."""

from tests.support.databases import (
    clock,
    database_url,
    empty_database_url,
    postgres,
    postgres_database,
    sqlite_template,
    store,
    unchecked_store,
)

__all__ = [
    "clock",
    "database_url",
    "empty_database_url",
    "postgres",
    "postgres_database",
    "sqlite_template",
    "store",
    "unchecked_store",
]
