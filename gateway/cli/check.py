"""`liaison check`: is everything there that the gateway needs? One line for each thing that was looked at.

Changes nothing: a database that is not there yet stays so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from filters.authentication import DnsStatus, MethodResult, Result
from filters.guard import refusal
from filters.lists import EntryKind
from filters.spf import is_spf_record
from gateway.assembly import open_store, own_domains, read_packs
from gateway.cli.invocation import config_option, fail, json_option, load_settings
from gateway.cli.output import say, show_json
from gateway.cli.peeking import missing_database, peek
from gateway.clock import SystemClock
from gateway.compose.templates import check_templates
from gateway.errors import ConfigurationError, StoreError
from gateway.relay.connection import NextHopError
from gateway.relay.opening import open_connection
from gateway.sending import open_envelope, open_signer, own_texts
from gateway.settings import example_values, exposed_files, unaligned_senders
from gateway.tls import server_context
from gateway.verify.dmarc import evaluate_dmarc
from gateway.verify.resolver import Inquiry, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway.settings import Endpoint, Settings
    from gateway.store.migrating import SchemaState
    from gateway.store.unit_of_work import Store

QUESTIONS_AT_ONCE = 8
"""Listed domains that the DNS is asked about side by side."""
ONLINE_TIMEOUT = 10.0
"""Seconds that a server has for each answer."""
RENEWAL = timedelta(days=30)
"""How long before its end a certificate is spoken of."""


class Grade(IntEnum):
    """How a check ended; the number is the exit code that it asks for."""

    OK = 0
    FAILED = 1
    MISCONFIGURED = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at, and what was found in words."""

    subject: str
    grade: Grade
    words: str

    @property
    def verdict(self) -> str:
        """The first word of the line."""
        return "ok" if self.grade is Grade.OK else "wrong"


@click.command()
@click.option("--online", is_flag=True, help="Also ask the next hops, the smarthost and the DNS.")
@json_option
@config_option
def check(online: bool, as_json: bool) -> None:
    """Check configuration, lists, templates, TLS files, DKIM key and database.

    Exit codes: 0 all is well, 1 something does not work, 2 the configuration is wrong.
    """
    lines = list(_lines(online=online))
    if as_json:
        show_json([{"check": line.subject, "ok": line.grade is Grade.OK, "says": line.words} for line in lines])
    else:
        for line in lines:
            say(f"{line.verdict} {line.subject}: {line.words}")
    worst = max(line.grade for line in lines)
    if worst is not Grade.OK:
        fail(worst)


