"""The rules: one small function each, from values to findings. `RULES` is the table of contents.

(to be completed; `Finding` is fixed)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filters.identities import Identity
    from filters.lists import ListEntry


class Rule(StrEnum):
    """What a finding was found by."""

    LISTED_IDENTITY = "listed-identity"
    AMBIGUOUS_ORIGINATOR = "ambiguous-originator"
    RESENT = "resent"
    EXEMPTION = "exemption"
    SCREENING_FAILED = "screening-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's observation with its evidence (a sentence in plain English)."""

    rule: Rule
    evidence: str
    identity: Identity | None = None
    entry: ListEntry | None = None
