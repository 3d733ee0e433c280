"""What the collation address answered to a report: recorded by a person, or noted when mail of theirs came in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

_REFERENCE = re.compile(r"(?<![A-Z0-9-])LG-[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}(?![A-Z0-9-])", re.IGNORECASE)
MOST_REFERENCES = 20
"""References that one mail is looked at for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, or that one came. `at` is when it was written down; `on` the day of the answer itself."""

    at: datetime
    actor: str
    """Who recorded it; the gateway, for mail that it saw come in."""
    on: date
    text: str
    """What was answered; of mail that came in its subject, for nobody has read it."""
    their_reference: str = ""
    message_key: str = ""
    """Of the mail that was seen, so that its retry is not noted twice; "" for what a person recorded."""

    @property
    def was_seen(self) -> bool:
        """Noted by the gateway: no person has vouched for it, and its sender proves nothing."""
        return bool(self.message_key)


def references_in(text: str) -> tuple[str, ...]:
    """The references that a subject names, each once, as they are written on cases."""
    found = dict.fromkeys(match.upper() for match in _REFERENCE.findall(text[:2000]))
    return tuple(found)[:MOST_REFERENCES]
