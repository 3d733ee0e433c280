"""The tables. Uniqueness invariants live here, so that no race between processes can break them.

Never holds logic. Columns carry the names of the model's fields; `migrations/` makes the same tables, which a test
compares. The tables of people and their sessions are in `gateway.store.people_schema`, those of holds and disposal in
`gateway.store.records_schema`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from filters.disposition import Delivery, Handling, Mode, Tier
from filters.lists import EntryKind
from gateway.model.case import ActionState, AnswerState, CaseStatus, ContactKind, DeliveryState, Disposal
from gateway.model.outbox import OutboxState, Purpose
from gateway.store.columns import (
    Evidence,
    Findings,
    RowId,
    SafeText,
    Said,
    Sentences,
    StringMap,
    Strings,
    UtcDateTime,
    vocabulary,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, SafeText, nullable=False)


def _row_id() -> Column[int]:
    return Column("id", RowId, primary_key=True)


def _case_id(*, primary_key: bool = False, nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(
        "case_id", RowId, ForeignKey("cases.id"), primary_key=primary_key, nullable=nullable, index=index or None
    )


def _sealed() -> tuple[Column[str], Column[int], Column[str], Column[bytes]]:
    """The columns of a `Sealed`: see gateway.store.sealing."""
    return (
        Column("sha256", String(64), nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("key_id", String(64), nullable=False),
        Column("blob", LargeBinary, nullable=False),
    )


cases = Table(
    "cases",
    metadata,
    _row_id(),
    Column("reference", SafeText, nullable=False, unique=True),
    Column("intake_key", SafeText, nullable=False, unique=True),
    Column("tier", vocabulary(Tier), nullable=False),
    Column("status", vocabulary(CaseStatus), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    _text("reverse_path"),
    _text("header_from"),
    _text("subject"),
    _text("message_id"),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    _text("entry"),
    Column("entries", Strings, nullable=False),
    _text("mission_en"),
    _text("mission_fr"),
    Column("decline", vocabulary(ActionState), nullable=False),
    Column("report", vocabulary(ActionState), nullable=False),
    Column("mode", vocabulary(Mode), nullable=False),
    Column("rulebook_version", BigInteger, nullable=False),
    _text("client_ip"),
    _text("helo"),
    _text("protocol"),
    _text("tls"),
    Column("smtputf8", Boolean, nullable=False),
    _text("body"),
    Column("findings", Findings, nullable=False),
    Column("ambiguous", Sentences, nullable=False),
    Column("decline_reasons", Sentences, nullable=False),
    Column("report_reasons", Sentences, nullable=False),
    Column("authentication", Evidence, nullable=False),
    Column("silenced", Boolean, nullable=False),
    Column("disposal", vocabulary(Disposal)),
    Column("closed_at", UtcDateTime),
    Column("kind", vocabulary(ContactKind), nullable=False, server_default=ContactKind.MAIL.value),
    Column("assigned_to", SafeText, nullable=False, server_default=text("''")),
    Column("assigned_at", UtcDateTime),
    Column("answer", vocabulary(AnswerState), nullable=False, server_default=AnswerState.NONE.value),
    CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
    sqlite_autoincrement=True,
)
Index("ix_cases_statistics", cases.c.received_at, cases.c.tier, cases.c.kind, cases.c.disposal)
"""Statistics read this and the next one alone: the rows themselves are wide."""
Index("ix_cases_missions", cases.c.mission_en, cases.c.mission_fr, cases.c.received_at, cases.c.disposal)

first_decisions = Table(
    "first_decisions",
    metadata,
    _case_id(primary_key=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("seconds", BigInteger, nullable=False),
)
"""How long after its receipt a person first decided something about a case. One row a case: the first stays."""
Index("ix_first_decisions_received_at", first_decisions.c.received_at, first_decisions.c.seconds)

# All that a listing filters and sorts by: the rows themselves are wide, and only those of one page are looked at.
Index(
    "ix_cases_list",
    *(cases.c.received_at, cases.c.id, cases.c.status, cases.c.tier, cases.c.kind, cases.c.decline, cases.c.report),
    *(cases.c.assigned_to, cases.c.entry, cases.c.mission_en, cases.c.mission_fr),
)
Index("ix_cases_closed_at", cases.c.closed_at, cases.c.id)
Index("ix_cases_answer", cases.c.answer, cases.c.report, cases.c.received_at)
Index("ix_cases_mission", cases.c.mission_fr, cases.c.mission_en, cases.c.entry)

case_search = Table("case_search", metadata, _case_id(primary_key=True), _text("text"))
"""What a search looks through: see gateway.store.case_search."""

messages = Table("messages", metadata, _case_id(primary_key=True), *_sealed())

deliveries = Table(
    "deliveries",
    metadata,
    _row_id(),
    _case_id(),
    _text("recipient"),
    _text("key"),
    Column("tier", vocabulary(Tier), nullable=False),
    Column("state", vocabulary(DeliveryState), nullable=False),
    _text("reply"),
    UniqueConstraint("case_id", "key"),
)
Index("ix_deliveries_state", deliveries.c.state, deliveries.c.case_id)

notes = Table(
    "notes",
    metadata,
    _row_id(),
    _case_id(index=True),
    Column("at", UtcDateTime, nullable=False),
    _text("actor"),
    _text("text"),
)

outbox_items = Table(
    "outbox_items",
    metadata,
    Column("id", String(64), primary_key=True),
    _case_id(nullable=True, index=True),
    Column("purpose", vocabulary(Purpose), nullable=False),
    _text("recipient"),
    Column("state", vocabulary(OutboxState), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_reply", Said, nullable=False),
    _text("requested_by"),
    Column("summary", Boolean, nullable=False),
    Column("claimed_by", SafeText),
    Column("claimed_node", SafeText),
    Column("claimed_until", UtcDateTime),
)

# The partial indexes stand on PostgreSQL too, as `migrations/` makes them: to say so here would load its dialect, 2 MB.

ONE_DECLINE = Index(
    "uq_outbox_items_decline",
    outbox_items.c.case_id,
    unique=True,
    sqlite_where=text("purpose = 'decline'"),
)
"""A case is declined at most once (decision 13); a cancelled decline stays cancelled."""

ONE_REPORT = Index(
    "uq_outbox_items_report",
    outbox_items.c.case_id,
    unique=True,
    sqlite_where=text("purpose = 'report' AND state <> 'cancelled'"),
)
"""A case is reported once; only a cancelled report makes room for another."""

ONE_NOTICE = Index(
    "uq_outbox_items_notice",
    outbox_items.c.case_id,
    outbox_items.c.recipient,
    unique=True,
    sqlite_where=text("purpose = 'notice'"),
)
"""A recipient hears of a held message once."""

ONE_RETRACTION = Index(
    "uq_outbox_items_retraction",
    outbox_items.c.case_id,
    unique=True,
    sqlite_where=text("purpose = 'retraction' AND state <> 'cancelled'"),
)
"""A report is taken back once."""

Index("ix_outbox_items_due", outbox_items.c.state, outbox_items.c.due_at)
Index("ix_outbox_items_queue", outbox_items.c.purpose, outbox_items.c.state, outbox_items.c.created_at)
"""Queues and their ages are told without the rows themselves."""

frozen_posts = Table(
    "frozen_posts",
    metadata,
    Column("item_id", String(64), ForeignKey("outbox_items.id"), primary_key=True),
    _text("reverse_path"),
    _text("recipient"),
    Column("message_id", SafeText, nullable=False, index=True),
    Column("needs_verified_tls", Boolean, nullable=False),
    Column("smtputf8", Boolean, nullable=False),
    *_sealed(),
)

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("purpose", vocabulary(Purpose), primary_key=True),
    Column("scope", SafeText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("started", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)
"""How much mail the gateway started by itself on a day (UTC): to or about a domain, or in all (scope "")."""

decline_windows = Table(
    "decline_windows",
    metadata,
    Column("sender", SafeText, primary_key=True),
    Column("item_id", String(64), nullable=False, index=True),
    Column("until", UtcDateTime, nullable=False),
)
"""Until when a sender gets no other automatic decline, and which decline that is because of."""

ledger = Table(
    "ledger",
    metadata,
    Column("day", Date, primary_key=True),
    Column("domain", SafeText, primary_key=True),
    Column("sender", String(32), primary_key=True),
    Column("emergency", Boolean, primary_key=True),
    Column("messages", BigInteger, nullable=False),
)
"""How much mail came from where; `sender` is a keyed hash."""

rulebook_head = Table(
    "rulebook_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: the version in force. Whoever makes a new one updates this row first, so versions have no forks."""

