"""Case work: who sees to a case, contacts by hand, what a search looks through, and the indexes that listings need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SLICE = 1000
"""Cases whose texts are in memory at a time."""
LONGEST = 1000

_CASES = sa.table("cases", *map(sa.column, ("id", "reference", "reverse_path", "header_from", "subject")))
_DELIVERIES = sa.table("deliveries", *map(sa.column, ("id", "case_id", "recipient")))
_SEARCH = sa.table("case_search", sa.column("case_id"), sa.column("text"))


def upgrade() -> None:
    op.add_column("cases", sa.Column("kind", sa.String(length=16), server_default="mail", nullable=False))
    op.add_column("cases", sa.Column("assigned_to", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("cases", sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True))
    _create_indexes()
    _create_search()
    for rows in _slices():
        op.bulk_insert(_SEARCH, [{"case_id": row.id, "text": text} for row, text in rows])


def _create_indexes() -> None:
    op.drop_index(op.f("ix_cases_received_at"), "cases")
    op.create_index(
        "ix_cases_list",
        "cases",
        [
            *("received_at", "id", "status", "tier", "kind", "decline", "report"),
            *("assigned_to", "entry", "mission_en", "mission_fr"),
        ],
        unique=False,
    )
    op.create_index("ix_cases_mission", "cases", ["mission_fr", "mission_en", "entry"], unique=False)
    op.create_index("ix_deliveries_state", "deliveries", ["state", "case_id"], unique=False)
    op.create_index(
        "uq_outbox_items_retraction",
        "outbox_items",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("purpose = 'retraction' AND state <> 'cancelled'"),
        postgresql_where=sa.text("purpose = 'retraction' AND state <> 'cancelled'"),
    )


def _create_search() -> None:
    op.create_table(
        "case_search",
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_search_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_search")),
    )


def _slices() -> Iterator[list[tuple[sa.Row[Any], str]]]:
    """The cases there are, with their texts."""
    last = 0
    while rows := _after(last):
        last = rows[-1].id
        recipients = _recipients(rows[0].id, last)
        yield [(row, _text(row, recipients.get(row.id, []))) for row in rows]


def _after(last: int) -> Sequence[sa.Row[Any]]:
    statement = sa.select(_CASES).where(_CASES.c.id > last).order_by(_CASES.c.id).limit(SLICE)
    return op.get_bind().execute(statement).all()


def _recipients(first: int, last: int) -> dict[int, list[str]]:
    statement = (
        sa.select(_DELIVERIES.c.case_id, _DELIVERIES.c.recipient)
        .where(_DELIVERIES.c.case_id.between(first, last))
        .order_by(_DELIVERIES.c.id)
    )
    found: dict[int, list[str]] = {}
    for case_id, recipient in op.get_bind().execute(statement):
        found.setdefault(case_id, []).append(recipient)
    return found


def _text(row: sa.Row[Any], recipients: list[str]) -> str:
    """As the program of this revision writes it: it may change later, and the migration stays."""
    pieces = (row.reference, row.reverse_path, row.header_from, row.subject, *recipients)
    return "".join(f"{piece[:LONGEST].casefold()}\n" for piece in pieces)
