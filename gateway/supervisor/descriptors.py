"""File descriptors: as many as the connections need that the configuration allows, or a line in the log that says so.

A process begins with 1024 on most systems, and may ask for more up to a limit that the administrator sets. A client's
connection can need three at once: its own, one to the next hop, and a temporary file for a large message.
"""

from __future__ import annotations

import resource

import structlog

from gateway.events import Event

FOR_A_CONNECTION = 3
BESIDES = 200
"""For the database, the DNS, the outbox, monitoring, and what Python has open itself."""

log = structlog.get_logger()


def allow_descriptors(connections: int) -> None:
    """Raise this process's limit to what so many connections can need; more is never taken away."""
    needed = FOR_A_CONNECTION * connections + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != resource.RLIM_INFINITY and soft < needed:
        log.warning(Event.FEW_DESCRIPTORS, allowed=soft, needed=needed, connections=connections)
