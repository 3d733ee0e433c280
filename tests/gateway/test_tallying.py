"""The ledger: what is counted, what it answers, and what it doesn't keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from filters.address import NULL_PATH, parse_path
from filters.content import parse_header
from filters.identities import IdentityKind, claims
from filters.lists import EntryKind, ListEntry
from gateway.operations.tallying import Tallying
from gateway.store.sealing import Seal
from gateway.store.unit_of_work import Store
from tests.support.clocks import NOON, StoppedClock

if TYPE_CHECKING:
    from gateway.model.tally import Replay
    from tests.support.databases import PostgresServer


def tallying(store: Store, clock: StoppedClock, secret: bytes = b"secret") -> Tallying:
    return Tallying(store=store, clock=clock, secret=secret, days=30)


def count(ledger: Tallying, path: str, author: str, *, emergency: bool = False, times: int = 1) -> None:
    reverse_path = parse_path(path) if path else NULL_PATH
    claimed = claims(reverse_path, parse_header(f"From: {author}\r\n\r\n".encode()))
    authors = [one.mailbox for one in claimed.identities if one.kind is IdentityKind.FROM]
    for _ in range(times):
        ledger.note(authors, reverse_path, NOON, emergency=emergency)


def totals(found: Replay) -> tuple[int, int, int]:
    return found.messages, found.senders, found.emergency


def entry(value: str, kind: EntryKind = EntryKind.SUBTREE) -> ListEntry:
    return ListEntry(kind=kind, value=value)


async def test_a_message_counts_once_however_often_it_names_the_domain(store: Store, clock: StoppedClock) -> None:
    ledger = tallying(store, clock)
    count(ledger, "bounce@mail.mission.example", "a@mail.mission.example", times=3)
    count(ledger, "b@mission.example", "b@mission.example", emergency=True)
    count(ledger, "c@city.example", "c@city.example")
    await ledger.flush()
    assert totals(await ledger.replay(entry("mission.example"))) == (4, 2, 1)
    assert totals(await ledger.replay(entry("mission.example", EntryKind.DOMAIN))) == (1, 1, 1)
    assert totals(await ledger.replay(entry("nobody.example"))) == (0, 0, 0)


async def test_the_reverse_path_counts_where_the_author_is_elsewhere(store: Store, clock: StoppedClock) -> None:
    ledger = tallying(store, clock)
    count(ledger, "x@sender.example", "y@author.example")
    count(ledger, "", "y@author.example")
    await ledger.flush()
    assert (await ledger.replay(entry("sender.example"))).messages == 1
    assert (await ledger.replay(entry("author.example"))).messages == 2


@pytest.mark.parametrize("spelled", ["Post.Abroad@gmail.com", "postabroad+x@googlemail.com"])
async def test_an_address_is_found_with_its_tags_and_dots(store: Store, clock: StoppedClock, spelled: str) -> None:
    ledger = tallying(store, clock)
    count(ledger, spelled, spelled)
    count(ledger, "other@gmail.com", "other@gmail.com")
    await ledger.flush()
    found = await ledger.replay(entry("post.abroad@gmail.com", EntryKind.ADDRESS))
    assert totals(found) == (1, 1, 0)


async def test_processes_count_side_by_side(store: Store, clock: StoppedClock) -> None:
    for _ in range(3):
        ledger = tallying(store, clock)
        count(ledger, "a@mission.example", "a@mission.example", times=2)
        await ledger.flush()
        await ledger.flush()
    assert totals(await tallying(store, clock).replay(entry("mission.example"))) == (6, 1, 0)


async def test_old_days_are_forgotten(store: Store, clock: StoppedClock) -> None:
    ledger = tallying(store, clock)
    count(ledger, "a@mission.example", "a@mission.example")
    await ledger.flush()
    clock.advance(31 * 86_400)
    assert (await ledger.replay(entry("mission.example"))).messages == 0
    ledger.note((), parse_path("b@x.example"), clock.now(), emergency=False)
    await ledger.flush()
    async with store.reading() as work:
        assert len(await work.ledger.since(NOON.date())) == 1


async def test_a_field_full_of_authors_takes_no_memory(store: Store, clock: StoppedClock) -> None:
    ledger = tallying(store, clock)
    authors = [f"a@d{number}.example" for number in range(500)]
    count(ledger, "b@path.example", ", ".join(authors))
    count(ledger, "", f"{'x' * 65}@long.example")
    await ledger.flush()
    async with store.reading() as work:
        kept = {tally.key.domain for tally in await work.ledger.since(NOON.date())}
    assert kept == {"d0.example", "d1.example", "d2.example", "path.example"}


async def test_neither_local_part_nor_address_is_kept(store: Store, clock: StoppedClock) -> None:
    ledger = tallying(store, clock)
    count(ledger, "secret-name@mission.example", "secret-name@mission.example")
    await ledger.flush()
    async with store.reading() as work:
        rows = (await work.ledger._connection.execute(text("SELECT * FROM ledger"))).all()
    assert "secret-name" not in str(rows)
    other = tallying(store, clock, b"other")
    assert totals(await other.replay(entry("secret-name@mission.example", EntryKind.ADDRESS))) == (0, 0, 0)


async def test_many_senders_are_written_in_parts(store: Store, clock: StoppedClock) -> None:
    ledger = tallying(store, clock)
    for number in range(1200):
        count(ledger, f"a{number}@mission.example", f"a{number}@mission.example")
    await ledger.flush()
    assert totals(await ledger.replay(entry("mission.example"))) == (1200, 1200, 0)


async def test_a_store_that_is_away_loses_no_count(
    postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    store = Store.open(postgres.url(postgres_database), Seal(), clock, patience=1)
    await store.upgrade()
    ledger = tallying(store, clock)
    count(ledger, "a@mission.example", "a@mission.example")
    postgres.shut(postgres_database)
    await ledger.flush()
    count(ledger, "a@mission.example", "a@mission.example")
    postgres.reopen(postgres_database)
    await ledger.flush()
    assert (await ledger.replay(entry("mission.example"))).messages == 2
    await store.close()
