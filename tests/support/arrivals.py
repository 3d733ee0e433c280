"""Mail as the filters see it: envelopes, headers and rulebooks for tests, with everything unimportant filled in."""

from __future__ import annotations

from datetime import UTC, datetime

from filters.address import parse_path
from filters.content import Header, parse_header
from filters.disposition import Mode
from filters.envelope import Envelope, Origin
from filters.lists import EntryKind, ListEntry, ListIndex, canonical_entry_value
from filters.rulebook import Exemption, Rulebook

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
OFFICER = "officer@police.example"
DISPATCH = "dispatch@police.example"


def entry(kind: str, value: str, **columns: object) -> ListEntry:
    return ListEntry(kind=EntryKind(kind), value=canonical_entry_value(EntryKind(kind), value), **columns)  # type: ignore[arg-type]


MFA = entry("subtree", "mfa.gov.cn")
CONSULAR = entry("subtree", "csm.mfa.gov.cn")
MPS = entry("subtree", "mps.gov.cn")
PSB = entry("label", "gat.*.gov.cn")
WEBMAIL = entry("address", "china.vancouver@gmail.com")


def envelope(reverse_path: str = "", *recipients: str, received_at: datetime = NOW) -> Envelope:
    return Envelope(
        reverse_path=parse_path(reverse_path, smtputf8=True),
        recipients=tuple(parse_path(recipient, smtputf8=True) for recipient in recipients or (OFFICER,)),
        origin=Origin(client_ip="192.0.2.1", helo="mail.example"),
        received_at=received_at,
    )


def header(*lines: str | bytes) -> Header:
    encoded = (line if isinstance(line, bytes) else line.encode() for line in lines)
    return parse_header(b"".join(line + b"\r\n" for line in encoded))


def rulebook(
    *entries: ListEntry,
    mode: Mode = Mode.AUTO,
    emergency: tuple[str, ...] = (DISPATCH,),
    exemptions: tuple[Exemption, ...] = (),
) -> Rulebook:
    return Rulebook(
        version=7,
        index=ListIndex(entries or (MFA, CONSULAR, MPS, PSB, WEBMAIL)),
        mode=mode,
        emergency=frozenset(emergency),
        exemptions=exemptions,
    )
