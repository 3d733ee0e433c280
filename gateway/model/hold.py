"""Legal holds: orders to keep a case whatever its retention says. Several may stand; each is lifted by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One order. `number` counts the holds of its case from 1; `ordered_by` is who asked for it, or ""."""

    number: int
    reason: str
    ordered_by: str
    placed_at: datetime
    placed_by: str
    lifted_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether it was not lifted."""
        return self.lifted_at is None
