"""SPF: is the client allowed to send for this domain? The `check_host()` of RFC 7208 §4, over one bounded inquiry."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from filters.address import NULL_PATH, canonical_domain
from filters.authentication import DnsStatus, MethodResult, Result
from filters.sentence import Sentence
from filters.spf import SpfSyntaxError, expand, is_spf_record, parse_spf_record
from gateway.model.networks import parse_address

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.authentication import DnsAnswer
    from filters.spf import Mechanism
    from gateway.verify.resolver import Inquiry

MOST_TERMS = 10
"""Terms that ask the DNS (RFC 7208 §4.6.4)."""
MOST_VOID = 2
"""Questions of terms that find nothing (§4.6.4)."""
MOST_NAMES = 10
"""Mail servers of one `mx`; names of one `ptr` (§4.6.4)."""


class _Ended(Exception):  # noqa: N818 -- it is a result, not only an error
    """Evaluation ends with this result, whatever else the record says."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


async def check_spf(inquiry: Inquiry, *, client_ip: str, helo: str, reverse_path: Mailbox) -> MethodResult:
    """The result for the reverse-path's domain, or for HELO where the path is null (RFC 7208 §2.4).

    `client_ip` is "" where it is not known: then nothing can be said.
    """
    null = reverse_path == NULL_PATH
    domain = canonical_domain(helo if null else reverse_path.domain)
    address = parse_address(client_ip)
    if address is None:
        return MethodResult(domain=domain, reason=Sentence("The client's IP address is not known."))
    if not _is_host_name(domain):
        return MethodResult(domain="", reason=Sentence("There is no domain to ask about."))
    local_part = "postmaster" if null else reverse_path.local_part or "postmaster"
    check = _Check(inquiry=inquiry, address=address, helo=helo, local_part=local_part, sender_domain=domain)
    try:
        result, reason = await check.host(domain)
    except _Ended as end:
        result, reason = end.result, end.reason
    return MethodResult(result=result, domain=domain, reason=reason)


def _is_host_name(domain: str) -> bool:
    """RFC 7208 §4.3: more than one label, each of a length that the DNS has."""
    labels = domain.split(".")
    return len(labels) > 1 and all(0 < len(label) <= 63 for label in labels) and not domain.startswith("[")


