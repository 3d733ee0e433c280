"""Who looks for trouble: what a process remembers of it from one look to the next."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.model.alerts import UNHEARD_AFTER

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.model.alerts import Standing


class Watcher:
    """The process: who it is, and the trouble that the store itself has."""

    def __init__(self) -> None:
        self.owner = tokens.item_id()
        self.node = socket.gethostname()
        self.store_down: Standing | None = None
        self._looking_since: datetime | None = None
        self._looked_at: datetime | None = None

    def looks(self, now: datetime) -> datetime:
        """It looks now; since when it has done so without a gap.

        After a gap, such as that of a database that was away for all nodes, the others have yet to be heard.
        """
        if self._looking_since is None or self._looked_at is None or now - self._looked_at > UNHEARD_AFTER / 2:
            self._looking_since = now
        self._looked_at = now
        return self._looking_since
