"""Mail for tests that account for every message: who writes what to whom, and what must become of it.

Each posting is found again wherever it arrives by the number in its Message-ID. Every sender writes once, so that each
proven mission is due a decline of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.support.nameserver import PUBLIC_IPV4

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

DISPATCH = "dispatch@police.example"
OFFICERS = tuple(f"officer.{number}@police.example" for number in range(8))

RECORDS = {
    ("mission.example", "MX"): ["10 mail.mission.example."],
    ("mail.mission.example", "A"): [PUBLIC_IPV4],
    ("flagged.example", "A"): [PUBLIC_IPV4],
    ("proven.mission.example", "MX"): ["10 mail.mission.example."],
    ("proven.mission.example", "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
}
"""What the name server must know: of the listed missions one publishes from where its mail comes."""


class Kind(StrEnum):
    """What a sender is to the gateway of `tests.support.gateway`."""

    CLEAN = "clean"
    HELD = "held"
    FLAGGED = "flagged"
    PROVEN = "proven"
    EMERGENCY = "emergency"
    """A listed sender who writes to dispatch, and perhaps to others."""


_SENDERS = {
    Kind.CLEAN: "resident.{}@town.example",
    Kind.HELD: "office.{}@mission.example",
    Kind.FLAGGED: "attache.{}@flagged.example",
    Kind.PROVEN: "consul.{}@proven.mission.example",
    Kind.EMERGENCY: "guard.{}@mission.example",
}
_USUAL = {Kind.CLEAN: 10, Kind.HELD: 3, Kind.FLAGGED: 3, Kind.PROVEN: 3, Kind.EMERGENCY: 2}
_SIZES = (200, 2_000, 20_000, 1_100_000)
"""Octets of text; the last does not stay in memory on its way."""
_LINE = b"Nobody knows what for, and everybody asks for it.\r\n"
_NUMBER = re.compile(rb"^Message-ID: <posting\.(\d+)@", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One message to be sent; `content` is what its first sender gives out."""

    number: int
    kind: Kind
    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def listed(self) -> bool:
        """Whether it must become a case."""
        return self.kind is not Kind.CLEAN

    def is_held_for(self, recipient: str) -> bool:
        """Whether this recipient may have it only when a person releases it."""
        return self.kind in (Kind.HELD, Kind.PROVEN) or (self.kind is Kind.EMERGENCY and recipient != DISPATCH)

    @property
    def reported(self) -> bool:
        """Whether the collation address must be told without anybody's doing."""
        return self.kind is not Kind.EMERGENCY or len(self.recipients) > 1


def number_of(content: bytes) -> int | None:
    """Which posting this is, whatever stands on top of it; None for mail that the gateway wrote."""
    found = _NUMBER.search(content, 0, content.find(b"\r\n\r\n") + 2)
    return int(found[1]) if found else None


def postings(dice: random.Random, numbers: Iterator[int]) -> Iterator[Posting]:
    """Of all kinds, in no order, as long as there are numbers."""
    kinds = list(_USUAL)
    for number in numbers:
        yield posting(number, dice.choices(kinds, list(_USUAL.values()))[0], dice)


def posting(number: int, kind: Kind, dice: random.Random) -> Posting:
    """The one with this number."""
    sender = _SENDERS[kind].format(number)
    recipients = dice.sample(OFFICERS, dice.choice((1, 1, 1, 2, 3)))
    if kind is Kind.EMERGENCY:
        recipients = [DISPATCH, *recipients[1:]]
    size = dice.choices(_SIZES, (40, 20, 5, 1))[0]
    domain = sender.partition("@")[2]
    header = (
        f"From: Somebody <{sender}>\r\nTo: {', '.join(recipients)}\r\nSubject: Posting {number}\r\n"
        f"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <posting.{number}@{domain}>\r\n\r\n"
    )
    content = header.encode() + _LINE * (size // len(_LINE)) + b".a line that begins with a dot\r\n"
    return Posting(number=number, kind=kind, reverse_path=sender, recipients=tuple(recipients), content=content)
