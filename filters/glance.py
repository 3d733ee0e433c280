"""A glance at a message: whether it is one of the many in which nothing can concern the lists.

Sees only what has one reading by anybody: field names in their usual spelling, each originator field once, one plain
address in it. Whatever else there is, is looked at closely, by `filters.identities` and `filters.screening`. It saves
most mail what a close look costs, and decides nothing: what it lets go, a close look would let go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from filters.calendar import may_hold_calendar
from filters.content import noted
from filters.dkim import claimed_signer
from filters.identities import is_plainly_spelled, ordinary_field
from filters.lookalike import LONGEST_NAME

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.rulebook import Rulebook

_ORIGINATORS = (b"From", b"Sender", b"Reply-To", b"Return-Path", b"Resent-From", b"Resent-Sender")
_PLAIN_OCTETS = 2000
"""Of an originator field; longer ones are looked at closely."""


class Glance(NamedTuple):
    """Of a message whose header names nobody listed, and nobody who looks so."""

    author: Mailbox
    in_parts: bool
    """It may have a calendar part, whose organizer is still to be asked about."""


def glance(reverse_path: Mailbox, section: bytes, rulebook: Rulebook) -> Glance | None:
    """What is seen of clear mail; None: look closely. `section` is the header section."""
    fields = noted(section)
    if fields is None or not is_plainly_spelled(reverse_path):
        return None
    author, in_parts, domains, names = None, False, {reverse_path.domain}, []
    for name, value in fields:
        if name == b"DKIM-Signature":
            domains.add(claimed_signer(value))
        elif name == b"Content-Type":
            in_parts = in_parts or may_hold_calendar(value)
        else:
            field = ordinary_field(value.removesuffix(b"\r")) if len(value) <= _PLAIN_OCTETS else None
            if field is None or name not in _ORIGINATORS or name in names or _may_be_official(field[0], rulebook):
                return None
            names.append(name)
            domains.add(field[1].domain)
            author = field[1] if name == b"From" else author
    domains.discard("")
    if author is None or any(map(rulebook.knows_domain, domains)):
        return None
    return Glance(author, in_parts)


def _may_be_official(name: bytes, rulebook: Rulebook) -> bool:
    """Whether a display name needs more than a glance."""
    if not name:
        return False
    if b"=?" in name or len(name) > LONGEST_NAME:
        return True
    return rulebook.look_alikes.may_know_name(name.strip(b' \t"').decode("ascii"))
