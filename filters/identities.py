"""Every identity that a message claims, in RFC 5598 notation.

The union of the strict reading (RFC 5322 §3.6.2) and of every lenient one, for flagging; and the reasons why the
readings don't agree, which stand against an automatic decline (decision 5). Bodies, To, Cc and Subject never count,
and a local part is never decoded into another address.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from filters.address import NULL_PATH, Mailbox, without_ignorable
from filters.address_list import parse_address_list
from filters.address_tokens import address_tokens
from filters.content import text_of
from filters.encoded_words import decode_words
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from filters.address_list import AddressList
    from filters.content import Header, HeaderField


class IdentityKind(StrEnum):
    """Where in a message a sender can stand (RFC 5598)."""

    MAIL_FROM = "RFC5321.MailFrom"
    FROM = "RFC5322.From"
    SENDER = "RFC5322.Sender"
    REPLY_TO = "RFC5322.Reply-To"
    RETURN_PATH = "RFC5322.Return-Path"
    RESENT_FROM = "RFC5322.Resent-From"
    RESENT_SENDER = "RFC5322.Resent-Sender"
    SIGNER = "RFC6376.d"
    """The signing domain of a DKIM signature that verified; its mailbox has no local part."""
    ORGANIZER = "RFC5545.ORGANIZER"
    """Who calls the meeting, in an announced text/calendar part."""

    @property
    def field_name(self) -> str:
        """The header field's name, as people know it: "Reply-To"."""
        return self.value.partition(".")[2]


ORIGINATORS = frozenset({IdentityKind.MAIL_FROM, IdentityKind.FROM})
"""The identities that make a message the mission's own; any other only relates it."""


class Identity(NamedTuple):
    """One reading of one claim."""

    kind: IdentityKind
    mailbox: Mailbox
    strict: bool = True
    """The strict reading (RFC 5322) gives it too; False: only a lenient reader would see it."""


@dataclass(frozen=True, slots=True)
class Claims:
    """All identities of a message, and why its originators can't be read one way only (sentences; empty: they can)."""

    identities: tuple[Identity, ...]
    ambiguous: tuple[Sentence, ...] = ()


_KINDS = MappingProxyType(
    {
        "from": IdentityKind.FROM,
        "sender": IdentityKind.SENDER,
        "reply-to": IdentityKind.REPLY_TO,
        "return-path": IdentityKind.RETURN_PATH,
        "resent-from": IdentityKind.RESENT_FROM,
        "resent-sender": IdentityKind.RESENT_SENDER,
    }
)
_ONCE = (IdentityKind.FROM, IdentityKind.SENDER, IdentityKind.REPLY_TO)
"""RFC 5322 §3.6 allows these once; the others may repeat or belong to trace blocks."""

_ATS = ("@", "\uff20", "\ufe6b")
"""The commercial at, fullwidth and small: NFKC makes them one."""

_MOST_FIELDS = 100
_MOST_OCTETS = 65536
_MOST_OCTETS_STRICTLY = 32768
"""Bounds on the work: what lies beyond is cut out of the middle, and the message is ambiguous."""

_MOST_SHOWN = 5
_LONGEST_SHOWN = 254
"""How much of a hostile field a reason repeats."""


