"""Contacts by hand: a case like any other, with a document of its own."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.errors import RefusedError
from gateway.model.case import ActionState, ContactKind
from gateway.model.case_list import CaseFilter
from gateway.model.contact import Contact
from gateway.model.outbox import Purpose
from gateway.operations.browsing import Browsing
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from gateway.desk import Desk

ALICE = "console:alice"
CALL = Contact(
    kind=ContactKind.PHONE,
    at=NOON - timedelta(hours=2),
    asked="Where a person lives.\r\nAnd since when.",
    who=" Li Wei ",
    role="second secretary",
    mission="mission.example",
    approached="the duty inspector",
    answered="To write to the centre.",
    note="Will call again.",
)


async def test_a_contact_is_a_case_with_its_document_as_the_message(desk: Desk) -> None:
    case = await desk.contacts.record(CALL, desk.rulebooks.current, report=False, actor=ALICE)
    assert re.fullmatch(r"LG-[2-9A-Z]{5}-[2-9A-Z]{5}", case.reference)
    assert (case.kind, case.tier, case.received_at) == (ContactKind.PHONE, Tier.UNVERIFIED, CALL.at)
    assert (case.header_from, case.subject) == ("Li Wei, second secretary", "Where a person lives. And since when.")
    assert (case.decline, case.report) == (ActionState.NONE, ActionState.REVIEW)
    assert case.rulebook_version == desk.rulebooks.current.version
    document = await desk.casework.original(case.reference)
    assert hashlib.sha256(document).hexdigest() == case.sha256
    dossier = await desk.casework.show(case.reference, desk.rulebooks.current.index)
    assert dossier.contact == replace(CALL, who="Li Wei", asked="Where a person lives.\nAnd since when.")
    assert dossier.objections == ("It was no mail: there is no reverse-path to answer to.",)
    assert [(row.actor, row.action) for row in dossier.audit] == [(ALICE, "contact-recorded")]
    assert "Li Wei" not in json.dumps([dict(row.detail) for row in dossier.audit])


async def test_a_listed_mission_is_known_by_its_entry_and_by_its_name(desk: Desk) -> None:
    (entry,) = [one for one in desk.rulebooks.current.index.entries if one.value == "mission.example"]
    for mission in ("MISSION.example", entry.mission_en.upper()):
        case = await desk.contacts.record(
            replace(CALL, mission=mission), desk.rulebooks.current, report=False, actor=ALICE
        )
        assert (case.entry, case.mission_en, case.mission_fr) == (entry.value, entry.mission_en, entry.mission_fr)
    other = await desk.contacts.record(
        replace(CALL, mission="a trade office"), desk.rulebooks.current, report=False, actor=ALICE
    )
    assert (other.entry, other.mission_en, other.mission_fr) == ("", "a trade office", "a trade office")


async def test_a_report_that_is_asked_for_waits_in_the_outbox(desk: Desk) -> None:
    case = await desk.contacts.record(CALL, desk.rulebooks.current, report=True, actor=ALICE)
    assert case.report is ActionState.WAITING
    async with desk.store.reading() as work:
        (item,) = await work.outbox.list()
    assert (item.purpose, item.to, item.requested_by) == (Purpose.REPORT, "collation@ildc.example", ALICE)


async def test_two_calls_of_the_same_words_are_two_cases(desk: Desk) -> None:
    one = await desk.contacts.record(CALL, desk.rulebooks.current, report=False, actor=ALICE)
    other = await desk.contacts.record(CALL, desk.rulebooks.current, report=False, actor=ALICE)
    assert one.reference != other.reference
    found = await Browsing(store=desk.store).page(CaseFilter(kind=ContactKind.PHONE, words=("li", "secretary")))
    assert found.total == 2


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        (replace(CALL, kind=ContactKind.MAIL), "not by hand"),
        (replace(CALL, at=NOON + timedelta(minutes=1)), "in the future"),
        (replace(CALL, at=NOON.replace(year=26)), "in the year 26"),
        (replace(CALL, asked=" \r\n "), "What was asked has to be said"),
        (replace(CALL, who="", role=" ", mission=""), "Say who it was"),
        (replace(CALL, note="x" * 10_001), "at most 10000 characters"),
    ],
    ids=["mail", "future", "long ago", "nothing asked", "nobody", "too long"],
)
async def test_what_says_too_little_or_too_much_is_refused(desk: Desk, contact: Contact, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        await desk.contacts.record(contact, desk.rulebooks.current, report=False, actor=ALICE)


async def test_a_contact_is_never_declined_and_has_nothing_to_release(desk: Desk) -> None:
    case = await desk.contacts.record(CALL, desk.rulebooks.current, report=False, actor=ALICE)
    with pytest.raises(RefusedError, match="It was no mail"):
        await desk.casework.decline(case.reference, desk.rulebooks.current.index, actor=ALICE)
    with pytest.raises(RefusedError, match="Nothing of"):
        await desk.casework.release(case.reference, (), actor=ALICE)


async def test_hostile_letters_in_what_was_written_down_are_kept_or_replaced_but_never_fatal(desk: Desk) -> None:
    contact = replace(CALL, asked="nul\0 lone \ud800 bidi \u202e", who="\x1b[31m")
    case = await desk.contacts.record(contact, desk.rulebooks.current, report=True, actor=ALICE)
    dossier = await desk.casework.show(case.reference, desk.rulebooks.current.index)
    assert dossier.contact is not None
    assert "bidi \u202e" in dossier.contact.asked
