"""The lists as they stand, read without changing anything: no database is made, migrated or filled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from filters.lists import ListIndex
from filters.rulebook import Rulebook
from gateway.errors import StoreError
from gateway.foundation import emergency_keys, open_rulebooks, open_store
from gateway.operations.pack_files import read_packs
from gateway.store.database_file import is_there
from gateway.store.values import LOOP_SECRET

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.settings import Settings
    from gateway.store.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """The rulebook, the secret behind loop tokens (b"" before there is one), and what a person should know of them."""

    rulebook: Rulebook
    secret: bytes = b""
    remark: str = ""

    @property
    def current(self) -> Rulebook:
        """The rulebook, as `gateway.operations.deciding` asks for it."""
        return self.rulebook


def missing_database(settings: Settings) -> Path | None:
    """The SQLite file that is not there; None if it is, or if it is a server's. StoreError if nobody can look."""
    scheme, _, file = settings.store.url.partition(":///")
    path = Path(unquote(file))
    return path if scheme.startswith("sqlite") and not is_there(path) else None


async def peek(settings: Settings, clock: Clock) -> Peek:
    """What the store says; where it says nothing yet, or is away, what the configured packs say.

    ConfigurationError when the packs are needed and can't be read.
    """
    store = open_store(settings, clock)
    try:
        found = await _stored(settings, clock, store)
    except StoreError as error:
        found = f"The lists of the store can't be read ({error})"
    finally:
        await store.close()
    if isinstance(found, Peek):
        return found
    rulebook = Rulebook(
        version=0,
        index=ListIndex(read_packs(settings.senders.packs)),
        mode=settings.mode,
        policy=settings.policy,
        emergency=emergency_keys(settings),
    )
    return Peek(rulebook=rulebook, remark=f"{found}: the configured packs are used.")


async def _stored(settings: Settings, clock: Clock, store: Store) -> Peek | str:
    """The store's rulebook, or why it has none."""
    if missing_database(settings) is not None:
        return "There is no database yet"
    if not (await store.schema_state()).up_to_date:
        return "The store is not at this version's schema"
    rulebook = await open_rulebooks(settings, clock, store).load()
    if rulebook.version == 0:
        return "The store has no lists yet"
    async with store.reading() as work:
        return Peek(rulebook=rulebook, secret=bytes.fromhex(await work.values.get(LOOP_SECRET) or ""))
