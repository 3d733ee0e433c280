"""A filter of cases as a condition of the database's: one for listings, counts, exports and what is done in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, true

from gateway.store.case_search import has_words
from gateway.store.schema import cases, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from gateway.model.case_list import CaseFilter

_SAME = ("tier", "status", "entry", "decline", "report", "assigned_to", "kind")
"""What a filter and a column call by the same name."""


def matching(wanted: CaseFilter) -> ColumnElement[bool]:
    """Of a row of `cases`: whether the filter lets it through."""
    return and_(true(), *_conditions(wanted))


def _conditions(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    for name in _SAME:
        value = getattr(wanted, name)
        if value is not None:
            yield cases.c[name] == value
    if wanted.mission is not None:
        yield cases.c.mission_en == wanted.mission
    if wanted.since is not None:
        yield cases.c.received_at >= wanted.since
    if wanted.until is not None:
        yield cases.c.received_at < wanted.until
    if wanted.delivery is not None:
        yield exists().where(deliveries.c.case_id == cases.c.id, deliveries.c.state == wanted.delivery)
    if wanted.words:
        yield has_words(wanted.words)
