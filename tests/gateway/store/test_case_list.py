"""The list of cases: every filter, the search, pages and numbers, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text

from filters.disposition import Tier
from gateway.model.case import ActionState, CaseStatus, ContactKind, DeliveryState, Disposal
from gateway.model.case_list import EVERY_CASE, NEEDS, PAGE, CaseFilter, CaseOrder, Need
from gateway.store.case_filter import matching
from gateway.store.database_file import create_sqlite_file
from gateway.store.engine import open_engine
from gateway.store.schema import case_search
from gateway.store.unit_of_work import Store
from gateway.store.upgrading import alembic_configuration
from tests.support.clocks import NOON
from tests.support.databases import TEST_SEAL
from tests.support.records import RAW, a_case, a_delivery, record, stored_id

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from gateway.model.case import Case, Delivery
    from tests.support.clocks import StoppedClock

FIRST, SECOND, THIRD = (f"LG-TEST-{number:04}" for number in (1, 2, 3))


async def written(store: Store, case: Case, *deliveries: Delivery) -> Case:
    async with store.begin() as work:
        return await record(work, case, RAW, *deliveries)


async def listed(store: Store, wanted: CaseFilter, order: CaseOrder = CaseOrder.NEWEST) -> list[str]:
    """By every way there is: the page, the count, the full rows, and the condition for many matches."""
    async with store.reading() as work:
        page = await work.case_list.page(wanted, order, 1)
        found = [line.reference for line in page.lines]
        assert page.total == await work.case_list.count(wanted) == len(found)
        assert sorted(case.reference for case in await work.case_files.cases(wanted)) == sorted(found)
        densely = await work.case_files._matching(matching(wanted, dense=True))
        assert sorted(case.reference for case in densely) == sorted(found)
    return found


async def test_each_filter_lets_through_what_it_names(store: Store) -> None:
    plain = a_case(number=1)
    other = replace(
        a_case(number=2),
        tier=Tier.SUSPECT,
        entry="other.example",
        mission_en="Embassy of Elsewhere",
        decline=ActionState.NONE,
        report=ActionState.REVIEW,
        kind=ContactKind.PHONE,
        assigned_to="alice",
    )
    await written(store, plain, a_delivery())
    await written(
        store, other, a_delivery(state=DeliveryState.RELAYED), a_delivery("b@police.example", DeliveryState.REFUSED)
    )
    async with store.begin() as work:
        stored = await work.cases.by_reference(FIRST)
        assert stored is not None
        await work.cases.close(stored_id(stored), Disposal.HANDLED, NOON)
    for of_the_other in (
        CaseFilter(tier=Tier.SUSPECT),
        CaseFilter(entry="other.example"),
        CaseFilter(mission="Embassy of Elsewhere"),
        CaseFilter(since=other.received_at),
        CaseFilter(delivery=DeliveryState.REFUSED),
        CaseFilter(decline=ActionState.NONE),
        CaseFilter(report=ActionState.REVIEW),
        CaseFilter(kind=ContactKind.PHONE),
        CaseFilter(assigned_to="alice"),
        CaseFilter(status=replace(other).status),
        CaseFilter(tier=Tier.SUSPECT, delivery=DeliveryState.RELAYED, words=("meeting",)),
    ):
        assert await listed(store, of_the_other) == [SECOND], of_the_other
    for of_the_first in (
        CaseFilter(until=other.received_at),
        CaseFilter(delivery=DeliveryState.HELD),
        CaseFilter(assigned_to=""),
    ):
        assert await listed(store, of_the_first) == [FIRST], of_the_first
    assert await listed(store, CaseFilter(tier=Tier.SUSPECT, assigned_to="")) == []
    assert await listed(store, EVERY_CASE) == [SECOND, FIRST]


async def test_what_waits_to_be_decided_is_found_in_open_cases_unless_closed_ones_are_asked_for(store: Store) -> None:
    """In a case that is closed there is nothing to decide: it was left."""
    for number in (1, 2):
        await written(store, replace(a_case(number=number), decline=ActionState.REVIEW, report=ActionState.REVIEW))
    async with store.begin() as work:
        closed = await work.cases.by_reference(FIRST)
        assert closed is not None
        await work.cases.close(stored_id(closed), Disposal.HANDLED, NOON)
    for wanted in (CaseFilter(decline=ActionState.REVIEW), CaseFilter(report=ActionState.REVIEW)):
        assert await listed(store, wanted) == [SECOND], wanted
        assert await listed(store, replace(wanted, status=CaseStatus.CLOSED)) == [FIRST], wanted


@pytest.mark.parametrize(
    "words",
    [
        ("lg-test-0001",),
        ("OFFICE@MISSION",),
        ("straße",),
        ("STRASSE",),
        ("ÉLÈVES",),
        ("100%",),
        ("a_b",),
        ("back\\slash",),
        ("使馆",),
        ("wang", "réunion", "inspector@police"),
    ],
    ids=" ".join,
)
async def test_a_search_finds_each_word_anywhere_in_any_letter_case(store: Store, words: tuple[str, ...]) -> None:
    wanted = replace(
        a_case(number=1),
        header_from="Wang <office@mission.example>",
        subject="Réunion Straße élèves 100% a_b back\\slash 使馆",
    )
    await written(store, wanted, a_delivery("Inspector@police.example"))
    await written(store, replace(a_case(number=2), reverse_path="", header_from="elsewhere", subject="100 axb"))
    assert await listed(store, CaseFilter(words=words)) == [FIRST]


@pytest.mark.parametrize(
    "words", [("meeting", "absent"), ("%",), ("_",), ("lg-test-0001", "lg-test-0002")], ids=" ".join
)
async def test_a_search_finds_nothing_where_one_word_is_missing(store: Store, words: tuple[str, ...]) -> None:
    await written(store, a_case(number=1))
    await written(store, a_case(number=2))
    assert await listed(store, CaseFilter(words=words)) == []


async def test_a_case_is_found_by_a_recipient_that_came_later(store: Store) -> None:
    case = await written(store, a_case(number=1))
    wanted = CaseFilter(words=("chief@police.example",))
    assert await listed(store, wanted) == []
    async with store.begin() as work:
        await work.deliveries.add_missing(stored_id(case), [a_delivery("Chief@police.example")])
        await work.deliveries.add_missing(stored_id(case), [a_delivery("Chief@police.example")])
    assert await listed(store, wanted) == [FIRST]
    async with store.reading() as work:
        assert await work.case_list.count(CaseFilter(words=("chief",))) == 1


async def test_a_hostile_subject_can_be_stored_and_searched(store: Store) -> None:
    await written(store, replace(a_case(number=1), subject="nul\0 lone \ud800 " + "x" * 300_000 + " end"))
    assert await listed(store, CaseFilter(words=("lone",))) == [FIRST]
    assert await listed(store, CaseFilter(words=("nul\0",))) == [FIRST]
    assert await listed(store, CaseFilter(words=("end",))) == []


async def test_a_page_has_so_many_lines_and_the_last_page_stands_for_all_behind_it(store: Store) -> None:
    number = PAGE + 2
    async with store.begin() as work:
        for place in range(number):
            await record(work, a_case(number=place))
    async with store.reading() as work:
        pages = [await work.case_list.page(EVERY_CASE, CaseOrder.NEWEST, page) for page in (0, 1, 2, 3)]
    assert [(page.number, len(page.lines), page.total, page.pages) for page in pages] == [
        (1, PAGE, number, 2),
        (1, PAGE, number, 2),
        (2, 2, number, 2),
        (2, 2, number, 2),
    ]
    assert pages[0].lines[0].reference == f"LG-TEST-{number - 1:04}"
    assert pages[2].lines[-1].reference == "LG-TEST-0000"


async def test_an_empty_list_has_one_empty_page(store: Store) -> None:
    async with store.reading() as work:
        page = await work.case_list.page(EVERY_CASE, CaseOrder.NEWEST, 7)
    assert (page.lines, page.number, page.total, page.pages) == ((), 1, 0, 1)


async def test_the_orders_put_the_newest_the_oldest_or_the_gravest_first(store: Store) -> None:
    await written(store, replace(a_case(number=1), mission_en="Embassy"))
    await written(store, replace(a_case(number=2), tier=Tier.EMERGENCY, mission_en=""))
    await written(store, replace(a_case(number=3), tier=Tier.SUSPECT, mission_en="Consulate"))
    assert await listed(store, EVERY_CASE) == [THIRD, SECOND, FIRST]
    assert await listed(store, EVERY_CASE, CaseOrder.OLDEST) == [FIRST, SECOND, THIRD]
    assert await listed(store, EVERY_CASE, CaseOrder.TIER) == [SECOND, FIRST, THIRD]
    assert await listed(store, EVERY_CASE, CaseOrder.MISSION) == [THIRD, FIRST, SECOND]


async def test_a_line_counts_its_recipients_by_state(store: Store) -> None:
    await written(
        store, a_case(number=1), a_delivery("b@police.example"), a_delivery("a@police.example", DeliveryState.PENDING)
    )
    await written(store, replace(a_case(number=2), kind=ContactKind.PHONE))
    async with store.reading() as work:
        second, first = await work.case_list.first(EVERY_CASE, CaseOrder.NEWEST, 2)
    assert (first.recipient, first.recipients) == ("a@police.example", 2)
    assert first.deliveries == {DeliveryState.HELD: 1, DeliveryState.PENDING: 1}
    assert second.recipients == 1


async def test_what_needs_a_person_is_counted_as_the_list_would_show_it(unchecked_store: Store) -> None:
    await written(unchecked_store, replace(a_case(number=1), tier=Tier.SUSPECT))
    await written(unchecked_store, replace(a_case(number=2), tier=Tier.RELATED, report=ActionState.REVIEW))
    await written(
        unchecked_store,
        replace(a_case(number=3), decline=ActionState.UNCERTAIN),
        a_delivery(state=DeliveryState.RELAYED),
    )
    closed = await written(unchecked_store, replace(a_case(number=4), tier=Tier.SUSPECT, report=ActionState.FAILED))
    async with unchecked_store.begin() as work:
        await work.cases.close(stored_id(closed), Disposal.HANDLED, NOON)
    async with unchecked_store.reading() as work:
        needs = await work.case_list.needs()
        for need, wanted in NEEDS.items():
            assert needs[need].cases == await work.case_list.count(wanted), need
    assert {need: needed.cases for need, needed in needs.items()} == {
        Need.HELD: 2,
        Need.DECLINE_REVIEW: 2,
        Need.REPORT_REVIEW: 1,
        Need.SUSPECT: 1,
        Need.RELATED: 1,
        Need.DECLINE_FAILED: 0,
        Need.DECLINE_UNCERTAIN: 1,
        Need.REPORT_FAILED: 1,
        Need.ANSWER_RECEIVED: 0,
    }
    assert needs[Need.HELD].oldest == NOON + timedelta(seconds=1)
    assert needs[Need.DECLINE_FAILED].oldest is None


async def test_the_missions_that_cases_name_are_offered_with_their_numbers(store: Store) -> None:
    await written(store, a_case(number=1))
    await written(store, a_case(number=2))
    await written(store, replace(a_case(number=3), mission_en="", mission_fr="", entry=""))
    async with store.reading() as work:
        offered = await work.case_list.missions()
    assert [(one.name_en, one.entry, one.cases) for one in offered] == [
        ("", "", 1),
        ("Embassy of Example", "mission.example", 2),
    ]


async def test_the_oldest_references_come_first_and_no_more_than_wanted(store: Store) -> None:
    for number in (2, 1, 3):
        await written(store, a_case(number=number))
    async with store.reading() as work:
        assert await work.case_list.references(EVERY_CASE, 2) == [FIRST, SECOND]


def _search_texts(connection: Connection) -> dict[int, str]:
    return {row.case_id: row.text for row in connection.execute(case_search.select())}


def _go_to(connection: Connection, revision: str) -> None:
    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)


_OLD_CASE = """
INSERT INTO cases (id, reference, intake_key, tier, status, received_at, reverse_path, header_from, subject, message_id,
 sha256, size, entry, entries, mission_en, mission_fr, decline, report, mode, rulebook_version, client_ip, helo,
 protocol, tls, smtputf8, body, findings, ambiguous, decline_reasons, report_reasons, authentication, silenced)
