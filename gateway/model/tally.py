"""Tallies: how many messages came from one sender on one day, for the replay of a list change.

A sender is a keyed hash of its address: who reads the table can count senders, and can't tell who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from filters.sentence import Sentence

if TYPE_CHECKING:
    from datetime import date


class TallyKey(NamedTuple):
    """What is counted together: `sender` is the keyed hash, hex; `emergency`, whether an emergency recipient had it."""

    day: date
    domain: str
    sender: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """A count."""

    key: TallyKey
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTotal:
    """What came from one domain: messages, different senders, and messages to emergency recipients."""

    domain: str
    messages: int
    senders: int
    emergency: int

    def __add__(self, other: DomainTotal) -> DomainTotal:
        """Both together, of different senders at one domain."""
        return DomainTotal(
            domain=self.domain,
            messages=self.messages + other.messages,
            senders=self.senders + other.senders,
            emergency=self.emergency + other.emergency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What an entry, or several, would have matched in so many days: by domain, the busiest first."""

    days: int
    domains: tuple[DomainTotal, ...]

    @property
    def messages(self) -> int:
        """Messages in all."""
        return sum(total.messages for total in self.domains)

    @property
    def senders(self) -> int:
        """Different senders."""
        return sum(total.senders for total in self.domains)

    @property
    def emergency(self) -> int:
        """Messages to emergency recipients."""
        return sum(total.emergency for total in self.domains)


def replay_sentence(found: Replay) -> Sentence:
    """What would have been matched, in words."""
    return Sentence(
        "would have matched {met} in {days} days, {emergency} to emergency recipients",
        met=met_sentence(found.messages, found.senders),
        days=found.days,
        emergency=found.emergency,
    )


def met_sentence(messages: int, senders: int) -> Sentence:
    """How much mail, and of how many senders."""
    return Sentence(
        "{messages} from {senders}",
        messages=Sentence("1 message") if messages == 1 else Sentence("{count} messages", count=messages),
        senders=Sentence("1 sender") if senders == 1 else Sentence("{count} senders", count=senders),
    )
