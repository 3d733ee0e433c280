"""Tallies: how many messages came from one sender on one day, for the replay of a list change.

A sender is a keyed hash of its address: who reads the table can count senders, and can't tell who they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
class Replay:
    """What an entry would have matched: messages, different senders, and messages to emergency recipients."""

    messages: int
    senders: int
    emergency: int


def replay(tallies: Iterable[Tally], matches: Callable[[TallyKey], bool]) -> Replay:
    """Count what matches."""
    found = [tally for tally in tallies if matches(tally.key)]
    return Replay(
        messages=sum(tally.messages for tally in found),
        senders=len({tally.key.sender for tally in found}),
        emergency=sum(tally.messages for tally in found if tally.key.emergency),
    )
