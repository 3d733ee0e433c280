"""What can be looked at without asking anybody: lists, templates, certificate, DKIM key, secrets, database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.disposition import Mode
from filters.guard import refusal
from gateway.cli.checks.line import Line, misconfigured, problem, warning, well
from gateway.cli.checks.provider import look_at_provider
from gateway.cli.peeking import missing_database, peek
from gateway.clock import SystemClock
from gateway.compose.templates import check_templates
from gateway.errors import ConfigurationError, StoreError
from gateway.foundation import open_seal, open_store, own_domains
from gateway.operations.pack_files import read_packs
from gateway.operations.rekeying import Rekeying
from gateway.sending import open_envelope, open_signer, own_texts
from gateway.settings import example_values, exposed_files, unaligned_senders
from gateway.tls import certificate_end, certificate_is_for, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from gateway.settings import Settings
    from gateway.store.migrating import SchemaState
    from gateway.store.unit_of_work import Store

KEYLESS_SHOWN = 10
"""Messages that are named because their key is missing."""
RENEWAL = timedelta(days=30)
"""Before its end the next certificate is asked for, where somebody else has to make it."""


def look_at_configuration(settings: Settings) -> Iterator[Line]:
    """What is in force, and what should not stay so."""
    yield well("configuration", f"every key is understood; the mode is {settings.mode}")
    if examples := example_values(settings):
        text = f"still the example's: {', '.join(examples)}"
        yield warning("configuration", text, "replace before mail leaves")
    for exposed in exposed_files(settings):
        text = f"anybody on this machine may read {exposed.file} ({exposed.key})"
        yield warning("secrets", text, f"chmod o= {exposed.file}")


def look_at_packs(settings: Settings) -> Iterator[Line]:
    """The lists of a first start."""
    try:
        entries = read_packs(settings.senders.packs)
    except ConfigurationError as error:
        yield from misconfigured("packs", error.problems)
        return
    own = own_domains(settings)
    reasons = [reason for entry in entries if (reason := refusal(entry.kind, entry.value, own)) is not None]
    yield from misconfigured("packs", [f"{reason}; take the entry out of the pack" for reason in reasons])
    if not reasons:
        yield well("packs", f"all {len(entries)} entries can be listed")


def look_at_templates(settings: Settings) -> Iterator[Line]:
    """The mail that we write, in our own words or in the shipped ones."""
    try:
        own = own_texts(settings)
    except ConfigurationError as error:
        mends = [f"{wrong}; mend the text, or take it out of templates.mail" for wrong in error.problems]
        yield from misconfigured("templates", mends)
        return
    problems = check_templates(own)
    mend = "put the template back, or mend the line that is named"
    yield from (problem("templates", text, mend) for text in problems)
    if not problems:
        words = f", {len(own)} of the templates being your own" if own else ""
        yield well("templates", f"every mail can be written in both languages{words}")


def look_at_certificate(settings: Settings) -> Iterator[Line]:
    """What we show to clients after STARTTLS."""
    certificate = settings.smtp.tls_certificate
    try:
        context = server_context(certificate, settings.smtp.tls_key)
    except OSError as error:  # ssl.SSLError is an OSError
        text = f"smtp.tls_certificate and smtp.tls_key can't be used: {error}"
        yield from misconfigured("tls", [f"{text}; name a certificate in PEM and the key that belongs to it"])
        return
    if context is None or certificate is None:
        text = "no certificate is set, STARTTLS is not offered"
        yield warning("tls", text, "set smtp.tls_certificate and smtp.tls_key: mail comes in clear without them")
        return
    yield well("tls", "STARTTLS is offered")
    soon = timedelta(days=settings.alerts.certificate_days)
    yield from certificate_lines("tls", certificate, settings.smtp.hostname, SystemClock().now(), soon)


def certificate_lines(name: str, certificate: Path, host: str, now: datetime, soon: timedelta) -> Iterator[Line]:
    """Until when it is good, and for whom. `soon` before its end it is to be renewed."""
    end = certificate_end(certificate)
    days = (end - now).days
    renew = "renew it, replace both files and send SIGHUP"
    if end <= now:
        yield problem(name, f"the certificate {certificate} ended on {end:%Y-%m-%d}", renew)
    elif end - now < soon:
        yield warning(name, f"the certificate {certificate} ends in {days} days, on {end:%Y-%m-%d}", renew)
    else:
        yield well(name, f"the certificate is good until {end:%Y-%m-%d}, for {days} days")
    if not certificate_is_for(certificate, host):
        text = f"the certificate {certificate} is not for {host} (smtp.hostname)"
        yield warning(name, text, "have one made for that name: servers that look at it won't deliver")


def look_at_signing(settings: Settings) -> Iterator[Line]:
    """The DKIM key."""
    try:
        signer = open_signer(settings)
    except ConfigurationError as error:
        yield from misconfigured("dkim", error.problems)
        return
    if signer is None:
        text = "no key is set, what the gateway writes is not signed"
        mend = "`liaison dkim key FILE` makes one"
        is_auto = settings.mode is Mode.AUTO
        yield (
            warning("dkim", f'{text}, though the mode "auto" sends by itself', mend) if is_auto else well("dkim", text)
        )
        return
    yield well("dkim", f"what the gateway writes is signed; the public key belongs at {signer.record}")
    if strangers := unaligned_senders(settings):
        text = f"DMARC will not count the signature for a From outside {signer.domain}: {', '.join(strangers)}"
        yield warning("dkim", text, "sign with a key of that domain, or write from this one")


def look_at_encryption(settings: Settings) -> Iterator[Line]:
    """The certificate of those who read reports. One that is out of date stops the reports, and nothing else."""
    try:
        envelope = open_envelope(settings)
    except ConfigurationError as error:
        yield from misconfigured("s/mime", error.problems)
        return
    if envelope is None:
        yield well("s/mime", "no certificate is set, reports are not encrypted")
        return
    now, renew = SystemClock().now(), "ask for a new one, and set collation.smime_certificate"
    if expired := envelope.out_of_date(now):
        yield problem("s/mime", f"{expired}: reports wait", renew)
        return
    text = f"reports are encrypted to a certificate that is valid until {envelope.not_after:%Y-%m-%d}"
    is_ending = envelope.not_after - now < RENEWAL
    yield warning("s/mime", f"{text}, for less than {RENEWAL.days} days", renew) if is_ending else well("s/mime", text)
    if not envelope.names(settings.collation.address):
        text = f"the certificate is of {', '.join(sorted(envelope.addresses))}, not of {settings.collation.address}"
        yield warning("s/mime", text, "see that whoever reads reports there has its key")


def look_at_database(settings: Settings) -> Iterator[Line]:
    """The key file is read with the store that it belongs to."""
    try:
        store = open_store(settings, SystemClock())
    except ConfigurationError as error:
        yield from misconfigured("database", error.problems)
        return
    try:
        missing = missing_database(settings)
        if missing is not None:
            text = f"{missing} is not there: the next start of `liaison serve` makes a new, empty one"
            yield warning(
                "database", text, "if a gateway has run here, put the file back, or see that store.url is right"
            )
            return
        yield from asyncio.run(_look_into(settings, store))
    except StoreError as error:
        yield problem(
            "database", str(error), "see that store.url is right, that it runs and that this account may use it"
        )


def look_at_lists(settings: Settings) -> Iterator[Line]:
    """Those in force. No line where the store has none yet, or doesn't say: the others tell it."""
    try:
        found = asyncio.run(peek(settings, SystemClock()))
    except ConfigurationError:
        return
    if found.remark:
        return
    entries = len(found.rulebook.index.entries)
    if entries:
        yield well("lists", f"version {found.rulebook.version} is in force; entries: {entries}")
        return
    mend = "`liaison senders history` says who emptied them, `liaison senders restore` puts an earlier version back"
    yield warning("lists", "the sender lists are empty: no mail is flagged", mend)


