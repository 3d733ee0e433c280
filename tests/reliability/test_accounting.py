"""The account itself: sound evidence has no fault, and evidence with one fault has just that one told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.model.case import ActionState, DeliveryState
from gateway.model.outbox import OutboxState, Purpose
from tests.support.accounting import account
from tests.support.postings import Kind, number_of
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.model.case import CaseFile
    from gateway.model.outbox import OutboxItem
    from tests.support.accounting import Evidence
    from tests.support.mta import Message
    from tests.support.senders import Record


async def test_the_account_tells_every_rule_that_is_broken_and_nothing_else(tmp_path: Path, sqlite_url: str) -> None:
    async with surroundings(tmp_path, sqlite_url, seed=1) as around:
        await around.start()
        await around.send(*Kind, Kind.PROVEN)
        await around.release_some(0.5)
        evidence = await around.evidence()
    assert account(evidence).broken == ()
    for fault, words in FAULTS.items():
        broken = account(fault(evidence)).broken
        assert broken, words
        assert all(any(one in sentence for one in words.split("|")) for sentence in broken), (words, broken)


def arrived(evidence: Evidence, kind: Kind) -> Message:
    """The first message of this kind at the next hop."""
    numbers = {record.posting.number for record in evidence.records if record.posting.kind is kind}
    return next(message for message in evidence.at_next_hop if number_of(message.content) in numbers)


def post_of(evidence: Evidence, purpose: Purpose) -> bytes:
    return evidence.posts[item_of(evidence, purpose).id].content


def item_of(evidence: Evidence, purpose: Purpose) -> OutboxItem:
    return next(item for item in evidence.items if item.purpose is purpose)


def case_of(evidence: Evidence, kind: Kind) -> CaseFile:
    numbers = {record.posting.number for record in evidence.records if record.posting.kind is kind}
    return next(evidence.cases[number][0] for number in numbers)


def without_message(gone: bytes, evidence: Evidence) -> Evidence:
    def kept(messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return tuple(message for message in messages if message.content != gone)

    return replace(evidence, at_next_hop=kept(evidence.at_next_hop), at_smarthost=kept(evidence.at_smarthost))


def with_item(item: OutboxItem, evidence: Evidence) -> Evidence:
    return replace(evidence, items=tuple(item if one.id == item.id else one for one in evidence.items))


def with_case(file: CaseFile, evidence: Evidence) -> Evidence:
    others = tuple(one for one in evidence.files if one.case.reference != file.case.reference)
    return replace(evidence, files=(*others, file))


def arrived_again(content: bytes, evidence: Evidence) -> Evidence:
    (message, *_) = [message for message in evidence.at_smarthost if message.content == content]
    return replace(evidence, at_smarthost=(*evidence.at_smarthost, message))


def clean_is_lost(evidence: Evidence) -> Evidence:
    return without_message(arrived(evidence, Kind.CLEAN).content, evidence)


def flagged_is_lost(evidence: Evidence) -> Evidence:
    return without_message(arrived(evidence, Kind.FLAGGED).content, evidence)


def clean_is_altered(evidence: Evidence) -> Evidence:
    message = arrived(evidence, Kind.CLEAN)
    altered = replace(message, content=message.content.replace(b"Nobody", b"Somebody"))
    return replace(clean_is_lost(evidence), at_next_hop=(*clean_is_lost(evidence).at_next_hop, altered))


def a_case_is_lost(evidence: Evidence) -> Evidence:
    gone = case_of(evidence, Kind.FLAGGED)
    return replace(evidence, files=tuple(one for one in evidence.files if one is not gone))


def a_case_is_doubled(evidence: Evidence) -> Evidence:
    file = case_of(evidence, Kind.FLAGGED)
    return replace(evidence, files=(*evidence.files, replace(file, case=replace(file.case, reference="LG-2"))))


def a_recipient_is_lost(evidence: Evidence) -> Evidence:
    file = case_of(evidence, Kind.HELD)
    return with_case(replace(file, deliveries=file.deliveries[1:]), evidence)


def a_delivery_stays_pending(evidence: Evidence) -> Evidence:
    file = case_of(evidence, Kind.FLAGGED)
    pending = replace(file.deliveries[0], state=DeliveryState.PENDING)
    return with_case(replace(file, deliveries=(pending, *file.deliveries[1:])), evidence)


def a_decline_came_twice(evidence: Evidence) -> Evidence:
    return arrived_again(post_of(evidence, Purpose.DECLINE), evidence)


def an_uncertain_decline_came_twice(evidence: Evidence) -> Evidence:
    item = replace(item_of(evidence, Purpose.DECLINE), state=OutboxState.UNCERTAIN)
    return with_item(item, a_decline_came_twice(evidence))


def a_decline_is_lost(evidence: Evidence) -> Evidence:
    return without_message(post_of(evidence, Purpose.DECLINE), evidence)


def a_decline_was_not_made(evidence: Evidence) -> Evidence:
    gone = item_of(evidence, Purpose.DECLINE)
    items = tuple(item for item in evidence.items if item is not gone)
    return without_message(post_of(evidence, Purpose.DECLINE), replace(evidence, items=items))


def nobody_was_to_be_declined(evidence: Evidence) -> Evidence:
    files = [
        replace(file, case=replace(file.case, decline=ActionState.REVIEW))
        for file in evidence.files
        if file.case.reference == item_of(evidence, Purpose.DECLINE).case_reference
    ]
    return with_case(files[0], evidence)


def a_report_is_lost(evidence: Evidence) -> Evidence:
    return without_message(post_of(evidence, Purpose.REPORT), evidence)


def a_report_came_altered(evidence: Evidence) -> Evidence:
    content = post_of(evidence, Purpose.REPORT)
    (message, *_) = [message for message in evidence.at_smarthost if message.content == content]
    altered = replace(message, content=content.replace(b"Message-ID: <", b"Message-ID: <x", 1))
    return replace(evidence, at_smarthost=(*evidence.at_smarthost, altered))


def a_report_is_doubled(evidence: Evidence) -> Evidence:
    item = item_of(evidence, Purpose.REPORT)
    posts = evidence.posts | {"twin": evidence.posts[item.id]}
    return replace(evidence, items=(*evidence.items, replace(item, id="twin")), posts=posts)


def a_notice_is_lost(evidence: Evidence) -> Evidence:
    return without_message(post_of(evidence, Purpose.NOTICE), evidence)


def a_release_is_lost(evidence: Evidence) -> Evidence:
    return without_message(post_of(evidence, Purpose.RELEASE), evidence)


def a_release_was_forgotten(evidence: Evidence) -> Evidence:
    return replace(evidence, released=evidence.released | {(case_of(evidence, Kind.FLAGGED).case.reference, "x@y")})


def held_mail_leaked(evidence: Evidence) -> Evidence:
    (record, *_) = [record for record in evidence.records if record.posting.kind is Kind.HELD]
    leaked = replace(arrived(evidence, Kind.CLEAN), recipients=list(record.posting.recipients))
    return replace(evidence, at_next_hop=(*evidence.at_next_hop, replace(leaked, content=record.posting.content)))


def an_item_is_stuck(evidence: Evidence) -> Evidence:
    return with_item(replace(item_of(evidence, Purpose.REPORT), state=OutboxState.SENDING), evidence)


def a_claim_is_stuck(evidence: Evidence) -> Evidence:
    return replace(evidence, claimed=1)


def with_record(evidence: Evidence, change: Callable[[Record], Record]) -> Evidence:
    (first, *others) = evidence.records
    return replace(evidence, records=(change(first), *others))


def a_sender_was_refused(evidence: Evidence) -> Evidence:
    return with_record(evidence, lambda record: replace(record, refusals=["554 5.3.0 no"], due=[]))


def a_sender_was_never_answered(evidence: Evidence) -> Evidence:
    return with_record(evidence, lambda record: replace(record, due=list(record.posting.recipients)))


FAULTS: dict[Callable[[Evidence], Evidence], str] = {
    clean_is_lost: "(clean) was answered 250 and never arrived",
    flagged_is_lost: "(flagged) was answered 250 and never arrived",
    clean_is_altered: "(clean) arrived altered",
    a_case_is_lost: "(flagged) has 0 cases",
    a_case_is_doubled: "(flagged) has 2 cases",
    a_recipient_is_lost: "instead of",
    a_delivery_stays_pending: "is pending",
    a_decline_came_twice: "is sent, and arrived 2 times",
    an_uncertain_decline_came_twice: "is uncertain, and arrived 2 times",
    a_decline_is_lost: "is sent, and arrived 0 times",
    a_decline_was_not_made: "has 0 declines",
    nobody_was_to_be_declined: "has 1 declines",
    a_report_is_lost: "report|never arrived",
    a_report_came_altered: "nobody asked for this",
    a_report_is_doubled: "has 2 reports",
    a_notice_is_lost: "is sent, and never arrived",
    a_release_is_lost: "is sent, and never arrived",
    a_release_was_forgotten: "has 0 releases",
    held_mail_leaked: "nobody asked for this",
    an_item_is_stuck: "is sending",
    a_claim_is_stuck: "still claimed",
    a_sender_was_refused: "was refused for our own trouble|was never taken",
    a_sender_was_never_answered: "was never taken",
}
