"""What has to hold between keys; each rule is one function of the settings that were read.

Pure, and sees only values: that a file exists was seen to when its key was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import chain
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.disposition import Delivery, Handling, Mode, Tier
from gateway.settings.values import Endpoint, Marking, Tls, is_safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.lines import KeyPath
    from gateway.settings.tree import Settings

_COVERED = {str(IPv4Address(0)): ("127.0.0.1", "localhost"), str(IPv6Address(0)): ("::1", "localhost")}
"""What a listener on every address of its family takes in from this machine."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values that don't go together. `keys` are all that are involved; the first is the one to point at."""

    keys: tuple[KeyPath, ...]
    wrong: str
    right: str


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """Every conflict, in the order of the file."""
    return chain(
        _consular_contact(settings),
        _halves(settings),
        _upstream(settings),
        _limits(settings),
        _listeners(settings),
        _domains(settings),
        _loops(settings),
        _absolutes(settings),
        _emergency_recipients(settings),
        _intake(settings),
        _console(settings),
        _marking(settings),
        _provider(settings),
    )


def _consular_contact(settings: Settings) -> Iterator[Conflict]:
    """A decline without the consular contact would turn away people whom the Vienna Convention protects."""
    if settings.mode is not Mode.AUTO:
        return
    for key, value in (
        ("consular_email", settings.agency.consular_email),
        ("consular_phone", settings.agency.consular_phone),
    ):
        if not value.strip():
            yield Conflict(
                (("agency", key), ("mode",)),
                'is empty, but mode "auto" sends declines, and each names the consular contact',
                f'{key} = "…", or mode = "assist"',
            )


def _halves(settings: Settings) -> Iterator[Conflict]:
    """Keys that mean nothing without each other."""
    groups: tuple[tuple[str, dict[str, object]], ...] = (
        ("smtp", {"tls_certificate": settings.smtp.tls_certificate, "tls_key": settings.smtp.tls_key}),
        ("outbound", {"username": settings.outbound.username, "password_file": settings.outbound.password_file}),
        ("oidc", {"issuer": settings.oidc.issuer, "client_id": settings.oidc.client_id}),
        ("dkim", {"domain": settings.dkim.domain, "selector": settings.dkim.selector, "key": settings.dkim.key}),
    )
    for section, group in groups:
        given = [key for key, value in group.items() if value]
        lacking = [key for key, value in group.items() if not value]
        if given and lacking:
            yield Conflict(
                ((section, given[0]), *((section, key) for key in (*given[1:], *lacking))),
                f"is set, but {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not",
                "all of them, or none",
            )


def unaligned_senders(settings: Settings) -> tuple[str, ...]:
    """Keys whose address is neither in the signing domain nor below it: a signature says nothing for that From.

    No conflict: mail may be signed by another domain, and verifies; only DMARC doesn't count it (RFC 9989).
    """
    domain = settings.dkim.domain
    senders = {"agency.contact_email": settings.agency.contact_email, "collation.from": settings.collation.from_}
    hosts = {key: canonical_domain(address.rpartition("@")[2]) for key, address in senders.items()}
    return tuple(key for key, host in hosts.items() if domain and host != domain and not host.endswith(f".{domain}"))


def _upstream(settings: Settings) -> Iterator[Conflict]:
    """Whose Authentication-Results are believed: somebody's, and not those in our own name (RFC 8601 §5)."""
    smtp = settings.smtp
    if smtp.trusted_received_by and not smtp.trusted_authserv_id:
        keys: tuple[KeyPath, ...] = (("smtp", "trusted_received_by"), ("smtp", "trusted_authserv_id"))
        yield Conflict(keys, "is set, but trusted_authserv_id is not", "both of them, or the second alone")
    if smtp.trusted_authserv_id and canonical_domain(smtp.trusted_authserv_id) == canonical_domain(smtp.hostname):
        keys = (("smtp", "trusted_authserv_id"), ("smtp", "hostname"))
        yield Conflict(keys, "is our own hostname, so anybody may have written it", "the upstream's authserv-id")


