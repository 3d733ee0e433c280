"""What officers forward to the intake address: on which case, by whom, in which form; and the answer that they get."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from filters.forwards import Trouble


class ForwardForm(StrEnum):
    """How the original came."""

    ATTACHED = "attached"
    """Whole, with its header section."""
    QUOTED = "quoted"
    """In the text of the forward: its header section is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedMail:
    """One message that somebody forwarded. A case has one for each time that it was."""

    at: datetime
    by: str
    """The reverse-path of the mail that brought it."""
    form: ForwardForm
    said: str
    """What stood above it in the officer's own words."""
    key: str
    """Of the mail that brought it: a retry of that mail adds nothing."""
    number: int
    """Which of the messages in that mail, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What an officer is told: the references of what was recorded, and what could not be read."""

    item_id: str
    """Of the outbox item that carries it."""
    references: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    answers: str
    """The Message-ID of the officer's mail, or ""."""
