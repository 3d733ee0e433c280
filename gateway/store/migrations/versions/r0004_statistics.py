"""What statistics and the audit page look things up by, and when a person first decided about each case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from datetime import timedelta

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
SLICE = 1000

DECISIONS = (
    "decline-requested", "report-requested", "release-requested", "case-silenced", "case-dismissed", "case-handled",
)  # fmt: skip

cases = sa.table("cases", sa.column("id"), sa.column("reference"), sa.column("received_at", MOMENT))
audit_entries = sa.table(
    "audit_entries", sa.column("subject"), sa.column("action"), sa.column("actor"), sa.column("at", MOMENT)
)
first_decisions = sa.table(
    "first_decisions", sa.column("case_id"), sa.column("received_at", MOMENT), sa.column("seconds")
)


def upgrade() -> None:
    _create_first_decisions()
    op.create_index("ix_cases_statistics", "cases", ["received_at", "tier", "kind", "disposal"])
    op.create_index("ix_cases_missions", "cases", ["mission_en", "mission_fr", "received_at", "disposal"])
    op.create_index("ix_outbox_items_queue", "outbox_items", ["purpose", "state", "created_at"])
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "seq"])
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor", "seq"])
    op.create_index("ix_audit_entries_at", "audit_entries", ["at", "seq"])
    _fill_first_decisions()


def _create_first_decisions() -> None:
    op.create_table(
        "first_decisions",
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_first_decisions_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_first_decisions")),
    )
    op.create_index("ix_first_decisions_received_at", "first_decisions", ["received_at", "seconds"])


def _fill_first_decisions() -> None:
    """From the audit log, for the cases that are there already."""
    of_people = audit_entries.c.action.in_(DECISIONS) & (audit_entries.c.actor != "gateway")
    found = (
        sa.select(cases.c.id, cases.c.received_at, sa.func.min(audit_entries.c.at).label("decided_at"))
        .select_from(cases.join(audit_entries, audit_entries.c.subject == cases.c.reference))
        .where(of_people)
        .group_by(cases.c.id, cases.c.received_at)
    )
    rows = [
        {"case_id": row.id, "received_at": row.received_at, "seconds": _seconds(row.decided_at - row.received_at)}
        for row in op.get_bind().execute(found)
    ]
    for start in range(0, len(rows), SLICE):
        op.bulk_insert(first_decisions, rows[start : start + SLICE])


def _seconds(time: timedelta) -> int:
    return max(0, round(time.total_seconds()))