async def _look_into(settings: Settings, store: Store) -> list[Line]:
    try:
        state = await store.schema_state()
        kept = await store.only_read()
        frozen = [problem("database", f"{kept}: listed mail is told 451", "name the primary, or let it write")]
        return [
            *(frozen if kept else []),
            _schema_line(state),
            *(await _look_at_keys(settings, store) if state.up_to_date else []),
        ]
    finally:
        await store.close()


async def _look_at_keys(settings: Settings, store: Store) -> list[Line]:
    """Whether everything that is stored can be opened, and which keys of the file nothing needs."""
    keys = open_seal(settings).key_ids
    lost = await Rekeying(store, keys).without_key(KEYLESS_SHOWN)
    async with store.reading() as work:
        in_use = await work.sealed_rows.keys_in_use()
    mend = "put the key back into store.key_file; `liaison db check` names every such message"
    lines = [
        problem("data key", f"the {row.kind} of {row.subject} needs the key {row.key_id}, which is missing", mend)
        for row in lost[:KEYLESS_SHOWN]
    ]
    if keys and (older := sum(number for name, number in in_use.items() if name in {"", *keys[1:]})):
        text = f"{older} stored messages are not under the key {keys[0]} yet"
        lines.append(warning("data key", text, "`liaison db rekey` changes that"))
    return lines


def _schema_line(state: SchemaState) -> Line:
    if state.current is None:
        return well("database", "it is empty: `liaison serve` makes the tables")
    if state.is_newer:
        text = f"it is at schema {state.current}, made by a newer version; this one knows {state.head}"
        return problem("database", text, "install the newer")
    if not state.up_to_date:
        text = f"it is at schema {state.current}, this version needs {state.head}"
        return problem("database", text, "`liaison db upgrade` migrates it")
    return well("database", f"it answers, at schema {state.head}")


OFFLINE: Sequence[Callable[[Settings], Iterator[Line]]] = (
    look_at_configuration,
    look_at_packs,
    look_at_templates,
    look_at_certificate,
    look_at_signing,
    look_at_encryption,
    look_at_provider,
    look_at_database,
    look_at_lists,
)
"""In the order of the lines."""
