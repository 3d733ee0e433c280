"""The time that one session, and each mail transaction in it, has taken; looked at once a second (RFC 5321 §4.5.3.2).

No timer and no clock of its own: the server's sweeper says what time it is, and the first look at a mail transaction
counts as its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.smtp import replies

if TYPE_CHECKING:
    from gateway.model.reply import Reply
    from gateway.settings import Smtp

PATIENCE_UNDER_STRESS = 10.0
"""Seconds of silence from a client for whose message others have to wait."""


class SessionTime:
    """Times are the event loop's, in seconds."""

    __slots__ = ("_began", "_in_hand", "_since")

    def __init__(self, now: float) -> None:
        """The session begins."""
        self._began = self._since = now
        self._in_hand = ""

    def is_up(self, now: float, limits: Smtp) -> bool:
        """Whether the session may begin no further mail transaction."""
        return now - self._began > limits.session_timeout

    def objection(
        self, now: float, last_active: float, in_hand: str, limits: Smtp, *, held_up: bool = False
    ) -> Reply | None:
        """Why to close a session that waits for its client; `in_hand` is the id of its mail transaction, "" if none.

        `held_up`: others wait for the room that its message takes.
        """
        if in_hand != self._in_hand:
            self._in_hand, self._since = in_hand, now
        patience = min(limits.idle_timeout, PATIENCE_UNDER_STRESS) if held_up else limits.idle_timeout
        if now - last_active > patience:
            return replies.IDLE_TOO_LONG
        if in_hand:
            return replies.TRANSACTION_TOO_LONG if now - self._since > limits.transaction_timeout else None
        return replies.SESSION_SPENT if self.is_up(now, limits) else None
