"""The tables of records duties: legal holds, and what was disposed of under which certificate.

Never holds logic. Apart from `gateway.store.schema` for their number alone.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from gateway.model.case import ContactKind
from gateway.model.retention import RetentionClass
from gateway.store.columns import RowId, SafeText, UtcDateTime, vocabulary
from gateway.store.schema import metadata

case_holds = Table(
    "case_holds",
    metadata,
    Column("case_id", RowId, ForeignKey("cases.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reason", SafeText, nullable=False),
    Column("ordered_by", SafeText, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("placed_by", SafeText, nullable=False),
    Column("lifted_at", UtcDateTime),
)
Index("ix_case_holds_lifted_at", case_holds.c.lifted_at, case_holds.c.case_id)
"""Which cases are on hold is asked by every purge, and by a filter."""

disposal_certificates = Table(
    "disposal_certificates",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("document", SafeText, nullable=False),
)
"""One row a purge. `seen_at` is its last slice, `document` the certificate once it has ended, else ""."""

disposed_cases = Table(
    "disposed_cases",
    metadata,
    Column("certificate", String(64), ForeignKey("disposal_certificates.id"), primary_key=True),
    Column("reference", SafeText, primary_key=True),
    Column("kind", vocabulary(ContactKind), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("kept_as", vocabulary(RetentionClass), nullable=False),
    Column("days", Integer, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    Column("disposed_at", UtcDateTime, nullable=False),
)
"""What is left of a case that was disposed of: no address and no text. The same message, sent anew, is a case again."""
