"""The outbox worker: sends what waits."""
