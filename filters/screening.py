"""Screening: the one decision about a message, one verdict per recipient, from values alone.

Tiers from the top, then policy, entry and mode (decisions 4, 5, 8 and 9). Never asks a network or a clock, and
never looks at content beyond the header section.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from filters.address import NULL_PATH
from filters.alignment import is_aligned
from filters.authentication import NOT_AUTHENTICATED, Result
from filters.disposition import (
    DEFAULT_POLICY,
    Delivery,
    Disposition,
    Handling,
    Mode,
    Policy,
    Tier,
    lower_mode,
    more_forthcoming,
    stricter,
)
from filters.identities import ORIGINATORS, Claims, Identity, IdentityKind, claims
from filters.rules import (
    RULES,
    Facts,
    Finding,
    Match,
    Rule,
    covers_sender,
    is_in_force,
    listed_identities,
    official_names,
    resemblances,
)
from filters.sentence import Sentence

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.authentication import Authentication
    from filters.content import Header
    from filters.envelope import Envelope
    from filters.lists import ListEntry
    from filters.rulebook import Rulebook


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
    ambiguous: tuple[Sentence, ...]
    rulebook_version: int

    @property
    def flagged(self) -> bool:
        """Whether a case is to be recorded."""
        return bool(self.findings)


def touches_lists(claimed: Claims, header: Header, rulebook: Rulebook) -> bool:
    """The cheap test: is any claimed identity listed, or does one look so? If not, the message is clear."""
    known = any(map(rulebook.knows_domain, {identity.mailbox.domain for identity in claimed.identities}))
    if known and any(rulebook.index.lookup(identity.mailbox) for identity in claimed.identities):
        return True
    likenesses = resemblances(claimed, header, rulebook) if known else official_names(header, rulebook)
    return next(likenesses, None) is not None


def screen(
    envelope: Envelope,
    header: Header,
    authentication: Authentication,
    rulebook: Rulebook,
    organizers: tuple[Mailbox, ...] = (),
) -> Screening:
    """Decide. Pure: the same arguments give the same answer, live, in `liaison screen` and in a replay.

    `organizers` are those of the message's calendar parts (`filters.calendar`).
    """
    signers = tuple(dict.fromkeys(one.domain for one in authentication.dkim if one.result is Result.PASS))
    claimed = claims(envelope.reverse_path, header, signers=signers, organizers=organizers)
    facts = Facts(envelope=envelope, claims=claimed, matches=_matches(claimed, rulebook), rulebook=rulebook)
    if not facts.matches:
        likenesses = tuple(dict.fromkeys(resemblances(claimed, header, rulebook)))
        return _screening(facts, Tier.SUSPECT if likenesses else Tier.CLEAR, likenesses, authentication)
    findings = tuple(finding for rule in RULES for finding in rule(facts))
    return _screening(facts, _message_tier(facts, findings, authentication), findings, authentication)


def screen_reverse_path(envelope: Envelope, rulebook: Rulebook, *, failure: str) -> Screening:
    """The fallback when `screen` itself failed (decision 9): the reverse-path look-up alone decides.

    Listed: `unverified` (so emergency recipients are still served first); else every recipient is delivered
    flagged and the case is `suspect` with the finding `screening-failed`, whose evidence is `failure`.
    """
    reverse_path = envelope.reverse_path
    identities = () if reverse_path == NULL_PATH else (Identity(IdentityKind.MAIL_FROM, reverse_path),)
    claimed = Claims(identities, (Sentence("Screening failed: only the reverse-path was looked at."),))
    facts = Facts(envelope=envelope, claims=claimed, matches=_matches(claimed, rulebook), rulebook=rulebook)
    findings = (*listed_identities(facts), Finding(rule=Rule.SCREENING_FAILED, evidence=Sentence(failure)))
    tier = Tier.UNVERIFIED if facts.matches else Tier.SUSPECT
    return _screening(facts, tier, findings, NOT_AUTHENTICATED, exempting=False)


# --- tiers ------------------------------------------------------------------------------------------------------

_STRENGTH = (
    IdentityKind.FROM,
    IdentityKind.MAIL_FROM,
    IdentityKind.SENDER,
    IdentityKind.REPLY_TO,
    IdentityKind.RETURN_PATH,
    IdentityKind.RESENT_FROM,
    IdentityKind.RESENT_SENDER,
    IdentityKind.ORGANIZER,
    IdentityKind.SIGNER,
)
"""Which identity speaks for the message: the author before those who only carried it."""


def _matches(claimed: Claims, rulebook: Rulebook) -> tuple[Match, ...]:
    """The listed identities, the strongest first; of one kind, what strict readers see first."""
    found = ((identity, rulebook.index.lookup(identity.mailbox)) for identity in claimed.identities)
    matches = (Match(identity, entries) for identity, entries in found if entries)
    return tuple(sorted(matches, key=lambda match: (_STRENGTH.index(match.identity.kind), not match.identity.strict)))


def _message_tier(facts: Facts, findings: tuple[Finding, ...], authentication: Authentication) -> Tier:
    """The tier of recipients that are neither emergency nor exempt: the first that applies, from the top."""
    originators = {match.identity.kind for match in facts.matches} & ORIGINATORS
    aligned = is_aligned(authentication, facts.claims, facts.matches[0].entries[0])
    if not aligned and _is_spoofed(originators, authentication):
        return Tier.SPOOFED
    if not originators or any(finding.rule is Rule.RESENT for finding in findings):
        return Tier.RELATED
    if aligned and authentication.dmarc.result is not Result.FAIL and not facts.claims.ambiguous:
        return Tier.CONFIRMED
    return Tier.UNVERIFIED


def _is_spoofed(originators: set[IdentityKind], authentication: Authentication) -> bool:
    """The domain's owner has said that this is not theirs (RFC 7208 §2.6.4, RFC 9989 on enforced policies)."""
    forged_path = IdentityKind.MAIL_FROM in originators and authentication.spf.result is Result.FAIL
    enforced = authentication.dmarc_policy in {"quarantine", "reject"}
    forged_author = IdentityKind.FROM in originators and authentication.dmarc.result is Result.FAIL and enforced
    return forged_path or forged_author


