"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_cases()
    _create_messages()
    _create_deliveries()
    _create_notes()
    _create_outbox_items()
    _create_frozen_posts()
    _create_daily_counts()
    _create_decline_windows()
    _create_ledger()
    _create_rulebook_head()
    _create_rulebook_versions()
    _create_sender_entries()
    _create_exemptions()
    _create_stored_values()
    _create_audit_head()
    _create_audit_entries()
    op.create_table(
        "digests", sa.Column("day", sa.Date(), nullable=False), sa.PrimaryKeyConstraint("day", name=op.f("pk_digests"))
    )
    # The heads are single rows that are locked and updated, never inserted by the program.
    op.bulk_insert(sa.table("rulebook_head", sa.column("id"), sa.column("version")), [{"id": 1, "version": 0}])
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("intake_key", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("header_from", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("mission_en", sa.Text(), nullable=False),
        sa.Column("mission_fr", sa.Text(), nullable=False),
        sa.Column("decline", sa.String(length=16), nullable=False),
        sa.Column("report", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("rulebook_version", sa.BigInteger(), nullable=False),
        sa.Column("client_ip", sa.Text(), nullable=False),
        sa.Column("helo", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("tls", sa.Text(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("ambiguous", sa.Text(), nullable=False),
        sa.Column("decline_reasons", sa.Text(), nullable=False),
        sa.Column("report_reasons", sa.Text(), nullable=False),
        sa.Column("authentication", sa.Text(), nullable=False),
        sa.Column("silenced", sa.Boolean(), nullable=False),
        sa.Column("disposal", sa.String(length=16), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_cases_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("intake_key", name=op.f("uq_cases_intake_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_cases_reference")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_cases_received_at"), "cases", ["received_at"], unique=False)


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_messages_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_messages")),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_deliveries_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("case_id", "key", name=op.f("uq_deliveries_case_id")),
    )


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_notes_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_case_id"), "notes", ["case_id"], unique=False)


def _create_outbox_items() -> None:
    op.create_table(
        "outbox_items",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("case_id", ROW_ID, nullable=True),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("summary", sa.Boolean(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_node", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_items_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_items")),
    )
    op.create_index(op.f("ix_outbox_items_case_id"), "outbox_items", ["case_id"], unique=False)
    op.create_index("ix_outbox_items_due", "outbox_items", ["state", "due_at"], unique=False)
    op.create_index(
        "uq_outbox_items_decline",
        "outbox_items",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("purpose = 'decline'"),
        postgresql_where=sa.text("purpose = 'decline'"),
    )
    op.create_index(
        "uq_outbox_items_notice",
        "outbox_items",
        ["case_id", "recipient"],
        unique=True,
        sqlite_where=sa.text("purpose = 'notice'"),
        postgresql_where=sa.text("purpose = 'notice'"),
    )
    op.create_index(
        "uq_outbox_items_report",
        "outbox_items",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("purpose = 'report' AND state <> 'cancelled'"),
        postgresql_where=sa.text("purpose = 'report' AND state <> 'cancelled'"),
    )


def _create_frozen_posts() -> None:
    op.create_table(
        "frozen_posts",
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("needs_verified_tls", sa.Boolean(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["outbox_items.id"], name=op.f("fk_frozen_posts_item_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_frozen_posts")),
    )
    op.create_index(op.f("ix_frozen_posts_message_id"), "frozen_posts", ["message_id"], unique=False)


def _create_daily_counts() -> None:
    op.create_table(
        "daily_counts",
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "scope", "day", name=op.f("pk_daily_counts")),
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("sender", sa.String(length=32), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "domain", "sender", "emergency", name=op.f("pk_ledger")),
    )


def _create_decline_windows() -> None:
    op.create_table(
        "decline_windows",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sender", name=op.f("pk_decline_windows")),
    )
    op.create_index(op.f("ix_decline_windows_item_id"), "decline_windows", ["item_id"])


def _create_rulebook_head() -> None:
    op.create_table(
        "rulebook_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_rulebook_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulebook_head")),
    )


def _create_rulebook_versions() -> None:
    op.create_table(
        "rulebook_versions",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rulebook_versions")),
    )


def _create_sender_entries() -> None:
    op.create_table(
        "sender_entries",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("added_in", sa.BigInteger(), nullable=False),
        sa.Column("removed_in", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("mission_en", sa.Text(), nullable=False),
        sa.Column("mission_fr", sa.Text(), nullable=False),
        sa.Column("mission_zh", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=True),
        sa.Column("decline", sa.String(length=16), nullable=True),
        sa.Column("report", sa.String(length=16), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("legacy", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("verified", sa.Text(), nullable=False),
        sa.Column("review_by", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["added_in"], ["rulebook_versions.number"], name=op.f("fk_sender_entries_added_in")),
        sa.ForeignKeyConstraint(
            ["removed_in"], ["rulebook_versions.number"], name=op.f("fk_sender_entries_removed_in")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_entries")),
    )
    op.create_index(op.f("ix_sender_entries_added_in"), "sender_entries", ["added_in"], unique=False)
    op.create_index(op.f("ix_sender_entries_removed_in"), "sender_entries", ["removed_in"], unique=False)
    op.create_index(
        "uq_sender_entries_live",
        "sender_entries",
        ["kind", "value"],
        unique=True,
        sqlite_where=sa.text("removed_in IS NULL"),
        postgresql_where=sa.text("removed_in IS NULL"),
    )


def _create_exemptions() -> None:
    op.create_table(
        "exemptions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemptions")),
    )


def _create_stored_values() -> None:
    op.create_table(
        "stored_values",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stored_values")),
    )


def _create_audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )


def _create_audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_entries_hash")),
    )
    op.create_index(op.f("ix_audit_entries_subject"), "audit_entries", ["subject"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _refuse_changes_in_postgresql()
    else:
        _refuse_changes_in_sqlite()


def _refuse_changes_in_sqlite() -> None:
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER audit_entries_no_{verb} BEFORE {verb} ON audit_entries "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def _refuse_changes_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    for verb in ("update", "delete", "truncate"):
        op.execute(
            f"CREATE TRIGGER audit_entries_no_{verb} BEFORE {verb} ON audit_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse()"
        )
