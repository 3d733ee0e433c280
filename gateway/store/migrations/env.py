"""Alembic's entry: runs the migrations on the connection that `gateway.store.upgrading` hands over."""

from __future__ import annotations

from alembic import context

from gateway.store.tables import metadata

# render_as_batch: SQLite alters tables by copying them. transactional_ddl: SQLite can, though Alembic assumes not.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
