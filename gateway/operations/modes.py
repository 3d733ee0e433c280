"""The mode: the configuration sets the ceiling, `liaison mode` lowers it at once everywhere, and restores it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.disposition import Mode, lower_mode
from gateway.errors import RefusedError
from gateway.store.values import MODE

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The verbs. `ceiling` is the configuration's `mode`."""

    store: Store
    ceiling: Mode

    async def current(self) -> Mode:
        """The mode in force."""
        async with self.store.reading() as work:
            lowered = await work.values.get(MODE)
        return lower_mode(self.ceiling, Mode(lowered)) if lowered else self.ceiling

    async def set(self, mode: Mode, *, actor: str) -> None:
        """Lower the mode, or restore it up to the ceiling."""
        if lower_mode(mode, self.ceiling) is not mode:
            raise RefusedError(
                'The configuration allows {ceiling} at most; to go to {mode}, set mode = "{mode}" there',
                ceiling=self.ceiling,
                mode=mode,
            )
        async with self.store.begin() as work:
            await (work.values.remove(MODE) if mode is self.ceiling else work.values.put(MODE, mode))
            await work.audit.append(actor, "mode", mode, {"ceiling": self.ceiling})
