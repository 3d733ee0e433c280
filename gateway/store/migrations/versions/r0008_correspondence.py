"""What officers forward, what is added to a report that has left, and what the collation address answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("cases", sa.Column("answer", sa.String(length=16), nullable=False, server_default="none"))
    op.create_index(op.f("ix_cases_answer"), "cases", ["answer", "report", "received_at"], unique=False)
    _forwards()
    _amendments()
    _answers()


def _forwards() -> None:
    op.create_table(
        "forwards",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_forwards_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forwards")),
        sa.UniqueConstraint("key", "number", name=op.f("uq_forwards_key")),
    )
    op.create_index(op.f("ix_forwards_case_id"), "forwards", ["case_id"], unique=False)
    op.create_table(
        "acknowledgements",
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("references", sa.Text(), nullable=False),
        sa.Column("troubles", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["outbox_items.id"], name=op.f("fk_acknowledgements_item_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_acknowledgements")),
    )


def _amendments() -> None:
    op.create_table(
        "amendments",
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_amendments_case_id")),
        sa.ForeignKeyConstraint(["item_id"], ["outbox_items.id"], name=op.f("fk_amendments_item_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_amendments")),
    )
    op.create_index(op.f("ix_amendments_case_id"), "amendments", ["case_id"], unique=False)


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("their_reference", sa.Text(), nullable=False),
        sa.Column("message_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_answers_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_case_id"), "answers", ["case_id"], unique=False)
