"""What officers forward, screened as if it had come in: each original becomes a case to be recorded.

Nobody gave it to us by SMTP: there is no client, so SPF can't be asked and DMARC can't fail; a DKIM signature may still
verify. What was quoted in a text proves nothing at all. Nothing is declined or reported without a person.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filters.address import NULL_PATH, AddressError, parse_path
from filters.address_tokens import address_tokens
from filters.authentication import NOT_AUTHENTICATED
from filters.content import parse_header
from filters.disposition import Handling, Mode, Tier
from filters.envelope import Envelope, Origin
from filters.forwards import section_of
from filters.identities import IdentityKind, claims
from filters.rules import Rule
from filters.screening import screen
from filters.sentence import Sentence
from gateway import tokens
from gateway.model.case import ActionState, ContactKind, StoredFinding
from gateway.model.forward import ForwardForm
from gateway.model.intake_key import intake_key, trace_length
from gateway.operations.deciding import Decision, Suspicion
from gateway.operations.recording import FlaggedMessage, case_of
from gateway.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filters.address import Mailbox
    from filters.content import Header
    from filters.forwards import Forward
    from filters.quoted import Quoted
    from gateway.model.case import Case
    from gateway.operations.deciding import Deciding

_MOST_PATHS, _MOST_STARTS = 4, 3
"""Reverse-paths, and places where the content as received may begin, for which a case is looked for."""
_BARE = re.compile(rb"(?<!\r)\n")
_RECEIVED = re.compile(rb"^Received[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_NOT_A_LINE = re.compile("[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One original: the case that it makes, unless one of the keys finds a case that is there already."""

    case: Case
    raw: bytes
    form: ForwardForm
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardScreening:
    """Screens originals. `deciding` believes no upstream, knows no client, and counts nothing for replays."""

    deciding: Deciding
    secret: bytes
    hostname: str

    async def originals(self, forward: Forward, envelope: Envelope, raw: bytes, key: str) -> list[Original]:
        """Of one mail from an officer: `raw` is its content, `key` its intake key."""
        if forward.quoted is not None:
            return [self._quoted(forward.quoted, envelope, raw, key)]
        return list(await asyncio.gather(*(self._attached(one, envelope) for one in forward.attached)))

    async def _attached(self, raw: bytes, envelope: Envelope) -> Original:
        content = _BARE.sub(b"\r\n", raw)
        section = section_of(content)
        header = parse_header(section)
        paths = _reverse_paths(header)
        keys = await asyncio.to_thread(_keys, paths, content, section, self.hostname)
        message = await self._screened(_as_original(envelope, paths[0]), section, content)
        case = self._case(message, header, raw, f"forward:{keys[0]}")
        return Original(case=case, raw=raw, form=ForwardForm.ATTACHED, keys=keys)

    async def _screened(self, envelope: Envelope, section: bytes, content: bytes) -> FlaggedMessage:
        """As suspects are, whoever is named: an officer says that it is an approach."""
        spool = Spool.of(content)
        try:
            suspicion = self._suspicion(envelope, section, spool)
            decision = await self.deciding.decide(suspicion)
            return FlaggedMessage(envelope=envelope, header_section=section, content=spool, decision=decision)
        finally:
            spool.close()

    def _suspicion(self, envelope: Envelope, section: bytes, content: Spool) -> Suspicion:
        found = self.deciding.suspicion(envelope, section, content, trace_id="")
        if found is not None:
            return found
        rulebook = self.deciding.rulebooks.current
        screening = screen(envelope, parse_header(section), NOT_AUTHENTICATED, rulebook)
        return Suspicion(
            envelope=envelope, header_section=section, content=content, screening=screening, rulebook=rulebook
        )

    def _quoted(self, quoted: Quoted, envelope: Envelope, raw: bytes, key: str) -> Original:
        section = _claimed_section(quoted)
        spool = Spool.of(section)
        suspicion = self._suspicion(_as_original(envelope, NULL_PATH), section, spool)
        message = FlaggedMessage(
            envelope=suspicion.envelope,
            header_section=section,
            content=spool,
            decision=Decision(screening=suspicion.screening),
        )
        case = self._case(message, parse_header(section), raw, f"forward:{key}")
        missing = StoredFinding(rule=Rule.HEADERS_MISSING, evidence=_headers_missing(quoted))
        case = replace(case, decline=ActionState.NONE, findings=(*case.findings, missing))
        return Original(case=case, raw=raw, form=ForwardForm.QUOTED, keys=())

    def _case(self, message: FlaggedMessage, header: Header, raw: bytes, key: str) -> Case:
        reference = tokens.case_reference(self.secret, key)
        case = case_of(message, header, raw, key=key, reference=reference)
        screening = message.screening
        tier = Tier.SUSPECT if case.tier is Tier.CLEAR else case.tier
        forwarded = StoredFinding(rule=Rule.FORWARDED, evidence=_FORWARDED)
        never = screening.report is Handling.NEVER and screening.mode is not Mode.OBSERVE and tier is case.tier
        return replace(
            case,
            kind=ContactKind.FORWARD,
            tier=tier,
            findings=(*case.findings, forwarded),
            report=ActionState.NONE if never else ActionState.REVIEW,
            decline_reasons=(_NOT_DECLINED,),
            report_reasons=() if never else (_NOT_REPORTED,),
        )


