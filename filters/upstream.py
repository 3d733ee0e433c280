"""What a named upstream found out about a sender: its Authentication-Results, where nobody else can have put them.

Believed are the fields with its authserv-id that stand above the first Received field whose `by` host is not one of its
own: servers add on top, so what is above was added after the message had come into its hands (RFC 8601 §4.1, §7.1).
Two things stay with those who name an upstream: it must remove fields in its own name from outside (RFC 8601 §5), and
nobody but it may reach our listener, for else anybody could write them on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.authentication import NOT_AUTHENTICATED, Authentication, MethodResult, Result
from filters.authentication_results import BrokenError, Scanner, parse_authentication_results
from filters.content import text_of
from filters.dkim import MOST_SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filters.address import Mailbox
    from filters.authentication_results import MethodVerdict
    from filters.content import Header

_POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """Whose results are believed: its authserv-id, and the names that its hosts give themselves in Received."""

    authserv_id: str
    received_by: frozenset[str] = frozenset()


def upstream_authentication(header: Header, upstream: Upstream | None, reverse_path: Mailbox) -> Authentication:
    """SPF for this reverse-path, DKIM and DMARC as the upstream saw them; `NOT_AUTHENTICATED` if it said nothing.

    Verdicts that contradict each other are none. A verdict counts only for the domain that it names itself: SPF for
    the domain in smtp.mailfrom, if it is the reverse-path's; DKIM for header.d; DMARC for header.from.
    """
    verdicts = () if upstream is None else tuple(_believed(header, upstream))
    if not verdicts:
        return NOT_AUTHENTICATED
    dmarc = [one for one in verdicts if one.method == "dmarc" and one.about("header", "from")]
    return Authentication(
        spf=_spf(verdicts, reverse_path),
        dkim=tuple(_dkim(one) for one in verdicts if one.method == "dkim")[:MOST_SIGNATURES],
        dmarc=_agreed((_result(one), _domain(one.about("header", "from"))) for one in dmarc),
        dmarc_policy=_policy(dmarc),
    )


def _believed(header: Header, upstream: Upstream) -> Iterator[MethodVerdict]:
    """Every verdict of the upstream's, from the top down to where its hands begin."""
    own_hosts = {canonical_domain(host) for host in upstream.received_by}
    for field in header.fields:
        if field.name == "received" and (field.odd or received_by(text_of(field.value)) not in own_hosts):
            return
        if field.name != "authentication-results" or field.odd:
            continue
        results = parse_authentication_results(text_of(field.value))
        if results is not None and canonical_domain(results.authserv_id) == canonical_domain(upstream.authserv_id):
            yield from results.verdicts


def received_by(value: str) -> str:
    """The `by` host of a Received field (RFC 5321 §4.4), as domains are compared; "" where it has none.

    Only in its place, after `from` and its one word: a HELO name could be the word `by`.
    """
    scanner = Scanner(value)
    words: list[str] = []
    try:
        while len(words) < len(("from", "helo", "by", "host")) and not scanner.at_end():
            word = scanner.value()
            if not word:
                break
            words.append(word)
    except BrokenError:
        return ""
    clause = words[2:] if words[:1] and words[0].lower() == "from" else words
    return canonical_domain(clause[1]) if len(clause) > 1 and clause[0].lower() == "by" else ""


def _result(verdict: MethodVerdict) -> Result:
    """RFC 8601 §2.7; a word that is not there says nothing."""
    try:
        return Result(verdict.result)
    except ValueError:
        return Result.NONE


def _domain(value: str) -> str:
    return canonical_domain(value.strip("<>").rpartition("@")[2])


def _spf(verdicts: tuple[MethodVerdict, ...], reverse_path: Mailbox) -> MethodResult:
    own = canonical_domain(reverse_path.domain)
    said = ((_result(one), _domain(one.about("smtp", "mailfrom"))) for one in verdicts if one.method == "spf")
    return _agreed((result, domain) for result, domain in said if domain and domain == own)


def _dkim(verdict: MethodVerdict) -> MethodResult:
    domain = _domain(verdict.about("header", "d"))
    return MethodResult(result=_result(verdict) if domain else Result.NONE, domain=domain)


def _agreed(said: Iterable[tuple[Result, str]]) -> MethodResult:
    """The one result on which all agree, or none."""
    different = set(said)
    result, domain = different.pop() if len(different) == 1 else (Result.NONE, "")
    return MethodResult(result=result, domain=domain)


def _policy(dmarc: Iterable[MethodVerdict]) -> str:
    policies = {one.about("policy", "dmarc").lower() for one in dmarc}
    policy = policies.pop() if len(policies) == 1 else ""
    return policy if policy in _POLICIES else ""