def _recipient_tier(facts: Facts, recipient: Mailbox, tier: Tier, *, exempting: bool) -> Tier:
    if not facts.matches:
        return tier
    if recipient.key in facts.rulebook.emergency:
        return Tier.EMERGENCY
    if tier is not Tier.SPOOFED and exempting and _is_exempt(facts, recipient):
        return Tier.EXEMPT
    return tier


def _is_exempt(facts: Facts, recipient: Mailbox) -> bool:
    return any(
        is_in_force(exemption, facts.envelope)
        and covers_sender(exemption, facts.matches)
        and (not exemption.recipients or recipient.key in exemption.recipients)
        for exemption in facts.rulebook.exemptions
    )


# --- what follows -----------------------------------------------------------------------------------------------


def _screening(
    facts: Facts,
    tier: Tier,
    findings: tuple[Finding, ...],
    authentication: Authentication,
    *,
    exempting: bool = True,
) -> Screening:
    entry = facts.matches[0].entries[0] if facts.matches else None
    mode = lower_mode(facts.rulebook.mode, (entry and entry.mode) or Mode.AUTO)
    verdicts = tuple(
        _verdict(facts, recipient, _recipient_tier(facts, recipient, tier, exempting=exempting), mode)
        for recipient in facts.envelope.recipients
    )
    ordinary = tuple(verdict for verdict in verdicts if verdict.tier not in _ASIDE)
    return Screening(
        verdicts=verdicts,
        findings=findings,
        tier=next((verdict.tier for verdict in (*ordinary, *verdicts)), tier),
        entry=entry,
        entries=tuple(dict.fromkeys(entry for match in facts.matches for entry in match.entries)),
        decline=_case_decline(verdicts, ordinary),
        report=more_forthcoming(*(verdict.report for verdict in verdicts)) if verdicts else Handling.NEVER,
        mode=mode,
        authentication=authentication,
        ambiguous=facts.claims.ambiguous if findings else (),
        rulebook_version=facts.rulebook.version,
    )


_ASIDE = frozenset({Tier.EMERGENCY, Tier.EXEMPT})


def _case_decline(verdicts: tuple[Verdict, ...], ordinary: tuple[Verdict, ...]) -> Handling:
    """The strictest; but a Cc to dispatch must not buy silence, so that set aside among others gives review."""
    if not verdicts:
        return Handling.NEVER
    if not ordinary:
        return stricter(*(verdict.decline for verdict in verdicts))
    aside = (Handling.REVIEW,) if len(ordinary) < len(verdicts) else ()
    return stricter(*(verdict.decline for verdict in ordinary), *aside)


def _verdict(facts: Facts, recipient: Mailbox, tier: Tier, mode: Mode) -> Verdict:
    policy = _capped(_with_entries(_policy(facts.rulebook, tier), facts.matches, tier), mode)
    first = tier is not Tier.CLEAR and recipient.key in facts.rulebook.emergency
    return Verdict(
        recipient=recipient,
        tier=tier,
        disposition=_disposition(policy.delivery, first=first),
        delivery=policy.delivery,
        decline=policy.decline,
        report=policy.report,
        notice=policy.notice,
    )


def _policy(rulebook: Rulebook, tier: Tier) -> Policy:
    """What passes through as clear is not configurable."""
    return DEFAULT_POLICY[tier] if tier is Tier.CLEAR else rulebook.policy.get(tier, DEFAULT_POLICY[tier])


def _with_entries(policy: Policy, matches: tuple[Match, ...], tier: Tier) -> Policy:
    """The deciding entry's own values; a decline also heeds the entries of the other originators."""
    if not matches:
        return policy
    entry = matches[0].entries[0]
    originating = (match.entries[0] for match in matches[1:] if match.identity.kind in ORIGINATORS)
    declines = (other.decline for other in (entry, *originating) if other.decline is not None)
    own_delivery = entry.delivery if tier in {Tier.CONFIRMED, Tier.UNVERIFIED} else None
    return Policy(
        delivery=own_delivery or policy.delivery,
        decline=stricter(policy.decline, *declines),
        report=stricter(policy.report, entry.report or policy.report),
        notice=policy.notice,
    )


def _capped(policy: Policy, mode: Mode) -> Policy:
    """The mode is a ceiling: `observe` records and does nothing else, `assist` leaves every start to a person."""
    match mode:
        case Mode.OBSERVE:
            return Policy(delivery=Delivery.PASS, decline=Handling.NEVER, report=Handling.NEVER, notice=False)
        case Mode.ASSIST:
            decline, report = stricter(policy.decline, Handling.REVIEW), stricter(policy.report, Handling.REVIEW)
            return Policy(delivery=policy.delivery, decline=decline, report=report, notice=policy.notice)
        case Mode.AUTO:
            return policy
        case unreachable:
            assert_never(unreachable)


def _disposition(delivery: Delivery, *, first: bool) -> Disposition:
    if first:
        return Disposition.RELAY_FIRST
    return Disposition.WITHHOLD if delivery is Delivery.HOLD else Disposition.RELAY
