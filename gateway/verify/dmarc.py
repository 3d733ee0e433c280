"""DMARC: does the message's From domain stand behind it? (RFC 9989). Policies are found by walking up the DNS tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.authentication import DnsStatus, MethodResult, Result
from filters.dmarc import is_dmarc_record, milder, parse_dmarc_record
from filters.sentence import Sentence

if TYPE_CHECKING:
    from filters.authentication import DnsAnswer
    from filters.dmarc import DmarcRecord
    from gateway.verify.resolver import Inquiry

MOST_LABELS = 8
"""Questions of one walk; a longer name goes on with its last 7 labels (RFC 9989 §4.10)."""


class _NoAnswerError(Exception):
    """The DNS failed: neither pass nor fail (RFC 9989 §5.3.6)."""


@dataclass(frozen=True, slots=True)
class _Published:
    """A record, and the domain that publishes it."""

    domain: str
    record: DmarcRecord


async def evaluate_dmarc(
    inquiry: Inquiry, from_domain: str, *, spf: MethodResult, dkim: tuple[MethodResult, ...]
) -> tuple[MethodResult, str]:
    """The result for this From domain, and the policy that it asks for ("" if it publishes none).

    `spf` counts for the domain of MailFrom (or, under a null path, of HELO) when it passes; of `dkim` what passes.
    """
    domain = canonical_domain(from_domain)
    try:
        published = await _walk(inquiry, domain)
        found = _applicable(domain, published)
        if found is None:
            return MethodResult(
                domain=domain, reason=Sentence("{domain} publishes no DMARC policy.", domain=domain)
            ), ""
        policy = await _policy(inquiry, domain, found)
        aligned = await _aligned(inquiry, domain, _organization(domain, published), found.record, spf, dkim)
    except _NoAnswerError as error:
        return MethodResult(
            result=Result.TEMPERROR,
            domain=domain,
            reason=Sentence("The DNS does not answer: {error}.", error=error.args[0]),
        ), ""
    where = Sentence("_dmarc.{domain} asks for {policy}", domain=found.domain, policy=policy)
    if aligned:
        return MethodResult(
            result=Result.PASS, domain=domain, reason=Sentence("{aligned}; {where}.", aligned=aligned, where=where)
        ), policy
    if spf.result is Result.TEMPERROR or any(one.result is Result.TEMPERROR for one in dkim):
        reason = Sentence(
            "Nothing that passed is aligned with {domain}, but not everything could be checked; {where}.",
            domain=domain,
            where=where,
        )
        return MethodResult(result=Result.TEMPERROR, domain=domain, reason=reason), policy
    reason = Sentence(
        "Neither SPF nor DKIM passes for a domain aligned with {domain}; {where}.", domain=domain, where=where
    )
    return MethodResult(result=Result.FAIL, domain=domain, reason=reason), policy


async def _walk(inquiry: Inquiry, domain: str) -> list[_Published]:
    """The records from the domain up to the root, until one says where the organization begins (§4.10)."""
    labels = domain.split(".")
    names = [domain]
    rest = labels[1:] if len(labels) <= MOST_LABELS else labels[-(MOST_LABELS - 1) :]
    names += [".".join(rest[at:]) for at in range(len(rest))]
    published = []
    for name in names:
        record = await _record(inquiry, name)
        if record is not None:
            published.append(_Published(name, record))
            if record.public_suffix is not None:
                break
    return published


async def _record(inquiry: Inquiry, name: str) -> DmarcRecord | None:
    """The one record of a name; several are as good as none (§4.10)."""
    answer = await _ask(inquiry, f"_dmarc.{name}", "TXT")
    found = [text for text in answer.records if is_dmarc_record(text)]
    return parse_dmarc_record(found[0]) if len(found) == 1 else None


async def _ask(inquiry: Inquiry, name: str, kind: str) -> DnsAnswer:
    answer = await inquiry.ask(name, kind)
    if answer.status is DnsStatus.FAILED:
        raise _NoAnswerError(f"{kind} {name} ({answer.reason})")
    return answer


def _organization(domain: str, published: list[_Published]) -> str:
    """The organizational domain (§4.10.2)."""
    for one in published:
        if one.record.public_suffix is False:
            return one.domain
        if one.record.public_suffix and one.domain != domain:
            below = len(one.domain.split(".")) + 1
            return ".".join(domain.split(".")[-below:])
    return min((one.domain for one in published), key=lambda name: name.count("."), default=domain)


def _applicable(domain: str, published: list[_Published]) -> _Published | None:
    """The domain's own record, else that of its organization, else that of the public suffix above it (§4.10.1)."""
    organization = _organization(domain, published)
    by_domain = {one.domain: one for one in published}
    suffix = next((one for one in published if one.record.public_suffix), None)
    return by_domain.get(domain) or by_domain.get(organization) or suffix


async def _policy(inquiry: Inquiry, domain: str, found: _Published) -> str:
    """`p`, `sp` or `np` (§4.7), one level milder under `t=y`."""
    record = found.record
    if found.domain == domain:
        policy = record.policy
    elif record.absent != record.subdomain and await _is_absent(inquiry, domain):
        policy = record.absent
    else:
        policy = record.subdomain
    return milder(policy) if record.testing else policy


async def _is_absent(inquiry: Inquiry, domain: str) -> bool:
    """A domain that does not exist (§3.2.14): NXDOMAIN for any type."""
    return (await _ask(inquiry, domain, "A")).status is DnsStatus.ABSENT


async def _aligned(
    inquiry: Inquiry,
    domain: str,
    organization: str,
    record: DmarcRecord,
    spf: MethodResult,
    dkim: tuple[MethodResult, ...],
) -> str:
    """What passes and is aligned, in words; "" for nothing (§4.4)."""
    passed = [("DKIM", one.domain, record.strict_dkim) for one in dkim if one.result is Result.PASS]
    if spf.result is Result.PASS:
        passed.insert(0, ("SPF", spf.domain, record.strict_spf))
    for method, identifier, strict in passed:
        name = canonical_domain(identifier)
        if name == domain:
            return Sentence("{method} passes for {name} itself", method=method, name=name)
        if not strict and await _same_organization(inquiry, name, organization):
            return Sentence(
                "{method} passes for {name}, of the same organization ({organization})",
                method=method,
                name=name,
                organization=organization,
            )
    return ""


async def _same_organization(inquiry: Inquiry, name: str, organization: str) -> bool:
    """Relaxed alignment; only a name at or below the organization can have it for its own."""
    if not f".{name}".endswith(f".{organization}"):
        return False
    return _organization(name, await _walk(inquiry, name)) == organization
