"""Tracing: what the record knows of an address or a Message-ID. Of clean mail it knows nothing: that is the log's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.case import how_far
from gateway.model.tracing import Source, Step

if TYPE_CHECKING:
    from gateway.model.audit import AuditEntry
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem
    from gateway.model.tracing import Sought
    from gateway.store.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """The question."""

    store: Store

    async def of(self, what: Sought) -> list[Step]:
        """Every step on record, in no order."""
        steps: list[Step] = []
        async with self.store.reading() as work:
            items = {item.id: item for id_ in await work.traces.items(what) if (item := await work.outbox.get(id_))}
            for case_id, reference in await work.traces.cases(what):
                case = await work.cases.by_id(case_id)
                if case is not None:
                    steps.append(_of_a_case(case))
                steps += [_of_a_row(row) for row in await work.audit.entries(subject=reference)]
                items |= {item.id: item for item in await work.outbox.list(case_id=case_id)}
        return [*steps, *map(_of_an_item, items.values())]


def _of_a_case(case: Case) -> Step:
    decline, report = how_far(case.decline, case.status), how_far(case.report, case.status)
    event = f"{case.kind}, {case.status}; decline {decline}, report {report}"
    return Step(
        at=case.received_at, source=Source.CASE, name=case.reference, event=event, tier=case.tier, case=case.reference
    )


def _of_a_row(row: AuditEntry) -> Step:
    reply = row.detail.get("reply", "")
    return Step(
        at=row.at, source=Source.AUDIT, name=row.subject, event=row.action, reply=reply, case=row.subject, by=row.actor
    )


def _of_an_item(item: OutboxItem) -> Step:
    return Step(
        at=item.created_at,
        source=Source.OUTBOX,
        name=item.id,
        event=f"{item.purpose} {item.state}",
        reply=str(item.last_reply),
        case=item.case_reference,
    )