def claims(
    reverse_path: Mailbox, header: Header, *, signers: Sequence[str] = (), organizers: Sequence[Mailbox] = ()
) -> Claims:
    """The union of all readings of the reverse-path and of every originator field.

    `signers` are the domains whose DKIM signatures verified, `organizers` those of the message's calendar parts: both
    are found elsewhere, and have one reading.
    """
    fields = [field for field in header.fields if field.name in _KINDS]
    octets = sum([len(field.value) for field in fields])
    readings = [_read(field, octets) for field in _ends(fields, _MOST_FIELDS)]
    identities = [] if reverse_path == NULL_PATH else [Identity(IdentityKind.MAIL_FROM, reverse_path)]
    reasons = [*_reverse_path_reasons(reverse_path), *_count_reasons(readings), *_bound_reasons(fields, octets)]
    for reading in readings:
        identities += reading.identities
        reasons += reading.reasons
    identities += [Identity(IdentityKind.SIGNER, Mailbox("", domain)) for domain in signers]
    identities += [Identity(IdentityKind.ORGANIZER, mailbox) for mailbox in organizers]
    if not reasons:  # one reading of every field: nothing stands twice that would be worth the hashing
        return Claims(tuple(identities))
    return Claims(tuple(dict.fromkeys(identities)), tuple(dict.fromkeys(reasons)))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one field gives."""

    kind: IdentityKind
    identities: tuple[Identity, ...]
    reasons: tuple[Sentence, ...] = ()


# What nearly every field looks like: an ASCII name without specials, and one plain address. One reading, by anybody.
_ORDINARY = re.compile(
    rb"[ \t]*+(?:\r?\n[ \t]++)?+"
    rb"(?:(\"[A-Za-z0-9 !#$%&'()*+,\-./:;=?^_`{|}~\[\]]++\"|[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]"
    rb"[A-Za-z0-9 !#$%&'*+\-./=?^_`{|}~]*+)?+[ \t]*+(?:\r?\n[ \t]++)?+"
    rb"<([A-Za-z0-9!#$%&*+\-/^_{|}~.]++)@([A-Za-z0-9]++(?:[.-][A-Za-z0-9]++)*+)>"
    rb"|([A-Za-z0-9!#$%&*+\-/^_{|}~.]++)@([A-Za-z0-9]++(?:[.-][A-Za-z0-9]++)*+))[ \t]*+"
)


# Without what a lenient reader might take for quotation marks, or for the start of an encoded-word.
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&*+\-/^_{|}~.]++@[A-Za-z0-9.-]++")


def _read(field: HeaderField, octets: int) -> _Reading:
    kind = _KINDS[field.name]
    plain = ordinary_field(field.value) if octets <= _MOST_OCTETS_STRICTLY and not field.odd else None
    if plain is None:
        return _read_every_way(kind, field, octets)
    return _Reading(kind, (Identity(kind, plain[1]),))


def ordinary_field(value: bytes) -> tuple[bytes, Mailbox] | None:
    """The display name (with its quotes; it may be empty) and the one address, where every reader sees just these."""
    match = _ORDINARY.fullmatch(value)
    if match is None:
        return None
    name, local_part, domain, bare_local_part, bare_domain = match.groups()
    if name is not None and b"=?" in name and _holds_at(decode_words(name.decode("ascii"))):
        return None
    local_part = (local_part or bare_local_part).decode("ascii")
    if local_part[0] == "." or local_part[-1] == "." or ".." in local_part:
        return None
    return name or b"", Mailbox(local_part, (domain or bare_domain).decode("ascii"))


def _holds_at(text: str) -> bool:
    return any(at in text for at in _ATS)


def _read_every_way(kind: IdentityKind, field: HeaderField, octets: int) -> _Reading:
    text = text_of(_ends(field.value, _MOST_OCTETS * len(field.value) // max(octets, _MOST_OCTETS)))
    strict = parse_address_list(text) if octets <= _MOST_OCTETS_STRICTLY else None
    mailboxes = strict.mailboxes if strict is not None else ()
    known = {mailbox.key for mailbox in mailboxes}
    hidden = tuple(mailbox for mailbox in _leniently(text, strict) if mailbox.key not in known)
    identities = [Identity(kind, mailbox) for mailbox in mailboxes]
    identities += (Identity(kind, mailbox, strict=False) for mailbox in hidden)
    return _Reading(kind, tuple(identities), tuple(_field_reasons(kind, field, strict, hidden)))


def _leniently(text: str, strict: AddressList | None) -> tuple[Mailbox, ...]:
    """All tokens; of a field that the grammar reads, those that it puts in a comment or a local part don't count."""
    if strict is None:
        return address_tokens(text)
    outside = strict.text
    for mailbox in strict.mailboxes:
        if mailbox.local_part.startswith('"'):
            outside = outside.replace(mailbox.local_part, "")
    return () if _holds_nothing_else(outside, strict) else address_tokens(outside)


