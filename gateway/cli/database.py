"""`liaison db`: the database's schema and soundness."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from gateway.assembly import open_store
from gateway.cli.data_key import key, rekey
from gateway.cli.invocation import config_option, fail, json_option, with_settings
from gateway.cli.output import say, show_json
from gateway.clock import SystemClock
from gateway.store.consistency import check_consistency

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.settings import Settings
    from gateway.store.unit_of_work import Store


@click.group("db")
@config_option
def database() -> None:
    """The database: migrate it, check it, change the key of what it holds."""


@database.command()
@with_settings
def upgrade(settings: Settings) -> None:
    """Create the tables, or bring them to what this version needs. `serve` does it by itself."""
    asyncio.run(_upgrade(settings))


@database.command()
@json_option
@with_settings
def check(settings: Settings, as_json: bool) -> None:
    """Check everything that has to hold between the tables; opens every stored message."""
    broken = asyncio.run(_check(settings))
    if as_json:
        show_json({"sound": not broken, "problems": broken})
    else:
        for sentence in broken or ["The database is sound."]:
            say(sentence)
    if broken:
        fail()


database.add_command(key)
database.add_command(rekey)


async def _upgrade(settings: Settings) -> None:
    async with _store(settings) as store:
        await store.upgrade()
        state = await store.schema_state()
    say(f"The database is at schema {state.head}.")


async def _check(settings: Settings) -> list[str]:
    async with _store(settings) as store:
        return await check_consistency(store)


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    """The store as it is: not upgraded, and without the packs of a first start."""
    store = open_store(settings, SystemClock())
    try:
        yield store
    finally:
        await store.close()
