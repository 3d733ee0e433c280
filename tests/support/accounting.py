"""The account: what was promised with each 250, against everything that arrived and everything that is on record.

Decision 13 in rules: what was accepted is delivered or held; a listed message has one case; a decline arrives once or
never, and says so; reports, notices and releases arrive at least once, each time with the same octets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.model.case import ActionState, DeliveryState
from gateway.model.outbox import OutboxState, Purpose
from gateway.store.consistency import check_consistency
from gateway.store.schema import outbox_items
from tests.support.postings import Kind, number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from gateway.model.case import CaseFile
    from gateway.model.outbox import OutboxItem, Post
    from gateway.store.unit_of_work import Store
    from tests.support.mta import Message
    from tests.support.postings import Posting
    from tests.support.senders import Record

Copy = tuple[str, bytes]
"""A recipient, and the octets that arrived for it."""
Release = tuple[str, str]
"""A case's reference and a recipient, for whom a person released it."""

_AT_HAND = (OutboxState.WAITING, OutboxState.SENDING)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that can be seen when it is quiet. `posts` are the frozen mails by the ids of their items."""

    records: tuple[Record, ...]
    files: tuple[CaseFile, ...]
    items: tuple[OutboxItem, ...]
    posts: dict[str, Post]
    at_next_hop: tuple[Message, ...]
    at_smarthost: tuple[Message, ...]
    released: frozenset[Release]
    claimed: int
    inconsistencies: tuple[str, ...]

    @cached_property
    def cases(self) -> dict[int, list[CaseFile]]:
        """By the number of the posting."""
        found: dict[int, list[CaseFile]] = defaultdict(list)
        for file in self.files:
            number = number_of(f"Message-ID: {file.case.message_id}\r\n\r\n".encode())
            found[-1 if number is None else number].append(file)
        return found

    @cached_property
    def items_of(self) -> dict[tuple[str, Purpose], list[OutboxItem]]:
        """By case and purpose, without those that were cancelled."""
        found: dict[tuple[str, Purpose], list[OutboxItem]] = defaultdict(list)
        for item in self.items:
            if item.state is not OutboxState.CANCELLED:
                found[item.case_reference, item.purpose].append(item)
        return found

    @cached_property
    def copies(self) -> Counter[Copy]:
        """What arrived anywhere: how often for whom."""
        return Counter(
            (recipient, message.content)
            for message in (*self.at_next_hop, *self.at_smarthost)
            for recipient in message.recipients
        )

    @cached_property
    def arrivals(self) -> dict[int, dict[str, list[Message]]]:
        """What arrived at the next hop, by posting and recipient."""
        found: dict[int, dict[str, list[Message]]] = defaultdict(lambda: defaultdict(list))
        for message in self.at_next_hop:
            number = number_of(message.content)
            for recipient in message.recipients if number is not None else ():
                found[number or 0][recipient].append(message)
        return found

    def times(self, item: OutboxItem) -> int:
        """How often the item's frozen mail arrived."""
        post = self.posts.get(item.id)
        return self.copies[post.recipient, post.content] if post else 0


@dataclass(frozen=True, kw_only=True)
class Account:
    """`broken` has a sentence for each rule that was broken, with the number or id; empty: all is well."""

    broken: tuple[str, ...]
    figures: dict[str, int]

    def must_hold(self, hint: str = "") -> None:
        """AssertionError with the first sentences, the figures, and `hint`: how to see it again."""
        assert not self.broken, "\n".join(
            [f"{len(self.broken)} rules broken", *self.broken[:20], f"{self.figures}", hint]
        )


async def gather_evidence(
    store: Store,
    records: Iterable[Record],
    *,
    at_next_hop: Iterable[Message],
    at_smarthost: Iterable[Message],
    released: Collection[Release] = (),
) -> Evidence:
    """Look at the record when nothing is at hand any more."""
    async with store.reading() as work:
        items = await work.outbox.list()
        posts = {item.id: await work.outbox.frozen(item.id) for item in items}
        claims = select(func.count()).where(outbox_items.c.claimed_by.is_not(None))
        return Evidence(
            records=tuple(records),
            files=tuple(await work.case_files.matching()),
            items=tuple(items),
            posts={item: post for item, post in posts.items() if post is not None},
            at_next_hop=tuple(at_next_hop),
            at_smarthost=tuple(at_smarthost),
            released=frozenset(released),
            claimed=int((await work.outbox._connection.execute(claims)).scalar_one()),
            inconsistencies=tuple(await check_consistency(store)),
        )


