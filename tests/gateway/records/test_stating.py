"""The integrity statement says what is true, what is on record of a period, and what is not as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.disposition import Mode
from gateway.model.certificate import digest_of
from gateway.model.people import Role
from gateway.model.statement import statement_text
from gateway.operations.auditing import ChainWatch
from gateway.operations.modes import Modes
from gateway.operations.peoplekeeping import Peoplekeeping
from gateway.operations.stating import Stating
from tests.support.clocks import NOON
from tests.support.records import record
from tests.support.tampering import tamper

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock

DAY = 86_400


def stating(store: Store, clock: StoppedClock, *, sealed: bool = True) -> Stating:
    return Stating(
        store=store,
        clock=clock,
        modes=Modes(store=store, ceiling=Mode.AUTO),
        chain_watch=ChainWatch(store, clock),
        agency="the Example Police Service",
        sealed=sealed,
    )


async def years_of_work(store: Store, clock: StoppedClock) -> None:
    """A change of mode and a backup on the first day, another backup two days later; an account, lists, a case."""
    people = Peoplekeeping(store=store, clock=clock)
    await people.add("ann", "Ann Roy", [Role.AUDITOR], "correct horse battery staple", actor="cli:bob")
    await Modes(store=store, ceiling=Mode.AUTO).set(Mode.ASSIST, actor="console:ann")
    async with store.begin() as work:
        await work.senders.change((), (), at=clock.now(), actor="cli:bob", text="nothing")
        await record(work)
        await work.audit.append("cli:bob", "database-backed-up", "first.db", {"sha256": "ab" * 32, "octets": "1"})
    clock.advance(2 * DAY)
    async with store.begin() as work:
        await work.audit.append("cli:bob", "database-backed-up", "second.db", {"sha256": "cd" * 32, "octets": "2"})


async def test_it_says_what_is_true_and_proves_itself(store: Store, clock: StoppedClock) -> None:
    await years_of_work(store, clock)
    made = await stating(store, clock).statement(None, None, actor="cli:ann")
    assert made["sha256"] == digest_of(made)
    assert (made["chain"]["holds"], made["mode"]) == (True, "assist")
    assert [one["subject"] for one in made["backups"]] == ["first.db", "second.db"]
    assert [one["subject"] for one in made["modes"]] == ["assist"]
    assert [(one["name"], one["roles"]) for one in made["accounts"]] == [("ann", ["auditor"])]
    assert [one["number"] for one in made["list_versions"]] == [1]
    assert made["cases"] == {"received": 1, "on_legal_hold": 0}
    assert made["system"]["schema"] >= "0007"
    gaps = [gap for gap in made["known_gaps"] if "clock" not in gap]  # PostgreSQL's goes on, ours stands still
    assert gaps == ["Accounts without a second factor: ann."]
    async with store.reading() as work:
        written = await work.audit.last("integrity-stated")
    assert written is not None
    assert written.detail == {"sha256": made["sha256"]}


async def test_a_period_leaves_out_what_was_before_and_after(store: Store, clock: StoppedClock) -> None:
    await years_of_work(store, clock)
    since = clock.now().replace(hour=0)
    later = await stating(store, clock).statement(since, None, actor="cli:ann")
    assert [one["subject"] for one in later["backups"]] == ["second.db"]
    assert (later["modes"], later["list_versions"], later["cases"]["received"]) == ([], [], 0)
    before = await stating(store, clock).statement(None, NOON, actor="cli:ann")
    assert before["backups"] == []
    assert any("No backup" in gap for gap in before["known_gaps"])


async def test_what_is_wrong_is_a_known_gap(unchecked_store: Store, clock: StoppedClock) -> None:
    store = unchecked_store
    await Modes(store=store, ceiling=Mode.AUTO).set(Mode.OBSERVE, actor="cli:bob")
    async with store.begin() as work:
        await work.audit.append("cli:bob", "database-restored", "first.db", {"sha256": "ab" * 32})
    await tamper(store, "UPDATE audit_entries SET actor = 'cli:eve' WHERE seq = 1")
    made = await stating(store, clock, sealed=False).statement(None, None, actor="cli:ann")
    assert made["chain"]["holds"] is False
    for gap in (
        "does not hold: row 1 was changed",
        "was restored on 2026-05-04",
        "not encrypted",
        "mode is or was observe",
    ):
        assert any(gap in one for one in made["known_gaps"]), gap


async def test_the_text_says_the_same(store: Store, clock: StoppedClock) -> None:
    await years_of_work(store, clock)
    made = await stating(store, clock).statement(None, None, actor="cli:ann")
    text = "\n".join(statement_text(made))
    for said in (
        *("the Example Police Service", made["chain"]["head"], "it holds", "ann (Ann Roy): auditor; password alone"),
        *(
            "second.db (octets 2, sha256 cdcd",
            "Restorations\n  none",
            made["sha256"],
            "Accounts without a second factor: ann.",
        ),
    ):
        assert said in text, said