def _limits(settings: Settings) -> Iterator[Conflict]:
    """A limit that another one makes impossible to keep, or that ends what another one allows."""
    smtp, screening, dns = settings.smtp, settings.screening, settings.dns
    if smtp.max_in_flight < smtp.max_message_size:
        yield Conflict(
            (("smtp", "max_in_flight"), ("smtp", "max_message_size")),
            f"is less than one message of smtp.max_message_size ({smtp.max_message_size})",
            f"{smtp.max_message_size} or more",
        )
    if screening.timeout < dns.timeout:
        yield Conflict(
            (("screening", "timeout"), ("dns", "timeout")),
            f"ends before the time for the DNS does (dns.timeout, {dns.timeout:g} s)",
            f"{dns.timeout:g} or more, or a shorter dns.timeout",
        )


def _listeners(settings: Settings) -> Iterator[Conflict]:
    """Two sockets can't have one address; port 0 is a different port each time."""
    listeners: list[tuple[KeyPath, Endpoint]] = [
        *((("smtp", "listen", number), endpoint) for number, endpoint in enumerate(settings.smtp.listen)),
    ]
    for section, endpoint in (("console", settings.console.listen), ("metrics", settings.metrics.listen)):
        if endpoint is not None:
            listeners.append(((section, "listen"), endpoint))
    seen: dict[Endpoint, KeyPath] = {}
    for path, endpoint in listeners:
        if endpoint.port and endpoint in seen:
            first = seen[endpoint]
            yield Conflict((path, first), f"{endpoint} is taken by {first[0]}.{first[1]}", "another port")
        seen.setdefault(endpoint, path)


def _domains(settings: Settings) -> Iterator[Conflict]:
    """A domain has one next hop: which of two would be chance."""
    seen: set[str] = set()
    for route_number, route in enumerate(settings.route):
        for number, domain in enumerate(route.domains):
            if domain in seen:
                path: KeyPath = ("route", route_number, "domains", number)
                yield Conflict((path, ("route",)), f'"{domain}" is in another route too', "each domain in one route")
            seen.add(domain)


def _loops(settings: Settings) -> Iterator[Conflict]:
    """Mail that is relayed to where it came in never ends (RFC 5321 §6.3)."""
    hops: list[tuple[KeyPath, Endpoint]] = [
        (("route", route_number, "next_hop", number), hop)
        for route_number, route in enumerate(settings.route)
        for number, hop in enumerate(route.next_hop)
    ]
    if settings.outbound.smarthost is not None:
        hops.append((("outbound", "smarthost"), settings.outbound.smarthost))
    for path, hop in hops:
        if any(_reaches(hop, listener) for listener in settings.smtp.listen):
            keys = (path, path[:1], ("smtp", "listen"))
            yield Conflict(keys, f"{hop} is where this gateway itself listens", "the address of another mail server")


def _reaches(hop: Endpoint, listener: Endpoint) -> bool:
    return hop == listener or (hop.port == listener.port and hop.host in _COVERED.get(listener.host, ()))


_ABSOLUTE: tuple[tuple[Tier, str, frozenset[str], str], ...] = (
    (
        Tier.EMERGENCY,
        "delivery",
        frozenset({Delivery.FLAG}),
        "emergency recipients are served first, whoever writes: their mail can't be held",
    ),
    (Tier.EMERGENCY, "decline", frozenset({Handling.NEVER}), "mail to emergency recipients is never declined"),
    (Tier.EXEMPT, "decline", frozenset({Handling.NEVER}), "who is exempted is not declined"),
    (
        Tier.SPOOFED,
        "decline",
        frozenset({Handling.NEVER, Handling.REVIEW}),
        "forged mail must never make the agency write to anybody by itself",
    ),
    (Tier.SUSPECT, "delivery", frozenset({Delivery.FLAG}), "a look-alike is for a person to look at, and is delivered"),
    (
        Tier.SUSPECT,
        "decline",
        frozenset({Handling.NEVER, Handling.REVIEW}),
        "a look-alike is for a person to look at, and is not declined by itself",
    ),
)
"""Cells of the policy table that no configuration widens (decisions 5, 7 and 8): tier, key, what may stand, why."""


