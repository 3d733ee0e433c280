"""May the gateway decline by itself, without a person? Each clause one function, its reason in words.

Asked only where nothing stands against a decline at all (`filters.responding`). The clauses that values can answer;
window and daily limits are counted elsewhere. `AUTOMATIC_CLAUSES` is the table of contents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from filters.address import canonical_domain
from filters.address_list import parse_address_list
from filters.authentication import Result
from filters.content import decode_text
from filters.disposition import Handling, Mode, Tier
from filters.identities import IdentityKind, claims
from filters.lists import ListIndex
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filters.address import Mailbox
    from filters.content import Header
    from filters.envelope import Envelope
    from filters.screening import Screening


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the clauses look at: the message that a decline would answer, and what was decided about it."""

    envelope: Envelope
    header: Header
    screening: Screening

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """Every reading of every From field."""
        found = claims(self.envelope.reverse_path, self.header).identities
        return tuple(identity.mailbox for identity in found if identity.kind is IdentityKind.FROM)


def automatic_objections(proposal: Proposal) -> tuple[Sentence, ...]:
    """Why a person must decide about the decline, in words; empty: the gateway may decline by itself."""
    return tuple(reason for clause in AUTOMATIC_CLAUSES if (reason := clause(proposal)) is not None)


def handled_by_a_person(proposal: Proposal) -> Sentence | None:
    """Policy, list entry and mode, as screening has joined them."""
    screening = proposal.screening
    match screening.decline:
        case Handling.AUTO:
            return None
        case Handling.NEVER:
            return Sentence(
                "The tier ({tier}), the list entry or the mode ({mode}) allows no decline.",
                tier=screening.tier,
                mode=screening.mode,
            )
        case Handling.REVIEW if screening.mode is not Mode.AUTO:
            return Sentence("The mode is {mode}: a person starts every decline.", mode=screening.mode)
        case Handling.REVIEW:
            return Sentence(
                "For the tier {tier} and this list entry, a person decides about the decline.", tier=screening.tier
            )
        case unreachable:
            assert_never(unreachable)


def unconfirmed(proposal: Proposal) -> Sentence | None:
    """Whatever the policy table says: only a proven sender is declined automatically."""
    tier = proposal.screening.tier
    if tier is Tier.CONFIRMED:
        return None
    return Sentence("The sender is not proven to be the listed mission (tier {tier}).", tier=tier)


def unproven_reverse_path(proposal: Proposal) -> Sentence | None:
    """SPF passes for its domain (RFC 7208), or it equals the one From address, which DKIM signs (RFC 6376)."""
    authentication, path = proposal.screening.authentication, proposal.envelope.reverse_path
    if authentication.spf.result is Result.FAIL:
        return Sentence("SPF says that the reverse-path's domain does not send from there.")
    domain = canonical_domain(path.domain)
    if authentication.spf.result is Result.PASS and canonical_domain(authentication.spf.domain) == domain:
        return None
    signing = (canonical_domain(one.domain) for one in authentication.dkim if one.result is Result.PASS)
    signed = any(name and f".{domain}".endswith(f".{name}") for name in signing)
    if signed and {author.key for author in proposal.authors} == {path.key}:
        return None
    return Sentence("Nothing proves that the reverse-path is the sender's own: a decline could go to somebody else.")


def not_one_listed_author(proposal: Proposal) -> Sentence | None:
    """Exactly one From field with one address (RFC 5322 §3.6.2), inside the entry that covers the reverse-path."""
    authors = proposal.authors
    if len(proposal.header.all("from")) != 1 or len(authors) != 1:
        return Sentence("The message has not exactly one From field with one address.")
    index = ListIndex(proposal.screening.entries)
    both = set(index.lookup(authors[0])) & set(index.lookup(proposal.envelope.reverse_path))
    return None if both else Sentence("The From address and the reverse-path are not inside one list entry.")


def ambiguous_originator(proposal: Proposal) -> Sentence | None:
    """Any reading that differs (decision 5)."""
    reasons = proposal.screening.ambiguous
    return Sentence("The sender can be read in more than one way: {why}", why=reasons[0]) if reasons else None


def answer_to_a_message(proposal: Proposal) -> Sentence | None:
    """It may answer the agency's own letter (RFC 5322 §3.6.4)."""
    name = next((name for name in ("In-Reply-To", "References") if proposal.header.all(name.lower())), None)
    if name is None:
        return None
    return Sentence("It answers an earlier message ({field}), perhaps one of the agency's own.", field=name)


def recipient_not_addressed(proposal: Proposal) -> Sentence | None:
    """RFC 3834 §2: one of our recipients stands in To or Cc; who got a blind copy must not be given away."""
    named = {mailbox.key for mailbox in _addressed(proposal.header)}
    if any(recipient.key in named for recipient in proposal.envelope.recipients):
        return None
    return Sentence("None of the recipients stands in To or Cc.")


def _addressed(header: Header) -> Iterator[Mailbox]:
    for field in (*header.all("to"), *header.all("cc")):
        listed = parse_address_list(decode_text(field.value))
        yield from listed.mailboxes if listed is not None else ()


AUTOMATIC_CLAUSES: tuple[Callable[[Proposal], Sentence | None], ...] = (
    handled_by_a_person,
    unconfirmed,
    unproven_reverse_path,
    not_one_listed_author,
    ambiguous_originator,
    answer_to_a_message,
    recipient_not_addressed,
)
