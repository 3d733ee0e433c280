"""The tables of alerts, and of the leases under which one process does what only one may do."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from gateway.model.alerts import Alarm
from gateway.store.columns import SafeText, StringMap, Strings, UtcDateTime, vocabulary
from gateway.store.schema import metadata

alerts = Table(
    "alerts",
    metadata,
    Column("alarm", vocabulary(Alarm), primary_key=True),
    Column("node", SafeText, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("since", UtcDateTime),
    Column("references", Strings, nullable=False),
    Column("noticed_at", UtcDateTime, nullable=False),
    Column("began_at", UtcDateTime),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("told", StringMap, nullable=False),
)
"""Trouble that stands, or whose end somebody is still to be told: `told` are the hooks that know, and since when."""

leases = Table(
    "leases",
    metadata,
    Column("duty", SafeText, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
"""Who has a duty that only one process may do at a time. A lease that has ended is anybody's."""
