"""Which entries of the sender lists a case met, so that an entry can tell its hits."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SLICE = 1000
MOST = 20


def upgrade() -> None:
    op.create_table(
        "case_entries",
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_entries_case_id")),
        sa.PrimaryKeyConstraint("case_id", "kind", "value", name=op.f("pk_case_entries")),
    )
    op.create_index(op.f("ix_case_entries_kind"), "case_entries", ["kind", "value", "received_at"], unique=False)
    _fill()


def _fill() -> None:
    """Earlier cases know the values that they met; the kinds are those under which a value was ever listed."""
    connection = op.get_bind()
    kinds: dict[str, list[str]] = {}
    for kind, value in connection.execute(sa.text("SELECT DISTINCT kind, value FROM sender_entries")):
        kinds.setdefault(value, []).append(kind)
    last = 0
    while rows := connection.execute(
        sa.text("SELECT id, entries, received_at FROM cases WHERE id > :last ORDER BY id LIMIT :most"),
        {"last": last, "most": SLICE},
    ).all():
        met = [
            {"case_id": row.id, "kind": kind, "value": value, "received_at": row.received_at}
            for row in rows
            for value in dict.fromkeys(json.loads(row.entries)[:MOST])
            for kind in kinds.get(value, [])
        ]
        if met:
            connection.execute(
                sa.text(
                    "INSERT INTO case_entries (case_id, kind, value, received_at) "
                    "VALUES (:case_id, :kind, :value, :received_at)"
                ),
                met,
            )
        last = rows[-1].id
