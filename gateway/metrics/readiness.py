"""Readiness: whether mail may be sent here now; if not, a sentence for each thing that is wrong, with the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.watching import Watching


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Asks the parts. `unready` says why the service takes no mail, "" while it does or where none is to be taken."""

    unready: Callable[[], str]
    rulebooks: Rulebooks
    watching: Watching

    async def troubles(self) -> list[str]:
        """Empty when all is well."""
        rulebook = "" if self.rulebooks.loaded else "The rulebook is not loaded: look for `store_failed` in the log."
        store = await self.watching.trouble()
        if store:
            store = f"{store}: see that it runs and can be reached; listed mail is asked to come back until it does."
        return [sentence for sentence in (self.unready(), rulebook, store) if sentence]
