"""Every table, for those who must see them all: migrations, and a purge, which leaves no row of a case anywhere.

Who asks `gateway.store.schema` sees those that happen to be imported: a process imports what it needs.
"""

from __future__ import annotations

from gateway.store import alert_schema, correspondence_schema, people_schema, records_schema
from gateway.store.schema import metadata

__all__ = ["alert_schema", "correspondence_schema", "metadata", "people_schema", "records_schema"]
