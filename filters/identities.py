"""Every identity that a message claims, in RFC 5598 notation.

(to be completed; signatures are fixed)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.content import Header


class IdentityKind(StrEnum):
    """Where in a message a sender can stand (RFC 5598)."""

    MAIL_FROM = "RFC5321.MailFrom"
    FROM = "RFC5322.From"
    SENDER = "RFC5322.Sender"
    REPLY_TO = "RFC5322.Reply-To"
    RETURN_PATH = "RFC5322.Return-Path"
    RESENT_FROM = "RFC5322.Resent-From"
    RESENT_SENDER = "RFC5322.Resent-Sender"
    HELO = "RFC5321.HELO"


@dataclass(frozen=True, slots=True)
class Identity:
    """One reading of one claim."""

    kind: IdentityKind
    mailbox: Mailbox
    strict: bool = True
    """The strict reading (RFC 5322) gives it too; False: only a lenient reader would see it."""


@dataclass(frozen=True, slots=True)
class Claims:
    """All identities of a message, and why its originators can't be read one way only (sentences; empty: they can)."""

    identities: tuple[Identity, ...]
    ambiguous: tuple[str, ...] = ()


def claims(reverse_path: Mailbox, header: Header) -> Claims:
    """The union of all readings of the reverse-path and of every originator field."""
    raise NotImplementedError