async def is_quiet(store: Store) -> bool:
    """Whether nothing of the outbox is at hand."""
    async with store.reading() as work:
        return not any([await work.outbox.list(state=state) for state in _AT_HAND])


def account(evidence: Evidence) -> Account:
    """Judge it."""
    promises = [list(_promises(evidence, record)) for record in evidence.records]
    broken = [
        *evidence.inconsistencies,
        *([f"{evidence.claimed} outbox items are still claimed"] if evidence.claimed else []),
        *(sentence for broken_ones in promises for sentence in broken_ones),
        *(sentence for item in evidence.items for sentence in _item(evidence, item)),
        *_strangers(evidence),
        *_releases(evidence),
    ]
    kept = sum(not broken_ones for broken_ones in promises)
    return Account(broken=tuple(broken), figures={"accounted for": kept, **_figures(evidence)})


def _promises(evidence: Evidence, record: Record) -> Iterator[str]:
    posting = record.posting
    name = f"posting {posting.number} ({posting.kind})"
    if record.refusals:
        yield f"{name} was refused for our own trouble: {record.refusals}"
    if not record.taken:
        yield f"{name} was never taken for {record.due}; last answers: {record.answers[-3:]}"
    if posting.listed:
        yield from _listed(evidence, record, name)
    elif evidence.cases[posting.number]:
        yield f"{name} became a case: {[file.case.reference for file in evidence.cases[posting.number]]}"
    yield from _deliveries(evidence, record, name)


def _listed(evidence: Evidence, record: Record, name: str) -> Iterator[str]:
    posting, files = record.posting, evidence.cases[record.posting.number]
    if len(files) != 1:
        yield f"{name} has {len(files)} cases: {[file.case.reference for file in files]}"
        return
    (file,) = files
    reference = file.case.reference
    recorded = {delivery.recipient: delivery.state for delivery in file.deliveries}
    if set(recorded) != set(posting.recipients):
        yield f"{name} is case {reference} for {sorted(recorded)} instead of {sorted(posting.recipients)}"
    for recipient, state in recorded.items():
        if state not in _fates(evidence, posting, reference, recipient):
            yield f"{name}, case {reference}: the delivery to {recipient} is {state}"
    yield from _written(evidence, posting, file, name)


def _fates(evidence: Evidence, posting: Posting, reference: str, recipient: str) -> set[DeliveryState]:
    if not posting.is_held_for(recipient):
        return {DeliveryState.RELAYED}
    return {DeliveryState.RELEASED if (reference, recipient) in evidence.released else DeliveryState.HELD}


def _written(evidence: Evidence, posting: Posting, file: CaseFile, name: str) -> Iterator[str]:
    """One report, one notice for each who waits; a decline where one was due, and nowhere else."""
    reference = file.case.reference
    items = {purpose: evidence.items_of[reference, purpose] for purpose in Purpose}
    if len(items[Purpose.REPORT]) != posting.reported:
        yield f"{name}, case {reference} has {len(items[Purpose.REPORT])} reports"
    told = sorted(item.to for item in items[Purpose.NOTICE])
    if told != sorted(recipient for recipient in posting.recipients if posting.is_held_for(recipient)):
        yield f"{name}, case {reference} has notices for {told}"
    due = posting.kind is Kind.PROVEN and file.case.decline is not ActionState.REVIEW
    if len(items[Purpose.DECLINE]) != due:
        yield f"{name}, case {reference} has {len(items[Purpose.DECLINE])} declines, and {due} was due"


def _deliveries(evidence: Evidence, record: Record, name: str) -> Iterator[str]:
    arrivals = evidence.arrivals[record.posting.number]
    for recipient in record.posting.recipients:
        arrived = arrivals[recipient]
        if not record.posting.is_held_for(recipient):
            if not arrived and recipient not in record.due:
                yield f"{name} was answered 250 and never arrived for {recipient}"
            yield from (_altered(record, message, name) for message in arrived if not _is_intact(record, message))
    for stranger in set(arrivals) - set(record.posting.recipients):
        yield f"{name} arrived for {stranger}, to whom nobody sent it"