_FORWARDED = Sentence("An officer forwarded it. No client is known, so SPF can't say who sent it; DKIM still may.")
_NOT_DECLINED = Sentence("An officer forwarded it: nothing that was forwarded is declined by the gateway itself.")
_NOT_REPORTED = Sentence("An officer forwarded it: its report waits for a person.")


def _headers_missing(quoted: Quoted) -> Sentence:
    addresses = ", ".join(dict.fromkeys(str(one) for one in address_tokens(quoted.sender)[:5]))
    if not addresses:
        return Sentence("Its headers are missing: it was forwarded as text, and names no address.")
    return Sentence(
        "Its headers are missing: it was forwarded as text, and only claims to come from {addresses}.",
        addresses=addresses[:300],
    )


def _as_original(envelope: Envelope, reverse_path: Mailbox) -> Envelope:
    """What was said when the original was sent is not known; it counts as received now, by the intake mailbox."""
    return Envelope(
        reverse_path=reverse_path,
        recipients=envelope.recipients,
        origin=Origin(client_ip="", helo="", protocol=""),
        received_at=envelope.received_at,
    )


def _claimed_section(quoted: Quoted) -> bytes:
    """A header section of what the text claims, so that it is read as any other."""
    fields = (
        ("From", quoted.sender),
        ("Reply-To", quoted.reply_to),
        ("Subject", quoted.subject),
        ("Date", quoted.date),
    )
    lines = (f"{name}: {_NOT_A_LINE.sub(' ', value).strip()}\r\n" for name, value in fields if value)
    return "".join(lines).encode("utf-8", "replace")


def _reverse_paths(header: Header) -> tuple[Mailbox, ...]:
    """The first is what the delivering server wrote on top, null where it wrote none; the others who is named."""
    named = (
        one.mailbox
        for one in claims(NULL_PATH, header).identities
        if one.strict and one.kind in {IdentityKind.FROM, IdentityKind.SENDER}
    )
    return tuple(dict.fromkeys((*_returned_to(header), NULL_PATH, *named)))[:_MOST_PATHS]


def _returned_to(header: Header) -> Iterator[Mailbox]:
    for field in header.all("return-path")[:1]:
        said = field.value.decode("utf-8", "replace").strip().removeprefix("<").removesuffix(">")
        try:
            yield parse_path(said, smtputf8=True)
        except AddressError:
            continue


def _keys(paths: tuple[Mailbox, ...], content: bytes, section: bytes, hostname: str) -> tuple[str, ...]:
    """Of every content and reverse-path that the gateway may have recorded it under (decision 3)."""
    starts = list(dict.fromkeys((trace_length(section), *_below_our_trace(section, hostname))))[:_MOST_STARTS]
    ends = dict.fromkeys((content, content.rstrip(b"\r\n") + b"\r\n"))
    return tuple(dict.fromkeys(intake_key(path, (end[start:],)) for path in paths for start in starts for end in ends))


def _below_our_trace(section: bytes, hostname: str) -> Iterator[int]:
    """Where the content begins that we received: other servers put more on top of our Received field."""
    ours = f"by {hostname}".encode()
    for field in _RECEIVED.finditer(section):
        if ours in field[0]:
            yield field.end() + trace_length(section[field.end() :])
