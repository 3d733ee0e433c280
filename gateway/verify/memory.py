"""What name servers answered, for as long as they said that it holds (RFC 1035 §3.2.1, RFC 2308 §5), and not for long.

The missions that write are few, and what they publish is asked for with each of their messages, and once more before
an answer leaves. A failure is never remembered: who asks again may be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filters.authentication import DnsAnswer

LONGEST = 300.0
"""Seconds, whatever was said: the evidence of a message is not to be much older than the message."""
MOST = 1024
"""Answers."""
LARGE = 4096
"""Octets of records."""
MANY = 16
"""Records. What is more, or larger, is asked for again: nobody is to fill our memory with what they publish."""


class Memory:
    """The answers to questions, by name and kind. `now` is in seconds, on a clock that never goes back."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[float, DnsAnswer]] = {}
        """With the end of their time; the oldest question first."""

    def recall(self, name: str, kind: str, now: float) -> DnsAnswer | None:
        """The answer, if it still holds."""
        until, answer = self._answers.get((name, kind), (now, None))
        if answer is not None and now >= until:
            del self._answers[name, kind]
            return None
        return answer

    def keep(self, answer: DnsAnswer, seconds: float, now: float) -> None:
        """Remember an answer that holds for so many seconds; the oldest makes room for it."""
        self._answers.pop((answer.name, answer.kind), None)
        if seconds <= 0 or len(answer.records) > MANY or sum(map(len, answer.records)) > LARGE:
            return
        if len(self._answers) >= MOST:
            del self._answers[next(iter(self._answers))]
        self._answers[answer.name, answer.kind] = now + min(seconds, LONGEST), answer