@dataclass(slots=True, kw_only=True)
class _Check:
    """One evaluation: who asks, and what is left of the limits."""

    inquiry: Inquiry
    address: IPv4Address | IPv6Address
    helo: str
    local_part: str
    sender_domain: str
    terms: int = 0
    void: int = 0

    async def host(self, domain: str) -> tuple[Result, str]:
        """The result of this domain's record (RFC 7208 §4), and what decided it."""
        text = await self._record(domain)
        if text is None:
            return Result.NONE, Sentence("{domain} publishes no SPF record.", domain=domain)
        try:
            record = parse_spf_record(text)
        except SpfSyntaxError as error:
            raise _Ended(
                Result.PERMERROR,
                Sentence("The SPF record of {domain} is wrong: {error}.", domain=domain, error=error.args[0]),
            ) from error
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return mechanism.qualifier, Sentence(
                    "{address} matches {mechanism} in the SPF record of {domain}.",
                    address=self.address,
                    mechanism=repr(mechanism.text),
                    domain=domain,
                )
        if not record.redirect:
            return Result.NEUTRAL, Sentence(
                "Nothing in the SPF record of {domain} matches {address}.", domain=domain, address=self.address
            )
        self._count_term(domain)
        target = await self._expanded(record.redirect, domain)
        result, reason = await self.host(target)
        if result is Result.NONE:  # §6.1
            raise _Ended(
                Result.PERMERROR,
                Sentence(
                    "The SPF record of {domain} redirects to {target}, which has none.", domain=domain, target=target
                ),
            )
        return result, reason

    async def _record(self, domain: str) -> str | None:
        if not _is_host_name(domain):
            return None
        answer = await self.inquiry.ask(domain, "TXT")
        if answer.status is DnsStatus.FAILED:
            raise _Ended(
                Result.TEMPERROR,
                Sentence("The DNS does not answer: TXT {domain} ({reason}).", domain=domain, reason=answer.reason),
            )
        found = [text for text in answer.records if is_spf_record(text)]
        if len(found) > 1:  # §4.5
            raise _Ended(
                Result.PERMERROR, Sentence("{domain} publishes {number} SPF records.", domain=domain, number=len(found))
            )
        return found[0] if found else None

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.name == "all":
            return True
        if mechanism.network is not None:
            return self.address in mechanism.network
        return await self._found(mechanism, domain)

    async def _found(self, mechanism: Mechanism, domain: str) -> bool:
        """The mechanisms that ask the DNS (RFC 7208 §5.2 to §5.7)."""
        self._count_term(domain)
        target = await self._expanded(mechanism.domain, domain) if mechanism.domain else domain
        match mechanism.name:
            case "include":
                return await self._included(target, domain)
            case "exists":
                return bool((await self._ask(target, "A")).records)
            case "ptr":
                return any(_is_within(name, target) for name in await self._validated_names())
            case "mx":
                return await self._is_mail_server(target, mechanism)
            case _:
                return self._is_among(await self._addresses(target), mechanism)

    async def _included(self, target: str, domain: str) -> bool:
        """RFC 7208 §5.2: only a pass matches; a record that isn't there is an error."""
        result, _ = await self.host(target)
        if result is Result.NONE:
            raise _Ended(
                Result.PERMERROR,
                Sentence("The SPF record of {domain} includes {target}, which has none.", domain=domain, target=target),
            )
        return result is Result.PASS

    async def _is_mail_server(self, target: str, mechanism: Mechanism) -> bool:
        answer = await self._ask(target, "MX")
        if len(answer.records) > MOST_NAMES:
            raise _Ended(
                Result.PERMERROR,
                Sentence("{target} has more than {most} mail servers.", target=target, most=MOST_NAMES),
            )
        for record in answer.records:
            name = record.partition(" ")[2]
            if name != "." and self._is_among(await self._addresses(name), mechanism):
                return True
        return False

    async def _addresses(self, name: str) -> tuple[str, ...]:
        return (await self._ask(name, "A" if self.address.version == 4 else "AAAA")).records

    def _is_among(self, addresses: tuple[str, ...], mechanism: Mechanism) -> bool:
        length = mechanism.prefixes[0 if self.address.version == 4 else 1]
        return any(self.address in ip_network(f"{address}/{length}", strict=False) for address in addresses)

    async def _validated_names(self) -> list[str]:
        """The names of the client that lead back to it (§5.5). A DNS that doesn't answer here finds none."""
        pointers = await self.inquiry.ask(self.address.reverse_pointer, "PTR")
        self._count_void(pointers)
        kind = "A" if self.address.version == 4 else "AAAA"
        names = []
        for name in pointers.records[:MOST_NAMES]:
            addresses = (await self.inquiry.ask(name, kind)).records
            if any(ip_address(one) == self.address for one in addresses):
                names.append(name)
        return names

    async def _ask(self, name: str, kind: str) -> DnsAnswer:
        answer = await self.inquiry.ask(name, kind)
        if answer.status is DnsStatus.FAILED:
            raise _Ended(
                Result.TEMPERROR,
                Sentence(
                    "The DNS does not answer: {kind} {name} ({reason}).", kind=kind, name=name, reason=answer.reason
                ),
            )
        self._count_void(answer)
        return answer

    def _count_void(self, answer: DnsAnswer) -> None:
        self.void += answer.status in {DnsStatus.EMPTY, DnsStatus.ABSENT}
        if self.void > MOST_VOID:
            raise _Ended(
                Result.PERMERROR, Sentence("More than {most} names in the SPF record lead nowhere.", most=MOST_VOID)
            )

    def _count_term(self, domain: str) -> None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise _Ended(
                Result.PERMERROR,
                Sentence(
                    "The SPF record needs more than {most} lookups (at {domain}).", most=MOST_TERMS, domain=domain
                ),
            )

    async def _expanded(self, text: str, domain: str) -> str:
        if "%" not in text:
            return text.removesuffix(".")
        names = await self._validated_names() if "%{p" in text.lower() else []
        inside = [name for name in names if _is_within(name, domain)]
        reverse_name = "in-addr" if self.address.version == 4 else "ip6"
        return expand(
            text,
            {
                "s": f"{self.local_part}@{self.sender_domain}",
                "l": self.local_part,
                "o": self.sender_domain,
                "d": domain,
                "i": _dotted(self.address),
                "p": next(iter((*sorted(inside, key=lambda name: name != domain), *names)), "unknown"),
                "v": reverse_name,
                "h": self.helo,
            },
        )


def _is_within(name: str, domain: str) -> bool:
    return f".{name.lower()}".endswith(f".{domain.lower().removesuffix('.')}")


def _dotted(address: IPv4Address | IPv6Address) -> str:
    """RFC 7208 §7.3: IPv6 as nibbles."""
    return str(address) if address.version == 4 else ".".join(address.exploded.replace(":", ""))
