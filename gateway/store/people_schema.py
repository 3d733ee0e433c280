"""The tables of people who sign in, and of their sessions. They stand in the same metadata as all others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from gateway.model.people import Stage
from gateway.store.columns import RowId, SafeText, Sentences, Strings, UtcDateTime, vocabulary
from gateway.store.schema import metadata

people = Table(
    "people",
    metadata,
    Column("name", SafeText, primary_key=True),
    Column("full_name", SafeText, nullable=False),
    Column("roles", Strings, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("language", SafeText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("signed_in_at", UtcDateTime),
    Column("password_hash", SafeText, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("totp_key_id", String(64)),
    Column("totp_size", Integer),
    Column("totp_sha256", String(64)),
    Column("totp_blob", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
)
"""Who may sign in. `totp_*` hold the secret of the second factor, sealed, and the last time step that was used."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", SafeText, ForeignKey("people.name"), nullable=False, index=True),
)
"""Codes that stand for the second factor once; used ones are gone."""

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", SafeText, ForeignKey("people.name"), nullable=False, index=True),
    Column("stage", vocabulary(Stage), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("told", Sentences, nullable=False),
)
"""Who is signed in. Only digests of the tokens: who reads the table can't take over a session."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("scope", SafeText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
Index("ix_sign_in_failures_scope", sign_in_failures.c.scope, sign_in_failures.c.at)
