"""Who looks for trouble: what a process remembers of it from one look to the next."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from gateway import tokens

if TYPE_CHECKING:
    from gateway.model.alerts import Standing


class Watcher:
    """The process: who it is, and the trouble that the store itself has."""

    def __init__(self) -> None:
        self.owner = tokens.item_id()
        self.node = socket.gethostname()
        self.store_down: Standing | None = None