def _holds_nothing_else(text: str, strict: AddressList) -> bool:
    """Whether every @ of the text, also of its encoded-words, belongs to a mailbox of the strict reading."""
    decoded = decode_words(text)
    ats = sum(map(decoded.count, _ATS))
    return ats == len(strict.mailboxes) and all(_PLAIN.fullmatch(str(mailbox)) for mailbox in strict.mailboxes)


def _field_reasons(
    kind: IdentityKind, field: HeaderField, strict: AddressList | None, hidden: tuple[Mailbox, ...]
) -> Iterator[Sentence]:
    name = kind.field_name
    if field.odd:
        yield Sentence("The name of a {field} field is spelled so that only some readers take it for one.", field=name)
    if strict is None:
        yield Sentence("A {field} field can't be read by RFC 5322.", field=name)
        return
    yield from _list_reasons(kind, strict)
    for mailbox in hidden[:_MOST_SHOWN]:
        yield Sentence(
            "A lenient reader finds {address} in a {field} field, a strict one does not.",
            address=str(mailbox)[:_LONGEST_SHOWN],
            field=name,
        )


def _list_reasons(kind: IdentityKind, strict: AddressList) -> Iterator[Sentence]:
    name = kind.field_name
    if kind is IdentityKind.FROM and len(strict.mailboxes) != 1:
        yield _addresses_in_from(len(strict.mailboxes))
    for form in strict.forms:
        yield Sentence("A {field} field uses {form}.", field=name, form=form)
    for mailbox in strict.mailboxes:
        if not is_plainly_spelled(mailbox):
            yield Sentence(
                "The address in a {field} field is spelled in an unusual way: {address}.",
                field=name,
                address=str(mailbox)[:_LONGEST_SHOWN],
            )


def _addresses_in_from(count: int) -> Sentence:
    if count == 0:
        return Sentence("The From field holds no address.")
    return Sentence("The From field holds {count} addresses.", count=count)


def _reverse_path_reasons(reverse_path: Mailbox) -> Iterator[Sentence]:
    if not is_plainly_spelled(reverse_path):
        yield Sentence("The reverse-path is spelled in an unusual way: {address}.", address=str(reverse_path))


def is_plainly_spelled(mailbox: Mailbox) -> bool:
    """Without quotes, characters that aren't shown, and letters that only compare like others (fullwidth ones)."""
    text = str(mailbox)
    if text.isascii():
        return text[:1] != '"'
    if text[:1] == '"' or "\u3002" in text:
        return False
    return without_ignorable(unicodedata.normalize("NFKC", text)) == text


def _count_reasons(readings: Sequence[_Reading]) -> Iterator[Sentence]:
    kinds = [reading.kind for reading in readings]
    if IdentityKind.FROM not in kinds:
        yield Sentence("There is no From field.")
    if len(kinds) > 1:
        for kind in _ONCE:
            if kinds.count(kind) > 1:
                yield Sentence("There are {count} {field} fields.", count=kinds.count(kind), field=kind.field_name)


def _bound_reasons(fields: Sequence[HeaderField], octets: int) -> Iterator[Sentence]:
    if len(fields) > _MOST_FIELDS:
        yield Sentence("There are {count} originator fields: only the first and the last were read.", count=len(fields))
    if octets > _MOST_OCTETS_STRICTLY:
        yield Sentence("The originator fields are too long to be read strictly ({octets} octets).", octets=octets)


_Ends = TypeVar("_Ends", bytes, list["HeaderField"])


def _ends(whole: _Ends, most: int) -> _Ends:
    """The whole, or its two ends: what a reader shows of a field of absurd length."""
    return whole if len(whole) <= most else whole[: most // 2] + whole[len(whole) - most // 2 :]
