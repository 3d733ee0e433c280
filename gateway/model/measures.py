"""What monitoring is told of a process's surroundings: certificate, disk, audit chain, and the alerts that stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.alerts import Alarm
    from gateway.model.audit import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Numbers at one moment. What is None is not there, or can't be known now."""

    certificate_ends: datetime | None = None
    disk_free: int | None = None
    """Octets where the database file is."""
    verification: Verification | None = None
    """Of the audit chain: the last one."""
    alerts: Mapping[Alarm, int] | None = None
    """How many stand, over all nodes; None when the store does not say so."""
