"""Guard: why a list entry may not be saved, in words that say what would be right.

Keeps a list administrator from breaking mail by mistake: an entry that covers a public suffix, a public mail
provider, a Canadian authority or the agency itself would hold the wrong people's mail. Never asks DNS.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, assert_never

from email_validator import EmailNotValidError, validate_email
from publicsuffixlist import PublicSuffixList

from filters.address import MAX_DOMAIN, canonical_domain
from filters.lists import WILDCARD, EntryKind, canonical_entry_value
from filters.protected import (
    CANADIAN_AUTHORITIES,
    GENERIC_FIRST_LABELS,
    GOVERNMENT_LABELS,
    PROVIDER_NAMES,
    PROVIDERS,
    SHARED_SUFFIXES,
)
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet


def refusal(kind: EntryKind, value: str, own_domains: frozenset[str]) -> Sentence | None:
    """Why the entry can't be saved, as a sentence; None when nothing stands against it.

    `own_domains` are the agency's, in any spelling; addresses at public mail providers are allowed.
    """
    if not value.strip():
        return Sentence("An entry needs a value, such as {example}.", example=_example(kind))
    own = frozenset(map(canonical_domain, own_domains))
    canonical = canonical_entry_value(kind, value)
    match kind:
        case EntryKind.ADDRESS:
            return _address_refusal(value.strip(), canonical, own)
        case EntryKind.DOMAIN | EntryKind.SUBTREE:
            return _domain_refusal(value.strip(), canonical, own)
        case EntryKind.LABEL:
            return _label_refusal(value.strip(), canonical, own)
        case unreachable:
            assert_never(unreachable)


def _example(kind: EntryKind) -> str:
    match kind:
        case EntryKind.ADDRESS:
            return "press@embassy.example"
        case EntryKind.DOMAIN | EntryKind.SUBTREE:
            return "embassy.example"
        case EntryKind.LABEL:
            return "gat.*.gov.cn"
        case unreachable:
            assert_never(unreachable)


def _address_refusal(value: str, canonical: str, own: frozenset[str]) -> Sentence | None:
    for text in dict.fromkeys((value, canonical)):  # what is saved has to be an address too: it is exported as such
        try:
            validate_email(text, check_deliverability=False, allow_quoted_local=True, test_environment=True)
        except EmailNotValidError:
            return Sentence(
                "“{value}” is no e-mail address ({why}); one looks like {example}.",
                value=value,
                why=_why_no_address(text),
                example=_example(EntryKind.ADDRESS),
            )
    domain = canonical.rpartition("@")[2]
    return _own_refusal(domain, own) or _protected_refusal(domain)


def _why_no_address(text: str) -> Sentence:
    """In words of our own, which have a translation."""
    before, _, domain = text.rpartition("@")
    if not before:
        return Sentence("there is no name before an @")
    if not domain:
        return Sentence("no domain follows the @")
    return Sentence("a character or a dot stands where none may, or it is too long")


def _domain_refusal(value: str, domain: str, own: frozenset[str]) -> Sentence | None:
    if "@" in value:
        return Sentence(
            "“{value}” is an address: use the kind “address”, or leave out everything up to the @.", value=value
        )
    return (
        _syntax_refusal(value, domain)
        or _own_refusal(domain, own)
        or _suffix_refusal(domain)
        or _provider_refusal(domain)
        or _protected_refusal(domain)
        or _shared_refusal(domain)
    )


def _label_refusal(value: str, canonical: str, own: frozenset[str]) -> Sentence | None:
    first, _, suffix = canonical.partition(WILDCARD)
    if canonical.count("*") != 1 or WILDCARD not in value or not first or not suffix:
        return Sentence(
            "“{value}” is no label entry: it takes a first label, “.*.” and a suffix, as in gat.*.gov.cn.", value=value
        )
    if "." in first or not _is_label(first):
        return Sentence(
            "“{label}” is not one label: a label entry starts with a single one, as in gat.*.gov.cn.", label=first
        )
    if first in GENERIC_FIRST_LABELS:
        return Sentence(
            "“{label}” is a label that every organisation uses: name the label that only the listed bodies have.",
            label=first,
        )
    return (
        _syntax_refusal(suffix, suffix, least_labels=1)
        or _own_refusal(suffix, own)
        or _provider_refusal(suffix)
        or _protected_refusal(suffix)
        or _wide_suffix_refusal(suffix)
    )


def _syntax_refusal(value: str, domain: str, *, least_labels: int = 2) -> Sentence | None:
    labels = domain.split(".")
    if not all(map(_is_label, labels)) or len(domain) > MAX_DOMAIN - 2:
        return Sentence(
            "“{value}” is no domain name: letters, digits and hyphens between dots, as in embassy.example.", value=value
        )
    if labels[-1].isdigit():
        return Sentence("“{value}” is an IP address: list the domain of the senders instead.", value=value)
    if len(labels) < least_labels:
        return Sentence(
            "“{value}” is a whole top-level domain: list the body's own domain, such as mfa.gov.cn.", value=value
        )
    return None


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= 63
        and label.isascii()
        and label.replace("-", "").replace("_", "").isalnum()
        and not label.startswith("-")
        and not label.endswith("-")
    )


def _own_refusal(domain: str, own: frozenset[str]) -> Sentence | None:
    if _is_at_or_below(domain, own):
        return Sentence("{domain} is the agency's own: its mail is never listed.", domain=domain)
    inside = sorted(name for name in own if name.endswith(f".{domain}"))
    if not inside:
        return None
    return Sentence(
        "{domain} contains the agency's own {inside}: list something narrower.", domain=domain, inside=inside[0]
    )


def _suffix_refusal(domain: str) -> Sentence | None:
    if not _is_public_suffix(domain):
        return None
    return Sentence(
        "{domain} is a public suffix, shared by many bodies: list the one that is meant, such as mfa.gov.cn.",
        domain=domain,
    )


def _wide_suffix_refusal(suffix: str) -> Sentence | None:
    """A government's suffix may be searched for a label; one under which anybody can register may not."""
    if "." in suffix and (not GOVERNMENT_LABELS.isdisjoint(suffix.split(".")) or not _is_public_suffix(suffix)):
        return None
    return Sentence(
        "The suffix {suffix} is too wide: anybody can have a name below it; use a government's, such as gov.cn.",
        suffix=suffix,
    )


