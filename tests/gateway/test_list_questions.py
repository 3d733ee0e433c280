"""What is asked about the lists: the table with versions and hits, reminders, proposals; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode
from filters.lists import EntryKind, ListEntry
from filters.packs import csv_lines
from gateway.errors import RefusedError
from gateway.model.case import StoredFinding
from gateway.model.list_import import LineFate
from gateway.model.list_table import EntryFilter, EntryOrder
from gateway.operations.exempting import Exempting
from gateway.operations.listkeeping import Listkeeping
from gateway.operations.listreading import Listreading
from gateway.operations.proposing import Proposing
from gateway.operations.tallying import Tallying
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, record, stored_id

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock

OWN = frozenset({"police.example"})
MISSION = ListEntry(kind=EntryKind.SUBTREE, value="mission.example", mission_en="Embassy", pack="prc")
ADDRESS = ListEntry(kind=EntryKind.ADDRESS, value="a@mission.example")


@pytest.fixture
def keeping(store: Store, clock: StoppedClock) -> Listkeeping:
    return Listkeeping(store=store, clock=clock, own_domains=OWN)


@pytest.fixture
def reading(store: Store, clock: StoppedClock) -> Listreading:
    return Listreading(store=store, clock=clock)


@pytest.fixture
def ledger(store: Store, clock: StoppedClock) -> Tallying:
    return Tallying(store=store, clock=clock, secret=b"secret", days=30)


@pytest.fixture
def proposing(store: Store, clock: StoppedClock, keeping: Listkeeping, ledger: Tallying) -> Proposing:
    return Proposing(store=store, clock=clock, listkeeping=keeping, tallying=ledger)


async def meet(store: Store, *entries: ListEntry, days_ago: int = 0) -> None:
    async with store.begin() as work:
        case = await record(work, replace(a_case(), received_at=NOON - timedelta(days=days_ago)))
        await work.cases.meet(stored_id(case), entries, case.received_at)


async def test_a_row_tells_who_listed_the_entry_and_since_when_it_says_this(
    keeping: Listkeeping, reading: Listreading, clock: StoppedClock
) -> None:
    await keeping.add(MISSION, actor="console:anne")
    await keeping.add(ADDRESS, actor="console:anne")
    clock.advance(60)
    await keeping.edit(MISSION.value, None, lambda entry: replace(entry, note="x"), actor="console:ben")
    later, mission = await reading.rows(EntryFilter(order=EntryOrder.KIND))
    assert (mission.added.version, mission.added.actor, mission.added.at) == (1, "console:anne", NOON)
    assert (mission.changed.version, mission.changed.actor) == (3, "console:ben")
    assert mission.changed.at == NOON + timedelta(seconds=60)
    assert later.added == later.changed
    assert [stamp.version for stamp, _ in (await reading.record(MISSION.kind, MISSION.value)).said] == [3, 1]


async def test_hits_are_the_cases_of_thirty_days_and_the_last_one_of_all(
    store: Store, keeping: Listkeeping, reading: Listreading
) -> None:
    for entry in (MISSION, ADDRESS):
        await keeping.add(entry, actor="admin")
    await meet(store, MISSION, ADDRESS)
    await meet(store, MISSION, days_ago=29)
    await meet(store, MISSION, days_ago=31)
    same_value = ListEntry(kind=EntryKind.DOMAIN, value=MISSION.value)
    await keeping.add(same_value, actor="admin")
    met = {row.entry.kind: row.hits for row in await reading.rows()}
    assert met[EntryKind.SUBTREE] == (2, NOON)
    assert met[EntryKind.ADDRESS] == (1, NOON)
    assert met[EntryKind.DOMAIN] == (0, None)
    assert (await reading.record(MISSION.kind, MISSION.value)).hits == (2, NOON)
    assert (await reading.record(EntryKind.DOMAIN, MISSION.value)).hits == (0, None)
    with pytest.raises(RefusedError, match="not on the list"):
        await reading.record(EntryKind.DOMAIN, "nobody.example")


async def test_an_entry_that_was_removed_says_since_when_and_what_it_said(
    keeping: Listkeeping, reading: Listreading, clock: StoppedClock
) -> None:
    await keeping.add(MISSION, actor="console:anne")
    clock.advance(60)
    await keeping.remove(MISSION.value, MISSION.kind, actor="console:ben")
    record = await reading.record(MISSION.kind, MISSION.value)
    assert record.removed == (2, NOON + timedelta(seconds=60), "console:ben")
    assert (record.row.entry, record.row.added.version) == (MISSION, 1)
    await keeping.add(MISSION, actor="console:anne")
    again = await reading.record(MISSION.kind, MISSION.value)
    assert (again.removed, again.row.added.version, again.row.changed.version) == (None, 1, 3)


async def test_an_exemption_that_is_over_stays_to_be_seen(
    store: Store, clock: StoppedClock, keeping: Listkeeping
) -> None:
    await keeping.add(MISSION, actor="admin")
    exempting = Exempting(store=store, clock=clock, own_domains=OWN)
    granted = [
        await exempting.grant(
            MISSION.value, (), until=NOON + timedelta(days=days), approver="Chief", reason="visit", actor="admin"
        )
        for days in (1, 2, 40)
    ]
    await exempting.end(granted[2].id, actor="admin")
    assert [(one.exemption.id, one.ended_at) for one in await exempting.over(9)] == [(granted[2].id, NOON)]
    clock.advance(86_400 * 3)
    assert [one.exemption.id for one in await exempting.over(9)] == [granted[number].id for number in (1, 0, 2)]
    assert len(await exempting.over(2)) == 2


async def test_a_message_that_meets_a_whole_list_is_recorded_with_the_first_entries(store: Store) -> None:
    await meet(store, *(replace(MISSION, value=f"m{number}.example") for number in range(1000)))
    async with store.reading() as work:
        assert len(await work.list_records.hits(NOON)) == 20


async def test_what_waits_for_somebody_is_reminded_of(
    store: Store, clock: StoppedClock, keeping: Listkeeping, reading: Listreading
) -> None:
    today = NOON.date()
    due = replace(MISSION, value="due.example", review_by=today)
    overdue = replace(MISSION, value="overdue.example", review_by=today - timedelta(days=9))
    for entry in (MISSION, due, overdue, replace(MISSION, value="later.example", review_by=today + timedelta(days=1))):
        await keeping.add(entry, actor="admin")
    exempting = Exempting(store=store, clock=clock, own_domains=OWN)
    for days in (40, 10):
        await exempting.grant(
            MISSION.value, (), until=NOON + timedelta(days=days), approver="Chief", reason="visit", actor="admin"
        )
    reminders = await reading.reminders()
    assert reminders.due == (overdue, due)
    assert [one.until for one in reminders.ending] == [NOON + timedelta(days=10)]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"kind": "subtree", "value": "gov.cn"}, "public suffix"),
        ({"kind": "domain", "value": ""}, "missing"),
        ({"kind": "planet", "value": "x.example"}, "one of"),
        ({"kind": "domain", "value": "x.example", "review_by": "soon"}, "a date"),
        ({"kind": "subtree", "value": "Mission.example."}, "on the list already"),
    ],
)
async def test_a_proposal_says_what_is_wrong(
    keeping: Listkeeping, proposing: Proposing, columns: dict[str, str], words: str
) -> None:
    await keeping.add(MISSION, actor="admin")
    proposal = await proposing.propose(columns)
    assert words in " ".join(proposal.wrong)
    assert proposal.replay is None


async def test_a_proposal_has_overlaps_and_the_replay_by_domain(
    keeping: Listkeeping, proposing: Proposing, ledger: Tallying
) -> None:
    from filters.address import parse_path

    await keeping.add(MISSION, actor="admin")
    for number in range(3):
        path = parse_path(f"a{number % 2}@mail.mission.example")
        ledger.note([], path, NOON, emergency=number == 0)
    ledger.note([], parse_path("b@city.example"), NOON, emergency=False)
    await ledger.flush()
    proposal = await proposing.propose({"kind": "subtree", "value": "mail.mission.example", "mode": "observe"})
    assert proposal.wrong == ()
    assert proposal.entry is not None
    assert proposal.entry.mode is Mode.OBSERVE
    assert "already covered by mission.example and below" in proposal.remarks[0]
    assert proposal.replay is not None
    (total,) = proposal.replay.domains
    assert (total.domain, total.messages, total.senders, total.emergency) == ("mail.mission.example", 3, 2, 1)
    alone = [ListEntry(kind=EntryKind.ADDRESS, value=value) for value in ("b@city.example", "a0@mail.mission.example")]
    both = await ledger.replay(*alone, MISSION)
    assert (both.messages, both.senders, [one.domain for one in both.domains]) == (
        4, 3, ["mail.mission.example", "city.example"],
    )  # fmt: skip


async def test_an_entry_that_is_edited_is_not_in_its_own_way(keeping: Listkeeping, proposing: Proposing) -> None:
    await keeping.add(MISSION, actor="admin")
    proposal = await proposing.propose({"kind": "subtree", "value": MISSION.value, "note": "x"}, edited=True)
    assert (proposal.wrong, proposal.remarks) == ((), ())
    assert proposal.overlap is not None
    assert proposal.overlap.same == MISSION


async def test_a_new_entry_is_proposed_on_trial_and_for_a_year(proposing: Proposing) -> None:
    columns = proposing.blank().columns
    assert (columns["mode"], columns["review_by"]) == ("observe", str(NOON.date() + timedelta(days=365)))


@pytest.mark.parametrize(
    ("changed", "addresses"),
    [
        ({}, ("office@mission.example",)),
        ({"header_from": "A <a@x.example>, b@y.example"}, ("a@x.example", "b@y.example", "office@mission.example")),
        ({"header_from": "gone mad <", "reverse_path": "Bounce@Path.example"}, ("bounce@path.example",)),
        (
            {"findings": (StoredFinding(rule="r", evidence="e", identity="RFC5322.From", address="C@z.example"),)},
            ("c@z.example", "office@mission.example"),
        ),
    ],
    ids=["plain", "two authors", "unreadable", "listed"],
)
async def test_the_sender_of_a_case_is_proposed_by_its_exact_address(
    store: Store, proposing: Proposing, changed: dict[str, object], addresses: tuple[str, ...]
) -> None:
    async with store.begin() as work:
        case = await record(work, replace(a_case(), **changed), RAW)  # type: ignore[arg-type]
    draft = await proposing.draft_from(case.reference)
    assert (draft.columns["kind"], draft.columns["value"]) == ("address", addresses[0])
    assert draft.columns["mode"] == "observe"
    assert draft.columns["source"] == case.reference
    exact = [value for kind, value in draft.choices if kind is EntryKind.ADDRESS]
    assert exact == list(addresses)
    domains = dict.fromkeys(address.partition("@")[2] for address in addresses)
    assert [value for kind, value in draft.choices if kind is EntryKind.DOMAIN] == list(domains)


async def test_a_case_is_widened_to_a_domain_only_where_that_may_be_listed(store: Store, proposing: Proposing) -> None:
    async with store.begin() as work:
        written = "A <consul@gmail.com>, b@y.example"
        case = await record(work, replace(a_case(), header_from=written, reverse_path="consul@gmail.com"), RAW)
    choices = (await proposing.draft_from(case.reference)).choices
    assert choices == (
        (EntryKind.ADDRESS, "consul@gmail.com"),
        (EntryKind.ADDRESS, "b@y.example"),
        (EntryKind.DOMAIN, "y.example"),
    )
    wide = await proposing.draft_from(case.reference, choices[2])
    assert (wide.columns["kind"], wide.columns["value"]) == choices[2]
    stranger = await proposing.draft_from(case.reference, (EntryKind.SUBTREE, "cn"))
    assert (stranger.columns["kind"], stranger.columns["value"]) == choices[0]


async def test_a_case_without_a_sender_proposes_nothing(store: Store, proposing: Proposing) -> None:
    async with store.begin() as work:
        case = await record(work, replace(a_case(), header_from="", reverse_path="", findings=()))
    with pytest.raises(RefusedError, match="names no sender"):
        await proposing.draft_from(case.reference)
    with pytest.raises(RefusedError, match="no case LG-NONE"):
        await proposing.draft_from("LG-NONE")


SHEET = """kind,value,note
subtree,embassy.example,
subtree,mission.example,another
domain,gov.cn,
planet,mars.example,
address,a@embassy.example,
subtree,embassy.example,
subtree,example,
"""


async def test_an_import_is_shown_line_by_line_and_can_leave_out_what_is_refused(
    keeping: Listkeeping, proposing: Proposing
) -> None:
    await keeping.add(MISSION, actor="admin")
    sheet = await proposing.sheet(csv_lines(SHEET, "sheet"))
    assert [(line.line, line.fate.value, line.value) for line in sheet.lines] == [
        (2, "new", "embassy.example"),
        (3, "known", "mission.example"),
        (4, "refused", "gov.cn"),
        (5, "refused", "mars.example"),
        (6, "new", "a@embassy.example"),
        (7, "refused", "embassy.example"),
        (8, "refused", "example"),
    ]
    assert [reason.line for line in sheet.refused for reason in line.reasons] == [4, 5, 7, 8]
    assert all(reason.message for line in sheet.refused for reason in line.reasons)
    assert (len(sheet.new), sheet.known, len(sheet.refused)) == (2, 1, 4)
    remarks = [" ".join(line.remarks) for line in sheet.lines]
    assert remarks[1] == "stands already and is left as it is; the file differs in mission_en, note"
    assert "already covered by embassy.example and below" in remarks[4]
    with pytest.raises(RefusedError, match="public suffix"):
        await keeping.import_(sheet, "sheet", actor="admin")
    added = await keeping.import_(sheet, "sheet", actor="admin", without_refused=True, mode=Mode.OBSERVE)
    assert [(entry.value, entry.mode) for entry in added] == [
        ("embassy.example", Mode.OBSERVE), ("a@embassy.example", Mode.OBSERVE),
    ]  # fmt: skip
    await keeping.undo(2, actor="admin")
    assert await keeping.entries() == [MISSION]


async def test_an_import_says_what_it_covers_of_the_list_that_stands(
    keeping: Listkeeping, proposing: Proposing
) -> None:
    await keeping.add(ADDRESS, actor="admin")
    (line,) = (await proposing.sheet(csv_lines("kind,value\nsubtree,mission.example\n", "sheet"))).lines
    assert line.fate is LineFate.NEW
    assert line.remarks == ("It covers a@mission.example, which stands and goes on deciding",)


async def test_the_lists_are_restored_to_an_earlier_version_as_a_new_one(keeping: Listkeeping) -> None:
    await keeping.add(MISSION, actor="admin")
    await keeping.add(ADDRESS, actor="admin")
    await keeping.edit(MISSION.value, EntryKind.SUBTREE, lambda entry: replace(entry, note="x"), actor="admin")
    await keeping.remove(ADDRESS.value, None, actor="admin")
    expected = await keeping.restoration(2)
    assert (expected.listed, [edit.after for edit in expected.edits]) == ((ADDRESS,), [MISSION])
    assert await keeping.restore(2, actor="admin") == expected
    assert sorted(await keeping.entries(), key=str) == sorted([MISSION, ADDRESS], key=str)
    assert (await keeping.history())[0].text == "restore version 2"
    with pytest.raises(RefusedError, match="already"):
        await keeping.restore(2, actor="admin")
    with pytest.raises(RefusedError, match="no version 99"):
        await keeping.restoration(99)


async def test_what_may_not_be_listed_any_more_is_not_restored(
    store: Store, clock: StoppedClock, keeping: Listkeeping
) -> None:
    await keeping.add(MISSION, actor="admin")
    await keeping.remove(MISSION.value, None, actor="admin")
    stricter = Listkeeping(store=store, clock=clock, own_domains=OWN | {"mission.example"})
    with pytest.raises(RefusedError, match="the agency's own"):
        await stricter.restore(1, actor="admin")
    assert await keeping.entries() == []
