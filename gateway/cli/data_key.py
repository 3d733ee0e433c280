"""`liaison db key` and `liaison db rekey`: another key for what is stored, and everything under it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import actor, fail, json_option, with_settings
from gateway.cli.new_files import SECRET, drafts
from gateway.cli.output import complain, progress, say, show_json
from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.foundation import open_seal, open_store
from gateway.operations.rekeying import Rekeying
from gateway.store.sealing import new_key_line, read_keys

if TYPE_CHECKING:
    from datetime import date

    from gateway.operations.rekeying import Rekeyed
    from gateway.settings import Settings

_SHOWN = 20
"""Lines about what could not be opened."""


@click.command()
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Else the one of store.key_file.")
@with_settings
def key(settings: Settings, file: Path | None) -> None:
    """Make a new data key and put it on top of the key file; the older ones stay, for reading."""
    named = file or settings.store.key_file
    if named is None:
        raise RefusedError("store.key_file is not set: name the file to make with --file")
    path = named.resolve()
    made = add_key(path, SystemClock().now().date())
    say(f"{path} has the new key {made} on top: it encrypts from now on.")
    if settings.store.key_file is None or settings.store.key_file.resolve() != path:
        say(f'Set key_file = "{path}" in [store].')
    say("Where several nodes share the database, every one needs the file first. Then:")
    say("  1. send SIGHUP to `liaison serve`, on every node;")
    say("  2. run `liaison db rekey`, which puts what is stored under the new key;")
    say("  3. keep a copy of the file apart from the backups of the database: without it nobody reads them.")


def add_key(path: Path, today: date) -> str:
    """Write the file anew with a key on top, whole or not at all, for its owner alone; the id of the key.

    Whose file it was keeps it, with its permissions. ConfigurationError if there is a file that holds no keys.
    """
    there = path.exists()
    taken = {one.id for one in read_keys(path)} if there else set()
    name = next(one for one in _names(today) if one not in taken)
    line = new_key_line(name)
    mode = path.stat().st_mode & 0o770 if there else SECRET
    with drafts() as making:
        draft = making.write(path, line + (path.read_bytes() if there else b""), mode)
        if there:
            _give(draft, path)
        making.put_in_place()
    return name


def _names(today: date) -> list[str]:
    return [f"{today:%Y-%m-%d}", *(f"{today:%Y-%m-%d}.{number}" for number in range(2, 100))]


def _give(draft: Path, like: Path) -> None:
    """To owner and group of the file that was there: the gateway may run as somebody else than who keeps its keys."""
    owned = like.stat()
    try:
        os.chown(draft, owned.st_uid, owned.st_gid)
    except OSError as error:
        raise RefusedError(
            "{path} belongs to somebody else, and can't be written in their name: run this as root", path=str(like)
        ) from error


@click.command()
@json_option
@with_settings
def rekey(settings: Settings, as_json: bool) -> None:
    """Encrypt everything that is stored with the first key of the key file, while the gateway runs.

    It may be interrupted, and begins where it ended. Exit code 1 where something could not be opened.
    """
    result, keys = asyncio.run(_rekey(settings))
    if as_json:
        show_json({"done": result.done, "unopened": list(result.unopened), "in_use": result.in_use})
    else:
        _tell(result, keys)
    if result.unopened:
        fail()


async def _rekey(settings: Settings) -> tuple[Rekeyed, tuple[str, ...]]:
    """What came of it, and the ids of the key file."""
    keys = open_seal(settings).key_ids
    store = open_store(settings, SystemClock())
    try:
        with progress() as track:
            return await Rekeying(store, keys).rekey(actor=actor(), track=track), keys
    finally:
        await store.close()


def _tell(result: Rekeyed, keys: tuple[str, ...]) -> None:
    under = result.in_use.get(keys[0], 0)
    say(f"{under} stored messages, mails and second factors are under the key {keys[0]} now.")
    say(f"Changed by this run: {result.done}.")
    for name in keys[1:]:
        if number := result.in_use.get(name, 0):
            say(f"Key {name} is still needed, for {number}: run this again when every node has the new key.")
        else:
            say(f"Key {name} is needed by nothing here any more; backups that are older than today still need it.")
    for sentence in result.unopened[:_SHOWN]:
        complain(sentence)
    if len(result.unopened) > _SHOWN:
        complain(f"and {len(result.unopened) - _SHOWN} more: `liaison db check` names all")
