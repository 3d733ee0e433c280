"""The rules: one small function each, from facts to findings. `RULES` is the table of contents.

A rule observes and gives evidence in words; what follows from it is decided in `filters.screening` alone. No rule
looks at bodies, subjects, names of persons, languages or countries (decision 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from filters.identities import ORIGINATORS, Identity, IdentityKind
from filters.lists import describe
from filters.lookalike import display_names
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filters.content import Header
    from filters.envelope import Envelope
    from filters.identities import Claims
    from filters.lists import ListEntry
    from filters.rulebook import Exemption, Rulebook


class Rule(StrEnum):
    """What a finding was found by."""

    LISTED_IDENTITY = "listed-identity"
    LISTED_HELO = "listed-helo"
    LOOK_ALIKE = "look-alike"
    OFFICIAL_NAME = "official-name"
    AMBIGUOUS_ORIGINATOR = "ambiguous-originator"
    RESENT = "resent"
    EXEMPTION = "exemption"
    SCREENING_FAILED = "screening-failed"
    FORWARDED = "forwarded"
    """An officer of the agency says that it is an approach, and has forwarded it. No rule of screening's."""
    HEADERS_MISSING = "headers-missing"
    """It was forwarded as text: its header section is lost, and whatever it names is a claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's observation with its evidence (a sentence)."""

    rule: Rule
    evidence: Sentence
    identity: Identity | None = None
    entry: ListEntry | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A listed identity and the entries that cover it, the most specific first (never empty)."""

    identity: Identity
    entries: tuple[ListEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at."""

    envelope: Envelope
    claims: Claims
    matches: tuple[Match, ...]
    rulebook: Rulebook


RESENDERS = frozenset({IdentityKind.RESENT_FROM, IdentityKind.RESENT_SENDER})


def listed_identities(facts: Facts) -> Iterator[Finding]:
    """An identity that an entry covers."""
    for match in facts.matches:
        entry, identity = match.entries[0], match.identity
        said = {"identity": _shown(identity), "entry": describe(entry)}
        evidence = (
            Sentence("{identity} is listed: {entry}.", **said)
            if identity.strict
            else Sentence("{identity}, as a lenient reader sees it, is listed: {entry}.", **said)
        )
        yield Finding(rule=Rule.LISTED_IDENTITY, evidence=evidence, identity=identity, entry=entry)


def listed_helo(facts: Facts) -> Iterator[Finding]:
    """A listed name in HELO or EHLO: evidence beside another finding, never a reason of its own."""
    entries = facts.rulebook.index.lookup_domain(facts.envelope.origin.helo)
    if entries:
        evidence = Sentence(
            "The client called itself {name}, which is listed: {entry}.",
            name=facts.envelope.origin.helo,
            entry=describe(entries[0]),
        )
        yield Finding(rule=Rule.LISTED_HELO, evidence=evidence)


def exemptions(facts: Facts) -> Iterator[Finding]:
    """An exemption in force that covers the sender, for some of the recipients at least."""
    for exemption in facts.rulebook.exemptions:
        if is_in_force(exemption, facts.envelope) and covers_sender(exemption, facts.matches):
            evidence = Sentence(
                "{sender} is exempted until {until} by {approver}: {reason}.",
                sender=exemption.sender,
                until=exemption.last_day.isoformat(),
                approver=exemption.approver,
                reason=exemption.reason.rstrip("."),
            )
            yield Finding(rule=Rule.EXEMPTION, evidence=evidence)


def resent_by_others(facts: Facts) -> Iterator[Finding]:
    """Somebody who is not listed passed the message on (RFC 5322 §3.6.6)."""
    listed = {match.identity for match in facts.matches}
    for identity in facts.claims.identities:
        if identity.kind in RESENDERS and identity not in listed:
            evidence = Sentence(
                "{sender}, who is not listed, passed it on ({field}).",
                sender=str(identity.mailbox),
                field=identity.kind.field_name,
            )
            yield Finding(rule=Rule.RESENT, evidence=evidence, identity=identity)


def ambiguous_originators(facts: Facts) -> Iterator[Finding]:
    """The originator can't be read one way only."""
    for reason in facts.claims.ambiguous:
        yield Finding(rule=Rule.AMBIGUOUS_ORIGINATOR, evidence=reason)


def resemblances(claims: Claims, header: Header, rulebook: Rulebook) -> Iterator[Finding]:
    """What looks like a listed mission and is none: a domain after confusable folding, or its official name.

    Asked only where nothing is listed.
    """
    look_alikes = rulebook.look_alikes
    for identity in claims.identities:
        likeness = look_alikes.domain(identity.mailbox.domain)
        if likeness is not None:
            evidence = Sentence(
                "{identity} is not listed, and looks like what is: {entry}.",
                identity=_shown(identity),
                entry=describe(likeness.entry),
            )
            yield Finding(rule=Rule.LOOK_ALIKE, evidence=evidence, identity=identity, entry=likeness.entry)
    yield from official_names(header, rulebook)


def official_names(header: Header, rulebook: Rulebook) -> Iterator[Finding]:
    """A display name that is the official name of a listed mission."""
    for name in display_names(header.fields):
        likeness = rulebook.look_alikes.name(name)
        if likeness is not None:
            evidence = Sentence(
                "The display name {name} is the official name of a listed mission: {entry}.",
                name=name,
                entry=describe(likeness.entry),
            )
            yield Finding(rule=Rule.OFFICIAL_NAME, evidence=evidence, entry=likeness.entry)


RULES: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    listed_identities,
    listed_helo,
    exemptions,
    resent_by_others,
    ambiguous_originators,
)


def is_in_force(exemption: Exemption, envelope: Envelope) -> bool:
    """An exemption ends at its date, for messages received from then on."""
    return envelope.received_at < exemption.until


def covers_sender(exemption: Exemption, matches: tuple[Match, ...]) -> bool:
    """Whether the exemption names every listed originator: one that it doesn't know must not ride along with it."""
    originators = tuple(match for match in matches if match.identity.kind in ORIGINATORS) or matches
    return bool(originators) and all(
        exemption.sender in {match.identity.mailbox.key, *(entry.value for entry in match.entries)}
        for match in originators
    )


def _shown(identity: Identity) -> str:
    return f"{identity.kind.value} {identity.mailbox}"