rulebook_versions = Table(
    "rulebook_versions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    _text("actor"),
    Column("text", Said, nullable=False),
)

sender_entries = Table(
    "sender_entries",
    metadata,
    _row_id(),
    Column("added_in", BigInteger, ForeignKey("rulebook_versions.number"), nullable=False, index=True),
    Column("removed_in", BigInteger, ForeignKey("rulebook_versions.number"), index=True),
    Column("kind", vocabulary(EntryKind), nullable=False),
    _text("value"),
    _text("mission_en"),
    _text("mission_fr"),
    _text("mission_zh"),
    _text("country"),
    _text("category"),
    Column("delivery", vocabulary(Delivery)),
    Column("decline", vocabulary(Handling)),
    Column("report", vocabulary(Handling)),
    Column("mode", vocabulary(Mode)),
    Column("legacy", Boolean, nullable=False),
    _text("source"),
    _text("verified"),
    Column("review_by", Date),
    _text("note"),
    _text("pack"),
)

ONE_LIVE_ENTRY = Index(
    "uq_sender_entries_live",
    sender_entries.c.kind,
    sender_entries.c.value,
    unique=True,
    sqlite_where=text("removed_in IS NULL"),
)

case_entries = Table(
    "case_entries",
    metadata,
    _case_id(primary_key=True),
    Column("kind", vocabulary(EntryKind), primary_key=True),
    Column("value", SafeText, primary_key=True),
    Column("received_at", UtcDateTime, nullable=False),
)
"""The entries that a case met, for their hits: no kind and value need be on the list any more."""
Index("ix_case_entries_kind", case_entries.c.kind, case_entries.c.value, case_entries.c.received_at)

exemptions = Table(
    "exemptions",
    metadata,
    Column("id", String(64), primary_key=True),
    _text("sender"),
    Column("recipients", Strings, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    _text("approver"),
    _text("reason"),
    Column("ended_at", UtcDateTime),
)

stored_values = Table(
    "stored_values",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Said, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: the end of the chain. Locked by whoever appends, so that the chain has no forks."""

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    _text("actor"),
    _text("action"),
    Column("subject", SafeText, nullable=False, index=True),
    Column("detail", StringMap, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
Index("ix_audit_entries_action", audit_entries.c.action, audit_entries.c.seq)
Index("ix_audit_entries_actor", audit_entries.c.actor, audit_entries.c.seq)
Index("ix_audit_entries_at", audit_entries.c.at, audit_entries.c.seq)

digests = Table("digests", metadata, Column("day", Date, primary_key=True))
"""The days (UTC) whose digest was written, or had nothing to say."""
