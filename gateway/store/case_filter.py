"""A filter of cases as a condition of the database's: one for listings, counts, exports and what is done in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, select, true

from gateway.model.case import ActionState, AnswerState
from gateway.store.case_search import found
from gateway.store.holds import is_on_hold
from gateway.store.lateness import OPEN, overdue
from gateway.store.schema import cases, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from gateway.model.case import DeliveryState
    from gateway.model.case_list import CaseFilter

_SAME = ("tier", "status", "entry", "decline", "report", "assigned_to", "kind", "answer")
"""What a filter and a column call by the same name."""


def matching(wanted: CaseFilter, *, dense: bool = False) -> ColumnElement[bool]:
    """Of a row of `cases`: whether the filter lets it through.

    What stands in other tables is looked up there first, which is quick where few cases match; or, `dense`, for one
    case after the other, which is quick where many do and only the first are wanted. The answer is the same.
    """
    return and_(true(), *_conditions(wanted, dense=dense))


def _conditions(wanted: CaseFilter, *, dense: bool) -> Iterator[ColumnElement[bool]]:
    yield from _equalities(wanted)
    if wanted.mission is not None:
        yield cases.c.mission_en == wanted.mission
    if wanted.since is not None:
        yield cases.c.received_at >= wanted.since
    if wanted.until is not None:
        yield cases.c.received_at < wanted.until
    if wanted.delivery is not None:
        yield _delivered(wanted.delivery, dense=dense)
    if wanted.on_hold is not None:
        yield is_on_hold() if wanted.on_hold else ~is_on_hold()
    if wanted.overdue is not None:
        yield overdue(wanted.overdue)
    if wanted.words:
        yield found(wanted.words, dense=dense)


def _equalities(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    for name in _SAME:
        value = getattr(wanted, name)
        if value is not None:
            yield cases.c[name] == value
    if wanted.status is None and ActionState.REVIEW in (wanted.decline, wanted.report):
        yield OPEN
    if wanted.answer is AnswerState.NONE:
        yield cases.c.report == ActionState.SENT


def _delivered(state: DeliveryState, *, dense: bool) -> ColumnElement[bool]:
    if dense:
        return exists().where(deliveries.c.state == state, deliveries.c.case_id == cases.c.id)
    return cases.c.id.in_(select(deliveries.c.case_id).where(deliveries.c.state == state))
