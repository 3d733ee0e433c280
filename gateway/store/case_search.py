"""What a search looks through: one case-folded text for each case, kept when the case and its recipients come.

A narrow table, so that a search reads that and not the cases with their evidence. Words are compared as they stand,
anywhere in the text, the same on both databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, exists, select, update

from gateway.store.embedded import FEW, brief
from gateway.store.engine import insert_new
from gateway.store.schema import case_search, cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from gateway.model.case import Case, CaseId, Delivery
    from gateway.store.engine import Connection

LONGEST = 1000
"""Characters of one field that can be found: a subject may fill a whole header section."""

_INSERT = brief(insert_new(case_search))
_APPEND = update(case_search).where(case_search.c.case_id == bindparam("this"))
_APPEND = _APPEND.values(text=case_search.c.text + bindparam("more"))
_APPEND_FEW = brief(_APPEND)


async def keep_case(connection: Connection, case: Case) -> None:
    """A new case can be found from now on."""
    await connection.execute(_INSERT, {"case_id": case.id, "text": searched_text(case)})


async def keep_recipients(connection: Connection, case_id: CaseId, added: Sequence[Delivery]) -> None:
    """And by these recipients."""
    if added:
        statement = _APPEND if len(added) > FEW else _APPEND_FEW
        more = _lines(*(delivery.recipient for delivery in added))
        await connection.execute(statement, {"this": case_id, "more": more})


def searched_text(case: Case) -> str:
    """What of a case can be found, before it has recipients."""
    return _lines(case.reference, case.reverse_path, case.header_from, case.subject)


def has_words(words: Sequence[str]) -> ColumnElement[bool]:
    """Of a row of `case_search`: every one of the words occurs in its text."""
    return and_(*(case_search.c.text.contains(word.casefold(), autoescape=True) for word in words))


def found(words: Sequence[str], *, dense: bool) -> ColumnElement[bool]:
    """Of a row of `cases`: the same. For `dense` see `gateway.store.case_filter`."""
    if dense:
        return exists().where(case_search.c.case_id == cases.c.id, has_words(words))
    return cases.c.id.in_(select(case_search.c.case_id).where(has_words(words)))


def _lines(*pieces: str) -> str:
    return "".join(f"{piece[:LONGEST].casefold()}\n" for piece in pieces)