VALUES (:id, :reference, :reference, 'confirmed', 'open', '2026-05-04 12:00:00', 'A@Mission.example', 'Écho', 'Réunion', '',
 '', 0, '', '[]', '', '', 'none', 'none', 'auto', 1, '', '', '', '', false, '', '[]', '[]', '[]', '[]', '{}', false)
"""
_OLD_DELIVERY = """
INSERT INTO deliveries (id, case_id, recipient, key, tier, state, reply)
VALUES (:id, :case, :recipient, :recipient, 'confirmed', 'held', '')
"""


async def test_cases_of_an_earlier_version_are_found_after_the_upgrade(
    empty_postgres_url: str, tmp_path: Path, clock: StoppedClock
) -> None:
    for url in (empty_postgres_url, f"sqlite:///{tmp_path}/old.db"):
        if url.startswith("sqlite"):
            create_sqlite_file(tmp_path / "old.db")
        engines = open_engine(url)
        async with engines.migrator.begin() as connection:
            await connection.run_sync(_go_to, "0002")
            for number in (1, 2):
                await connection.execute(text(_OLD_CASE), {"id": number, "reference": f"LG-TEST-{number:04}"})
            for number, recipient in ((1, "B@police.example"), (2, "a@police.example")):
                await connection.execute(text(_OLD_DELIVERY), {"id": number, "case": 2, "recipient": recipient})
        await engines.close()
        store = Store.open(url, TEST_SEAL, clock)
        await store.upgrade()
        await store.close()
        engines = open_engine(url)
        async with engines.reader.connect() as connection:
            found = await connection.run_sync(_search_texts)
            kinds = (await connection.execute(text("SELECT kind, assigned_to FROM cases"))).all()
        await engines.close()
        assert found == {
            1: "lg-test-0001\na@mission.example\nécho\nréunion\n",
            2: "lg-test-0002\na@mission.example\nécho\nréunion\nb@police.example\na@police.example\n",
        }
        assert [tuple(row) for row in kinds] == [("mail", "")] * 2
