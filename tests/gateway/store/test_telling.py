"""Sentences in rows keep what was put into which words, on both databases; what older versions stored is still read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from filters.authentication import Authentication, MethodResult, Result
from filters.disposition import Mode, Tier
from filters.lists import EntryKind, ListEntry, describe
from filters.sentence import Sentence, join
from gateway.model.case import StoredFinding
from gateway.model.people import Person, Role, Stage
from gateway.store.telling import DEEPEST, as_heard, as_told, heard, told
from tests.support.records import a_case, an_item, record, stored_id

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store

REASON = Sentence("The tier ({tier}) and the mode ({mode}) say no.", tier=Tier.UNVERIFIED, mode=Mode.OBSERVE)
ANNA = Person(
    name="anna",
    full_name="Anna",
    roles=frozenset({Role.REVIEWER}),
    active=True,
    language="en",
    created_at=datetime(2026, 5, 4, tzinfo=UTC),
    signed_in_at=None,
    second_factor=False,
    must_change_password=False,
)
NESTED = Sentence("For a reason: {why} {count} times", why=REASON, count=3)


def same(one: object, other: object) -> bool:
    """Also in what makes it translatable."""
    if not isinstance(one, Sentence) or not isinstance(other, Sentence):
        return type(one) is type(other) and one == other
    alike = (one.template, str(one), [*one.values]) == (other.template, str(other), [*other.values])
    return alike and all(same(value, other.values[name]) for name, value in one.values.items())


async def test_the_reasons_of_a_case_come_back_with_their_values(store: Store) -> None:
    entry = describe(ListEntry(kind=EntryKind.SUBTREE, value="mfa.example"))
    finding = StoredFinding(rule="listed-identity", evidence=Sentence("It is {entry}.", entry=entry), entry=entry)
    given = replace(a_case(), findings=(finding,), ambiguous=(REASON,))
    async with store.begin() as work:
        stored = await record(work, given)
        await work.cases.set_reasons(stored_id(stored), decline=(NESTED,), report=("plain", REASON))
    async with store.reading() as work:
        found = await work.cases.by_reference(given.reference)
    assert found is not None
    assert same(found.findings[0].evidence, finding.evidence)
    assert same(found.findings[0].entry, entry)
    assert same(found.ambiguous[0], REASON)
    assert same(found.decline_reasons[0], NESTED)
    assert same(found.report_reasons[0], "plain")
    assert same(found.report_reasons[1], REASON)


async def test_what_authentication_found_comes_back_with_its_values(store: Store) -> None:
    spf = MethodResult(result=Result.FAIL, domain="mfa.example", reason=NESTED)
    given = replace(a_case(), authentication=Authentication(spf=spf, dkim=(spf, MethodResult(reason="plain"))))
    async with store.begin() as work:
        await record(work, given)
    async with store.reading() as work:
        found = await work.cases.by_reference(given.reference)
    assert found is not None
    assert found.authentication == given.authentication
    assert same(found.authentication.spf.reason, NESTED)
    assert same(found.authentication.dkim[0].reason, NESTED)
    assert same(found.authentication.dkim[1].reason, "plain")


async def test_a_value_and_the_text_of_a_list_version_come_back_with_their_values(store: Store) -> None:
    entry = ListEntry(kind=EntryKind.DOMAIN, value="mfa.example")
    async with store.begin() as work:
        await work.values.put("outbox.paused", NESTED)
        await work.senders.change([entry], [], at=datetime(2026, 5, 4, tzinfo=UTC), actor="test", text=REASON)
    async with store.reading() as work:
        assert same(await work.values.get("outbox.paused") or "", NESTED)
        assert [same(one.text, REASON) for one in await work.list_records.history()] == [True]


async def test_what_a_session_is_told_comes_back_with_its_values(store: Store) -> None:
    at = ANNA.created_at
    async with store.begin() as work:
        await work.people.add(ANNA, "no hash")
        await work.sessions.start("digest", "anna", Stage.SIGNED_IN, at)
        await work.sessions.tell("digest", ("done", NESTED))
    async with store.reading() as work:
        session = await work.sessions.find("digest")
    assert session is not None
    assert [same(one, other) for one, other in zip(session.told, ("done", NESTED), strict=True)] == [True, True]


async def test_the_last_reply_of_an_item_is_a_sentence_or_what_a_server_said(store: Store) -> None:
    async with store.begin() as work:
        stored = await record(work)
        await work.outbox.add([replace(an_item(stored), last_reply=NESTED)])
    async with store.reading() as work:
        [item] = await work.outbox.list()
    assert same(item.last_reply, NESTED)


async def test_reasons_that_an_older_version_stored_are_plain_text(store: Store) -> None:
    async with store.begin() as work:
        stored = await record(work)
        await work.cases._connection.execute(text("UPDATE cases SET decline_reasons = '[\"The mode is {assist}.\"]'"))
    async with store.reading() as work:
        found = await work.cases.by_id(stored_id(stored))
    assert found is not None
    assert found.decline_reasons == ("The mode is {assist}.",)


@pytest.mark.parametrize(
    "hostile", ['{"template":"{x}","values":{}}', '{"template": 1}', '{"template":', "{0.__class__}", "\x00{", ""]
)
def test_what_a_server_says_is_never_taken_for_a_sentence_of_ours(hostile: str) -> None:
    assert heard(told(hostile)) == hostile


def test_a_word_that_is_in_no_vocabulary_any_more_is_kept_as_text() -> None:
    stored = as_told(REASON)
    assert isinstance(stored, dict)
    stored["values"]["tier"] = {"of": "Tier", "word": "doubtful"}
    stored["values"]["mode"] = {"of": "Manner", "word": "slow"}
    assert as_heard(json.loads(json.dumps(stored))) == "The tier (doubtful) and the mode (slow) say no."


def test_sentences_in_sentences_are_kept_to_some_depth_and_as_text_below_it() -> None:
    sentence = REASON
    for _ in range(1000):
        sentence = Sentence("{reply}; again", reply=sentence)
    assert heard(told(sentence)) == sentence
    assert told(sentence).count("template") == DEEPEST


def test_sentences_that_stand_one_after_the_other_can_be_kept_as_one() -> None:
    both = join([REASON, NESTED])
    assert same(as_heard(as_told(both)), both)
    assert both == f"{REASON} {NESTED}"