def _altered(record: Record, message: Message, name: str) -> str:
    return f"{name} arrived altered; it begins {message.content[:300]!r}"


def _is_intact(record: Record, message: Message) -> bool:
    behind = message.behind_received
    if record.posting.listed:
        flag, behind = behind[:15].lower(), _behind_flag(behind)
        return flag == b"x-liaison-flag:" and record.may_be(behind)
    return record.may_be(behind)


def _behind_flag(content: bytes) -> bytes:
    """Without the two fields of flagged mail on top, each with its folded lines."""
    for name in (b"x-liaison-flag:", b"authentication-results:"):
        lines = content.split(b"\r\n")
        if not lines[0].lower().startswith(name):
            return content
        end = next(index for index, line in enumerate(lines[1:], 1) if not line.startswith((b" ", b"\t")))
        content = b"\r\n".join(lines[end:])
    return content


def _item(evidence: Evidence, item: OutboxItem) -> Iterator[str]:
    name = f"{item.purpose} {item.id} of {item.case_reference} to {item.to}"
    times = evidence.times(item)
    match item.state:
        case OutboxState.SENT if item.purpose is Purpose.DECLINE:
            if times != 1:
                yield f"{name} is sent, and arrived {times} times"
        case OutboxState.SENT:
            if not times:
                yield f"{name} is sent, and never arrived"
        case OutboxState.UNCERTAIN if item.purpose is Purpose.DECLINE:
            if times > 1:
                yield f"{name} is uncertain, and arrived {times} times"
        case OutboxState.CANCELLED:
            return
        case other:
            yield f"{name} is {other}: {item.last_reply}"


def _strangers(evidence: Evidence) -> Iterator[str]:
    """Whatever arrived must be a posting's, or octet for octet the frozen mail of an item."""
    frozen = {(post.recipient, post.content) for post in evidence.posts.values()}
    held = {
        (record.posting.number, recipient)
        for record in evidence.records
        for recipient in record.posting.recipients
        if record.posting.is_held_for(recipient)
    }
    for message in (*evidence.at_next_hop, *evidence.at_smarthost):
        number = number_of(message.content)
        for recipient in message.recipients:
            if (number is None or (number, recipient) in held) and (recipient, message.content) not in frozen:
                yield f"nobody asked for this, which arrived for {recipient}: {message.content[:300]!r}"


def _releases(evidence: Evidence) -> Iterator[str]:
    for reference, recipient in evidence.released:
        items = [item for item in evidence.items_of[reference, Purpose.RELEASE] if item.to == recipient]
        if len(items) != 1:
            yield f"case {reference} has {len(items)} releases to {recipient}"


def _figures(evidence: Evidence) -> dict[str, int]:
    """What the rules were asked about; a rule that nobody asked proves nothing."""
    of = Counter((item.purpose, item.state) for item in evidence.items)
    again = sum(evidence.times(item) > 1 for item in evidence.items)
    kinds = Counter(str(record.posting.kind) for record in evidence.records if record.taken)
    relayed = Counter(
        (number, recipient)
        for number, arrivals in evidence.arrivals.items()
        for recipient, messages in arrivals.items()
        for _ in messages
    )
    return {
        "answered 250": sum(record.taken for record in evidence.records),
        **{f"  {kind}": kinds[kind] for kind in Kind},
        "other answers, or none": sum(not reply.startswith("2") for one in evidence.records for reply in one.answers),
        "through another relay": sum(len(record.trace) > 0 for record in evidence.records),
        "delivered twice or more": sum(times > 1 for times in relayed.values()),
        "cases": len(evidence.files),
        "declines sent": of[Purpose.DECLINE, OutboxState.SENT],
        "declines uncertain": of[Purpose.DECLINE, OutboxState.UNCERTAIN],
        "reports": of[Purpose.REPORT, OutboxState.SENT],
        "notices": of[Purpose.NOTICE, OutboxState.SENT],
        "releases": of[Purpose.RELEASE, OutboxState.SENT],
        "of ours sent again": again,
    }
