"""Every invariant that spans tables, as a sentence when it is broken. Run by `liaison db check` and after every test.

Never repairs anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import SealError
from gateway.model.audit import verify_chain
from gateway.model.case import ActionState, ContactKind
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.model.audit import AuditEntry, ChainHead
    from gateway.model.case import Case, CaseFile
    from gateway.model.outbox import OutboxItem
    from gateway.store.unit_of_work import Store, Work

_ATTEMPTED = frozenset({OutboxState.SENDING, OutboxState.SENT})
_CANCELLED = OutboxState.CANCELLED
_WITHOUT_ITEM = frozenset({ActionState.NONE, ActionState.REVIEW, ActionState.CANCELLED})


async def check_consistency(store: Store) -> list[str]:
    """What is broken, one sentence each; empty: the store is sound. Opens every stored message, one at a time."""
    state = await store.schema_state()
    if not state.up_to_date:
        return [f"The database is at schema {state.current or 'none'}; this program needs {state.head}."]
    async with store.reading() as work:
        files, items = await work.case_files.matching(), await work.outbox.list()
        entries, head = await work.audit.entries(), await work.audit.head()
        broken = [*_case_problems(files, items, entries), *_item_problems(items, entries), *_chain(entries, head)]
        for file in files:
            broken.extend(await _message_problems(work, file.case))
        for item in items:
            broken.extend(await _frozen_problems(work, item))
        broken.extend(await _list_problems(work))
    return broken


def _case_problems(
    files: Iterable[CaseFile], items: Iterable[OutboxItem], entries: Iterable[AuditEntry]
) -> Iterator[str]:
    audited = {entry.subject for entry in entries}
    live = {(item.case_reference, item.purpose): item.state for item in items if item.state is not _CANCELLED}
    for file in files:
        case = file.case
        if not file.deliveries and case.kind is ContactKind.MAIL:
            yield f"Case {case.reference} has no delivery."
        if case.reference not in audited:
            yield f"Case {case.reference} has no audit row."
        for purpose, shown in ((Purpose.DECLINE, case.decline), (Purpose.REPORT, case.report)):
            yield from _action_problem(case, purpose, shown, live.get((case.reference, purpose)))


def _action_problem(case: Case, purpose: Purpose, shown: ActionState, actual: OutboxState | None) -> Iterator[str]:
    if actual is None and shown not in _WITHOUT_ITEM:
        yield f"Case {case.reference} says that its {purpose} is {shown}, but the outbox has none."
    if actual is not None and shown.value != actual.value:
        yield f"Case {case.reference} says that its {purpose} is {shown}, but the outbox says {actual}."


def _item_problems(items: Iterable[OutboxItem], entries: Iterable[AuditEntry]) -> Iterator[str]:
    audited = {entry.subject for entry in entries}
    for item in items:
        if item.id not in audited and item.case_reference not in audited:
            yield f"Outbox item {item.id} has no audit row, neither of its own nor of its case."
        # A decline that waited in a restored copy is uncertain without an attempt of its own: see Outbox.put_in_doubt.
        attempted = item.state in _ATTEMPTED or (item.state is OutboxState.UNCERTAIN and item.attempts > 0)
        if attempted and not item.frozen:
            yield f"Outbox item {item.id} is {item.state}, but its bytes were never frozen."


def _chain(entries: list[AuditEntry], head: ChainHead) -> Iterator[str]:
    broken = verify_chain(entries, head=head.hash)
    if broken is not None:
        yield f"The audit chain does not hold: {broken.reason}."
    elif head.seq != len(entries):
        yield f"The audit head counts {head.seq} rows, but there are {len(entries)}."


async def _message_problems(work: Work, case: Case) -> list[str]:
    try:
        raw = await work.messages.get(case)
    except SealError as error:
        return [str(error)]
    return [] if len(raw) == case.size else [f"The message of {case.reference} does not have the size of its case."]


async def _frozen_problems(work: Work, item: OutboxItem) -> list[str]:
    try:
        post = await work.outbox.frozen(item.id)
    except SealError as error:
        return [str(error)]
    if post is not None and post.recipient != item.to:
        return [f"Outbox item {item.id} is for {item.to}, but its frozen mail is for {post.recipient}."]
    return []


async def _list_problems(work: Work) -> list[str]:
    version, versions = await work.senders.version(), await work.list_records.history()
    numbers = [change.number for change in reversed(versions)]
    if numbers != list(range(1, version + 1)):
        return [f"The rulebook is at version {version}, but the versions on record are not 1 to {version}."]
    return []