def _absolutes(settings: Settings) -> Iterator[Conflict]:
    for tier, key, allowed, reason in _ABSOLUTE:
        if getattr(settings.policy[tier], key) not in allowed:
            right = " or ".join(f'"{word}"' for word in sorted(allowed))
            yield Conflict((("policy", tier.value, key),), reason, right)


def _emergency_recipients(settings: Settings) -> Iterator[Conflict]:
    """An emergency address that isn't relayed for would look protected and be refused."""
    served = {domain for route in settings.route for domain in route.domains}
    for number, recipient in enumerate(settings.emergency.recipients):
        domain = canonical_domain(recipient.rpartition("@")[2])
        if domain not in served:
            yield Conflict(
                (("emergency", "recipients", number), ("route",)),
                f'"{recipient}" is in no route\'s domains, so mail for it is not accepted',
                f'"{domain}" in the domains of a [[route]], or an address in a domain that is routed',
            )


def _intake(settings: Settings) -> Iterator[Conflict]:
    """What comes to the intake address goes nowhere else: it must be nobody's mailbox."""
    address = settings.intake.address
    if not address:
        if settings.intake.accept_from:
            keys: tuple[KeyPath, ...] = (("intake", "accept_from"), ("intake", "address"))
            yield Conflict(keys, "is set, but intake.address is not", "both of them, or none")
        return
    taken: list[tuple[KeyPath, str]] = [
        (("agency", "contact_email"), settings.agency.contact_email),
        (("agency", "consular_email"), settings.agency.consular_email),
        (("collation", "from"), settings.collation.from_),
        (("collation", "address"), settings.collation.address),
        (("digest", "to"), settings.digest.to),
        *((("emergency", "recipients", at), one) for at, one in enumerate(settings.emergency.recipients)),
    ]
    for path, other in taken:
        if other.lower() == address.lower():
            keys = (("intake", "address"), path)
            wrong = f'"{address}" is {path[0]}.{path[1]} too, whose mail nobody would get'
            yield Conflict(keys, wrong, "an address that nothing else uses, such as intake@liaison.police.example")


def _console(settings: Settings) -> Iterator[Conflict]:
    """Passwords and cases never cross a network in clear text."""
    listen = settings.console.listen
    if listen is not None and not listen.is_loopback and settings.smtp.tls_certificate is None:
        yield Conflict(
            (("console", "listen"), ("smtp", "tls_certificate"), ("smtp", "tls_key")),
            f"{listen} can be reached from other machines, but there is no TLS",
            'smtp.tls_certificate and smtp.tls_key (the console uses them too), or "127.0.0.1:8025"',
        )


def _marking(settings: Settings) -> Iterator[Conflict]:
    """A mark says how a document is protected: on mail that may leave in clear it would be false."""
    collation = settings.collation
    if collation.marking is Marking.NONE or collation.smime_certificate is not None or collation.tls is Tls.VERIFIED:
        return
    yield Conflict(
        (("collation", "marking"), ("collation", "tls"), ("collation", "smime_certificate")),
        f'is "{collation.marking}", but with tls = "{collation.tls}" a report may leave in clear',
        'smime_certificate = "…", or tls = "verified", or marking = "none"',
    )


def _provider(settings: Settings) -> Iterator[Conflict]:
    """What a provider says opens the console: nobody on the way may say it in its place."""
    oidc = settings.oidc
    if oidc.issuer and not is_safe(oidc.issuer):
        yield Conflict((("oidc", "issuer"),), "is said in clear, and could be anybody's", "an issuer with https")
    if oidc.create and not oidc.roles_claim:
        keys: tuple[KeyPath, ...] = (("oidc", "create"), ("oidc", "roles_claim"))
        yield Conflict(keys, "is true, but no claim says which roles", "roles_claim and roles, or create = false")
    if oidc.roles_claim and not oidc.roles:
        keys = (("oidc", "roles_claim"), ("oidc", "roles"))
        yield Conflict(keys, "is set, but no value of it gives a role", 'roles = ["VALUE=reviewer"]')
    if not oidc.passwords and not oidc.issuer:
        keys = (("oidc", "passwords"), ("oidc", "issuer"))
        yield Conflict(keys, "is false, but there is no other way in", "issuer and client_id, or passwords = true")
