"""Founding: files, database and first account of a set-up, made beside their places and put there at the end.

What is there already stays: a database keeps its cases, and a key file is never replaced, for without it nobody could
read what it sealed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.cli.invocation import actor
from gateway.cli.new_files import READABLE, SECRET, drafts
from gateway.cli.peeking import missing_database
from gateway.clock import SystemClock
from gateway.compose.signing_key import new_key
from gateway.desk import open_desk
from gateway.errors import ConfigurationError
from gateway.model.people import Role
from gateway.settings import load, load_text, render_answers
from gateway.store.sealing import new_key_line, read_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.cli.new_files import Drafts
    from gateway.operations.peoplekeeping import Peoplekeeping
    from gateway.settings import Settings
    from gateway.settings.key import Plain
    from gateway.settings.rendering import KeyName

DATA_KEY = "data.key"
DKIM_KEY = "dkim.pem"
FIRST_KEY = "key1"
"""The name of the first data key; a later one has another."""
PRIVATE, SHARED = 0o700, 0o750
"""Permissions of a directory that is made: for the database, and for configuration and keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be made. `administrator` "" makes no account; `dkim_domain` "" no signing key."""

    file: Path
    answers: Mapping[KeyName, Plain]
    data_key: bool
    dkim_domain: str
    dkim_selector: str
    administrator: str
    password: str
    must_change_password: bool


def found(plan: Plan) -> list[str]:
    """Make it, and say in sentences what was made. LiaisonError when it can't be: then nothing is in place."""
    settings = load_text(render_answers(plan.answers), plan.file)
    answers = dict(plan.answers)
    with drafts() as making:
        database = missing_database(settings)
        working = settings if database is None else _beside(settings, making.reserve(database, directory=PRIVATE))
        said = [f"The database {database or 'that was there'} holds the sender lists."]
        key_file = _present_key(plan.file) or (plan.file.parent / DATA_KEY if plan.data_key else None)
        if key_file is not None:
            working, words = _data_key(making, key_file, working)
            said.append(words)
            answers["store", "key_file"] = _as_written(key_file, plan.file.parent)
        if plan.dkim_domain:
            said.append(_dkim_key(making, plan.file.parent / DKIM_KEY))
            signing = {"domain": plan.dkim_domain, "selector": plan.dkim_selector, "key": DKIM_KEY}
            answers |= {("dkim", key): value for key, value in signing.items()}
        said += asyncio.run(_fill(working, plan))
        making.write(plan.file, render_answers(answers).encode(), READABLE, directory=SHARED)
        making.put_in_place()
    return [*said, f"{plan.file} has every key with its default; what you answered is in force."]


def _beside(settings: Settings, draft: Path) -> Settings:
    """The same, with the database under the name that it has until it is in place."""
    return replace(settings, store=replace(settings.store, url=f"sqlite:///{quote(str(draft))}"))


def _present_key(file: Path) -> Path | None:
    """The key file of the configuration that is replaced: what it sealed is opened with it, and with nothing else."""
    try:
        return load(file, {}).store.key_file if file.exists() else None
    except ConfigurationError:
        return None


def _as_written(file: Path, directory: Path) -> str:
    """Relative where it stands beside the configuration, so that both can be moved together."""
    return file.name if file.parent == directory else str(file)


def _data_key(making: Drafts, file: Path, settings: Settings) -> tuple[Settings, str]:
    if file.exists():
        read_keys(file)
        said, key_file = f"{file} was there: its keys go on sealing messages.", file
    else:
        key_file = making.write(file, new_key_line(FIRST_KEY), SECRET, directory=SHARED)
        said = f"{file} seals the stored messages: keep a copy apart from the backups of the database."
    return replace(settings, store=replace(settings.store, key_file=key_file)), said


def _dkim_key(making: Drafts, file: Path) -> str:
    if file.exists():
        return f"{file} was there: it goes on signing."
    making.write(file, new_key(), SECRET, directory=SHARED)
    return f"{file} signs what the gateway writes."


async def _fill(settings: Settings, plan: Plan) -> list[str]:
    """The tables, the packs and the first account."""
    said: list[str] = []
    async with open_desk(settings, SystemClock()) as desk:
        if plan.administrator:
            said.append(
                f"{plan.administrator} may sign in to the console as administrator."
                if await _is_new(desk.peoplekeeping, plan)
                else f"{plan.administrator} has an account already, which stays as it is."
            )
    return said


async def _is_new(peoplekeeping: Peoplekeeping, plan: Plan) -> bool:
    """Make the account, unless there is one of that name."""
    if plan.administrator in {person.name for person in await peoplekeeping.people()}:
        return False
    await peoplekeeping.add(
        plan.administrator,
        "",
        [Role.ADMINISTRATOR],
        plan.password,
        actor=actor(),
        must_change_password=plan.must_change_password,
    )
    return True
