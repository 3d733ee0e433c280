"""`liaison db`: the database's schema and soundness, its back-up and restoration."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.data_key import key, rekey
from gateway.cli.invocation import actor, config_option, fail, json_option, login, with_settings
from gateway.cli.output import complain, progress, say, show_json
from gateway.cli.peeking import missing_database
from gateway.clock import SystemClock
from gateway.foundation import open_seal, open_store
from gateway.model.people import Verb
from gateway.operations.backups import Restoring, back_up
from gateway.operations.peoplekeeping import Peoplekeeping
from gateway.store.consistency import check_consistency

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gateway.operations.backups import Backup, Restored
    from gateway.settings import Settings
    from gateway.store.unit_of_work import Store


@click.group("db")
@config_option
def database() -> None:
    """The database: migrate it, check it, back it up, restore it, change the key of what it holds."""


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


@database.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@with_settings
def backup(settings: Settings, file: Path, as_json: bool) -> None:
    """Copy the database into FILE while everything runs; never in place of a file that is there.

    SQLite by its online backup, PostgreSQL by pg_dump. The key file is not in it: keep that elsewhere.
    """
    made = asyncio.run(_backup(settings, file.absolute()))
    if as_json:
        show_json({"file": str(made.file), "octets": made.octets, "sha256": made.sha256})
        return
    say(f"{made.file}: {made.octets} octets, SHA-256 {made.sha256}")


@database.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="SQLite: even where there are cases; that database is set aside.")
@with_settings
def restore(settings: Settings, file: Path, force: bool) -> None:
    """Put the copy in FILE in the place that store.url names, after it was checked. Stop the gateway first.

    Nothing leaves from it before `outbox resume`, for the copy does not know what was sent after it was made.
    """
    restored = asyncio.run(_restore(settings, file.absolute(), force=force))
    for sentence in _restored(restored):
        say(sentence)


def _restored(restored: Restored) -> Iterator[str]:
    yield f"Restored. The audit chain holds up to row {restored.head.seq}: {restored.head.hash}"
    if restored.aside is not None:
        yield f"The database that was there is now {restored.aside}"
    yield "The outbox is paused, and everybody has to sign in to the console again."
    if restored.in_doubt:
        yield (
            f"Declines that may have left after the copy was made: {restored.in_doubt}. They are `uncertain`, and are "
            "not sent unless somebody asks for it."
        )
    yield (
        "The copy does not know what happened after it was made. Before `liaison outbox resume`, compare with your "
        "mail servers' logs: declines that were asked for since, cases that are missing, accounts and lists that were "
        "changed. Reports, notices and releases that wait are sent again, with the same Message-ID."
    )


async def _backup(settings: Settings, file: Path) -> Backup:
    """Of the database as it is: before an upgrade, the tables of the older version."""
    clock = SystemClock()
    async with _store(settings) as store:
        if (await store.schema_state()).up_to_date:
            await Peoplekeeping(store=store, clock=clock).check_login(login(), Verb.BACK_UP)
        with progress() as track:
            return await back_up(store, file, actor=actor(), track=track)


async def _restore(settings: Settings, file: Path, *, force: bool) -> Restored:
    clock = SystemClock()
    async with _store(settings) as store:
        return await Restoring(store=store, seal=open_seal(settings), clock=clock).restore(
            file, actor=actor(), force=force
        )


async def _upgrade(settings: Settings) -> None:
    missing = missing_database(settings)
    async with _store(settings) as store:
        await store.upgrade()
        if missing is not None:
            complain(f"made a new, empty database: {missing}")
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
