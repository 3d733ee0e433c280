"""Screening: the one decision about a message, one verdict per recipient, from values alone.

(to be completed; types and signatures are fixed)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.authentication import Authentication
    from filters.content import Header
    from filters.disposition import Delivery, Disposition, Handling, Mode, Tier
    from filters.envelope import Envelope
    from filters.identities import Claims
    from filters.lists import ListEntry
    from filters.rulebook import Rulebook
    from filters.rules import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What happens to the message for one recipient, after policy, entry and mode."""

    recipient: Mailbox
    tier: Tier
    disposition: Disposition
    delivery: Delivery
    decline: Handling
    report: Handling
    notice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """The whole decision: one verdict for every recipient, in their order, and the case-level values."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    tier: Tier
    entry: ListEntry | None
    """The deciding entry; None for `clear` and `suspect`."""
    entries: tuple[ListEntry, ...]
    decline: Handling
    report: Handling
    mode: Mode
    authentication: Authentication
    ambiguous: tuple[str, ...]
    rulebook_version: int

    @property
    def flagged(self) -> bool:
        """Whether a case is to be recorded."""
        return bool(self.findings)


def touches_lists(claimed: Claims, rulebook: Rulebook) -> bool:
    """The cheap test: is any claimed identity listed (or a suspect)? If not, the message is clear."""
    raise NotImplementedError


def screen(envelope: Envelope, header: Header, authentication: Authentication, rulebook: Rulebook) -> Screening:
    """Decide. Pure: the same arguments give the same answer, live, in `liaison screen` and in a replay."""
    raise NotImplementedError


def screen_reverse_path(envelope: Envelope, rulebook: Rulebook, *, failure: str) -> Screening:
    """The fallback when `screen` itself failed (decision 9): the reverse-path look-up alone decides.

    Listed: `unverified` (so emergency recipients are still served first); else every recipient is delivered
    flagged and the case is `suspect` with the finding `screening-failed`, whose evidence is `failure`.
    """
    raise NotImplementedError
