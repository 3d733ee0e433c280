"""The record: everything that outlives a process, in SQLite or PostgreSQL. The only SQLAlchemy in the house."""
