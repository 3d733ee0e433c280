"""Alignment: whether a passing SPF or DKIM result speaks for the list entry itself.

Stricter than DMARC (RFC 9989): the domain must equal the entry's or stand below it, so that no organizational
domain is ever guessed. Reads results; verifies nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from filters.address import canonical_domain
from filters.authentication import Result
from filters.identities import IdentityKind
from filters.lists import EntryKind, ListIndex

if TYPE_CHECKING:
    from filters.authentication import Authentication
    from filters.identities import Claims
    from filters.lists import ListEntry


def is_aligned(authentication: Authentication, claimed: Claims, entry: ListEntry) -> bool:
    """Whether SPF or some DKIM signature passes for a domain that is the entry's own.

    An `address` entry wants more, because its provider's domain speaks for everybody there: MailFrom (for SPF) or
    From (for DKIM) must equal the address.
    """
    return _spf_is_aligned(authentication, claimed, entry) or any(
        signature.result is Result.PASS and _speaks_for(signature.domain, IdentityKind.FROM, claimed, entry)
        for signature in authentication.dkim
    )


def _spf_is_aligned(authentication: Authentication, claimed: Claims, entry: ListEntry) -> bool:
    spf = authentication.spf
    return spf.result is Result.PASS and _speaks_for(spf.domain, IdentityKind.MAIL_FROM, claimed, entry)


def _speaks_for(domain: str, kind: IdentityKind, claimed: Claims, entry: ListEntry) -> bool:
    index = ListIndex((entry,))
    match entry.kind:
        case EntryKind.ADDRESS:
            named = any(i.kind is kind and index.lookup(i.mailbox) for i in claimed.identities)
            return named and canonical_domain(domain) == entry.value.rpartition("@")[2]
        case EntryKind.DOMAIN | EntryKind.SUBTREE:
            own = canonical_domain(entry.value)
            return f".{canonical_domain(domain)}".endswith(f".{own}")
        case EntryKind.LABEL:
            return bool(index.lookup_domain(domain))
        case unreachable:
            assert_never(unreachable)