def _lines(*, online: bool) -> Iterator[Line]:
    """Every check; those that need settings are left out while there are none."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        yield from _wrong("configuration", error.problems)
        return
    yield Line("configuration", Grade.OK, f"every key is understood; the mode is {settings.mode}")
    if examples := example_values(settings):
        yield Line("configuration", Grade.OK, f"still the example's, replace before mail leaves: {', '.join(examples)}")
    for exposed in exposed_files(settings):
        yield Line("secrets", Grade.OK, f"anybody on this machine may read {exposed.file} ({exposed.key}): chmod o= it")
    for look in _CHECKS:
        yield from look(settings)
    if online:
        yield from asyncio.run(_ask_servers(settings))
        yield from asyncio.run(_ask_names(settings))


def _look_at_packs(settings: Settings) -> Iterator[Line]:
    try:
        entries = read_packs(settings.senders.packs)
    except ConfigurationError as error:
        yield from _wrong("packs", error.problems)
        return
    own = own_domains(settings)
    reasons = [reason for entry in entries if (reason := refusal(entry.kind, entry.value, own)) is not None]
    yield from _wrong("packs", reasons)
    if not reasons:
        yield Line("packs", Grade.OK, f"all {len(entries)} entries can be listed")


def _look_at_templates(settings: Settings) -> Iterator[Line]:
    try:
        own = own_texts(settings)
    except ConfigurationError as error:
        yield from _wrong("templates", error.problems)
        return
    problems = check_templates(own)
    yield from (Line("templates", Grade.FAILED, problem) for problem in problems)
    if not problems:
        words = f", {len(own)} of the templates being your own" if own else ""
        yield Line("templates", Grade.OK, f"every mail can be written in both languages{words}")


def _look_at_tls(settings: Settings) -> Iterator[Line]:
    try:
        context = server_context(settings.smtp.tls_certificate, settings.smtp.tls_key)
    except OSError as error:  # ssl.SSLError is an OSError
        yield Line("tls", Grade.MISCONFIGURED, f"smtp.tls_certificate and smtp.tls_key can't be used: {error}")
        return
    yield Line("tls", Grade.OK, "STARTTLS is offered" if context else "no certificate is set, STARTTLS is not offered")


def _look_at_signing(settings: Settings) -> Iterator[Line]:
    try:
        signer = open_signer(settings)
    except ConfigurationError as error:
        yield from _wrong("dkim", error.problems)
        return
    if signer is None:
        yield Line("dkim", Grade.OK, "no key is set, what the gateway writes is not signed")
        return
    yield Line("dkim", Grade.OK, f"what the gateway writes is signed; the public key belongs at {signer.record}")
    if strangers := unaligned_senders(settings):
        words = f"DMARC will not count the signature for a From outside {signer.domain}: {', '.join(strangers)}"
        yield Line("dkim", Grade.OK, words)


def _look_at_encryption(settings: Settings) -> Iterator[Line]:
    """A certificate that is out of date stops the reports, and nothing else."""
    try:
        envelope = open_envelope(settings)
    except ConfigurationError as error:
        yield from _wrong("s/mime", error.problems)
        return
    if envelope is None:
        yield Line("s/mime", Grade.OK, "no certificate is set, reports are not encrypted")
        return
    now, end = SystemClock().now(), f"{envelope.not_after:%Y-%m-%d}"
    if expired := envelope.out_of_date(now):
        words = f"{expired}: reports wait; ask for a new one, and set collation.smime_certificate"
        yield Line("s/mime", Grade.FAILED, words)
        return
    soon = f"; it expires within {RENEWAL.days} days, ask for the next" if envelope.not_after - now < RENEWAL else ""
    yield Line("s/mime", Grade.OK, f"reports are encrypted to a certificate that is valid until {end}{soon}")
    if not envelope.names(settings.collation.address):
        others, address = ", ".join(sorted(envelope.addresses)), settings.collation.address
        words = f"the certificate is of {others}, not of {address}: whoever reads reports there must have its key"
        yield Line("s/mime", Grade.OK, words)


def _look_at_database(settings: Settings) -> Iterator[Line]:
    """The key file is read with the store that it belongs to."""
    try:
        store = open_store(settings, SystemClock())
    except ConfigurationError as error:
        yield from _wrong("database", error.problems)
        return
    missing = missing_database(settings)
    if missing is not None:
        yield Line("database", Grade.OK, f"{missing} is not there yet: `liaison serve` makes it")
        return
    try:
        state = asyncio.run(_schema_state(store))
    except StoreError as error:
        yield Line("database", Grade.FAILED, str(error))
        return
    yield _schema_line(state)


async def _schema_state(store: Store) -> SchemaState:
    try:
        return await store.schema_state()
    finally:
        await store.close()


def _schema_line(state: SchemaState) -> Line:
    if state.current is None:
        return Line("database", Grade.OK, "it is empty: `liaison serve` makes the tables")
    if state.is_newer:
        words = (
            f"it is at schema {state.current}, made by a newer version; this one knows {state.head}: install the newer"
        )
        return Line("database", Grade.FAILED, words)
    if not state.up_to_date:
        words = f"it is at schema {state.current}, this version needs {state.head}; `liaison db upgrade` migrates it"
        return Line("database", Grade.FAILED, words)
    return Line("database", Grade.OK, f"it answers, at schema {state.head}")


_CHECKS: tuple[Callable[[Settings], Iterator[Line]], ...] = (
    _look_at_packs,
    _look_at_templates,
    _look_at_tls,
    _look_at_signing,
    _look_at_encryption,
    _look_at_database,
)


async def _ask_servers(settings: Settings) -> list[Line]:
    """Every next hop and the smarthost, all at once."""
    hops = [(hop, route.tls) for route in settings.route for hop in route.next_hop]
    questions = [_ask("next hop", hop, tls, settings) for hop, tls in dict.fromkeys(hops)]
    if settings.outbound.smarthost is not None:
        questions.append(_ask("smarthost", settings.outbound.smarthost, settings.outbound.tls, settings))
    return list(await asyncio.gather(*questions))


async def _ask(subject: str, endpoint: Endpoint, tls: str, settings: Settings) -> Line:
    try:
        connection = await open_connection(endpoint, hostname=settings.smtp.hostname, tls=tls, timeout=ONLINE_TIMEOUT)
    except NextHopError as error:
        return Line(subject, Grade.FAILED, str(error))
    offered = ", ".join(sorted(connection.capabilities.keywords)) or "nothing"
    connection.close()
    return Line(subject, Grade.OK, f"{endpoint} answers and offers {offered}")


async def _ask_names(settings: Settings) -> list[Line]:
    """What every listed domain publishes about its senders; one line alone when the DNS doesn't answer."""
    entries = (await peek(settings, SystemClock())).rulebook.index.entries
    domains = sorted({one.value for one in entries if one.kind in {EntryKind.DOMAIN, EntryKind.SUBTREE}})
    resolver = Resolver(settings.dns.nameservers)
    probe = await Inquiry(resolver, settings.dns.timeout).ask(domains[0] if domains else "example.com", "TXT")
    if probe.status is DnsStatus.FAILED:
        return [Line("dns", Grade.FAILED, f"the name servers don't answer ({probe.reason}): no sender can be proven")]
    at_once = asyncio.Semaphore(QUESTIONS_AT_ONCE)
    lines = await asyncio.gather(*(_ask_about(domain, resolver, settings.dns.timeout, at_once) for domain in domains))
    return [Line("dns", Grade.OK, "the name servers answer"), *lines]


async def _ask_about(domain: str, resolver: Resolver, seconds: float, at_once: asyncio.Semaphore) -> Line:
    """A domain that publishes nothing is no fault of the agency's; it is good to know, for it can't be `confirmed`."""
    async with at_once:
        inquiry = Inquiry(resolver, seconds)
        spf = await inquiry.ask(domain, "TXT")
        dmarc, policy = await evaluate_dmarc(inquiry, domain, spf=MethodResult(), dkim=())
    if DnsStatus.FAILED is spf.status or dmarc.result is Result.TEMPERROR:
        return Line("listed domain", Grade.FAILED, f"{domain}: the DNS does not answer")
    publishes = "SPF" if any(map(is_spf_record, spf.records)) else "no SPF"
    return Line(
        "listed domain", Grade.OK, f"{domain} publishes {publishes} and {f'DMARC p={policy}' if policy else 'no DMARC'}"
    )


def _wrong(subject: str, problems: Sequence[str]) -> Iterator[Line]:
    """Problems of the configuration, a line for each."""
    return (Line(subject, Grade.MISCONFIGURED, problem) for problem in problems)
