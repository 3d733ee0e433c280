"""The audit chain: each row's hash covers the row before it, so that no row can be changed or taken out unseen.

Rows hold references and digests, never content: a purge of cases does not break the chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from filters.address import ADDRESS_IN_WORDS
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

GENESIS = "0" * 64
"""The `previous` of the first row."""


class AuditRow(TypedDict):
    """A row in JSON, wherever it is shown or exported: all that the hash of the row covers, and the hash."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, str]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row. `seq` counts from 1 without gaps; `subject` is a case reference, an entry value, an item id or ""."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, str]
    previous: str
    hash: str

    def row(self) -> AuditRow:
        """For JSON; `at` is written as the hash takes it."""
        return {
            "seq": self.seq,
            "at": self.at.isoformat(),
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "detail": dict(self.detail),
            "previous": self.previous,
            "hash": self.hash,
        }


def without_addresses(words: str) -> str:
    """What a server answered, fit for a row: it may quote whom the mail is for, and rows outlive the case."""
    return ADDRESS_IN_WORDS.sub("(address)", words)


def chain_hash(
    *, seq: int, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, str], previous: str
) -> str:
    """SHA-256, hex, of the canonical JSON of the row and of the hash before it."""
    row = [seq, at.isoformat(), actor, action, subject, dict(sorted(detail.items())), previous]
    return hashlib.sha256(json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ChainHead:
    """A place in the chain: a row's number and hash (0 and `GENESIS` before the first)."""

    seq: int
    hash: str


BEGINNING = ChainHead(0, GENESIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of looking through the chain: of all of it at `whole_at`, of what is newer at `at`.

    `head` is the last row that was looked at; `broken` says what is wrong, "" while the chain holds.
    """

    at: datetime
    whole_at: datetime
    head: ChainHead
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows are asked for; what is left out asks for nothing. `since` counts in, `until` does not."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """Where the chain does not hold, and why."""

    seq: int
    reason: Sentence


def verify_chain(
    entries: Iterable[AuditEntry], *, head: str | None = None, after: ChainHead = BEGINNING
) -> ChainBreak | None:
    """The first break, or None if every row follows from the one before (and the last equals `head`, when given).

    `after` is where the rows begin: behind a row that was looked at before.
    """
    previous, seq = after.hash, after.seq
    for entry in entries:
        seq += 1
        if entry.seq != seq:
            return ChainBreak(
                seq,
                Sentence("row {row} is missing: the next one is numbered {following}", row=seq, following=entry.seq),
            )
        if entry.previous != previous:
            return ChainBreak(seq, Sentence("row {row} does not follow from row {before}", row=seq, before=seq - 1))
        expected = chain_hash(
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
            previous=entry.previous,
        )
        if entry.hash != expected:
            return ChainBreak(seq, Sentence("row {row} was changed after it was written", row=seq))
        previous = entry.hash
    if head is not None and previous != head:
        return ChainBreak(seq, Sentence("the last row's hash is {hash}, not the head that was given", hash=previous))
    return None
