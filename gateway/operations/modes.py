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

    async def set(self, mode: Mode, *, actor: str) -> bool:
        """Lower the mode, or restore it up to the ceiling; False where it is so already."""
        if lower_mode(mode, self.ceiling) is not mode:
            raise RefusedError(
                'The configuration allows {ceiling} at most; to go to {mode}, set mode = "{mode}" there',
                ceiling=self.ceiling,
                mode=mode,
            )
        wanted = None if mode is self.ceiling else mode.value
        async with self.store.begin() as work:
            if await work.values.get(MODE) == wanted:
                return False
            await (work.values.remove(MODE) if wanted is None else work.values.put(MODE, wanted))
            await work.audit.append(actor, "mode", mode, {"ceiling": self.ceiling})
            return True