def _provider_refusal(domain: str) -> Sentence | None:
    registered = _public_suffixes().privatesuffix(domain) or domain
    if not _is_at_or_below(domain, PROVIDERS) and registered.partition(".")[0] not in PROVIDER_NAMES:
        return None
    return Sentence(
        "{domain} is a public mail provider, with everybody's mail: list single addresses there (kind “address”).",
        domain=domain,
    )


def _protected_refusal(domain: str) -> Sentence | None:
    if _is_at_or_below(domain, {"interpol.int"}):
        return Sentence(
            "{domain} belongs to INTERPOL, to which requests are referred: it is never listed.", domain=domain
        )
    if _is_at_or_below(domain, CANADIAN_AUTHORITIES):
        return Sentence(
            "{domain} belongs to a Canadian government or police service: such domains are never listed.", domain=domain
        )
    return None


def _shared_refusal(domain: str) -> Sentence | None:
    inside = _never_listed_below().get(domain)
    if inside is None:
        return None
    return Sentence(
        "{domain} contains {inside}, which is never listed: list something narrower.", domain=domain, inside=inside
    )


@cache
def _never_listed_below() -> dict[str, str]:
    """Every parent of a domain that is never listed, to the first such domain (a long list asks for each entry)."""
    return {
        parent: name for name in sorted(CANADIAN_AUTHORITIES | PROVIDERS, reverse=True) for parent in _parents(name)
    }


def _is_at_or_below(domain: str, names: AbstractSet[str]) -> bool:
    return domain in names or any(parent in names for parent in _parents(domain))


def _parents(domain: str) -> Iterator[str]:
    while domain := domain.partition(".")[2]:
        yield domain


def _is_public_suffix(domain: str) -> bool:
    return domain in SHARED_SUFFIXES or bool(_public_suffixes().is_public(domain))


@cache
def _public_suffixes() -> PublicSuffixList:
    """The ICANN section of publicsuffix.org's list, as the package carries it; read at the first question."""
    return PublicSuffixList(only_icann=True)
