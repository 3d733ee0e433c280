"""Fixtures for all tests. Each kind lives in its own module under tests/support."""

from hypothesis import settings

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

# What `make test` tries is the same on every run and every machine; `make soak` takes dice, and its time.
settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("long", deadline=None, max_examples=20_000, print_blob=True)
settings.load_profile("seeded")
