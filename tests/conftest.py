"""Fixtures for all tests. Each kind lives in its own module under tests/support."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import pytest

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

MOST_WORKERS = 8


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for each processor, as tests wait half of their time. Where files or tests are named, none besides pytest's own."""
    if all(Path(argument).is_dir() for argument in config.args):
        return min(2 * len(os.sched_getaffinity(0)), MOST_WORKERS)
    return 0
