"""What became of a message, step by step: values for whoever asks, out of the log, the cases and the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Source(StrEnum):
    """Where a step is known from."""

    LOG = "log"
    CASE = "case"
    AUDIT = "audit"
    OUTBOX = "outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for: one text may be an address or a Message-ID, so it is looked for as both."""

    address: str
    """Without angle brackets, lower case."""
    message_id: str
    """With angle brackets, as it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. What there is nothing of is ""."""

    at: datetime
    source: Source
    name: str
    """A mail transaction's id, a case's reference, or an outbox item's id."""
    event: str
    """The log's event, the audit row's action, a case's kind and states, or an outbox item's purpose and state."""
    reply: str = ""
    """What the client was told, or the next server said to a mail of ours."""
    next_hop: str = ""
    heard: str = ""
    """What the next hop said."""
    tier: str = ""
    case: str = ""
    by: str = ""
    """Who did it, in the audit log."""


def sought(argument: str) -> Sought:
    """Of what somebody typed, with angle brackets or without."""
    bare = argument.strip().removeprefix("<").removesuffix(">")
    return Sought(address=bare.lower(), message_id=f"<{bare}>")
