"""The tables of what people and the collation address add to a case: forwards, amendments, answers.

They stand in the same metadata as all others.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table, UniqueConstraint

from filters.disposition import Tier
from gateway.model.forward import ForwardForm
from gateway.store.columns import RowId, SafeText, Strings, UtcDateTime, vocabulary
from gateway.store.schema import metadata


def _case_id() -> Column[int]:
    return Column("case_id", RowId, ForeignKey("cases.id"), nullable=False, index=True)


forwards = Table(
    "forwards",
    metadata,
    Column("id", RowId, primary_key=True),
    _case_id(),
    Column("at", UtcDateTime, nullable=False),
    Column("by", SafeText, nullable=False),
    Column("form", vocabulary(ForwardForm), nullable=False),
    Column("said", SafeText, nullable=False),
    Column("key", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    UniqueConstraint("key", "number"),
)
"""Which mail of an officer brought which message to which case: the same mail, sent again, adds nothing."""

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("item_id", String(64), ForeignKey("outbox_items.id"), primary_key=True),
    Column("references", Strings, nullable=False),
    Column("troubles", Strings, nullable=False),
    Column("answers", SafeText, nullable=False),
)
"""What the mail of an outbox item tells an officer."""

amendments = Table(
    "amendments",
    metadata,
    Column("item_id", String(64), ForeignKey("outbox_items.id"), primary_key=True),
    _case_id(),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("text", SafeText, nullable=False),
    Column("tier", vocabulary(Tier)),
)

answers = Table(
    "answers",
    metadata,
    Column("id", RowId, primary_key=True),
    _case_id(),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("on", Date, nullable=False),
    Column("text", SafeText, nullable=False),
    Column("their_reference", SafeText, nullable=False),
    Column("message_key", String(64), nullable=False),
)
"""`message_key` is "" for what a person recorded: see gateway.model.answer."""
