"""The desk: the operations that people call, put together from the settings, and the store behind them.

`open_desk()` is all that a person's command needs. What takes mail is put on top of it by `gateway.assembly`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.address import parse_path
from filters.packs import parse_pack
from filters.sentence import Sentence
from gateway import tokens
from gateway.errors import ConfigurationError
from gateway.hooks.program import Program
from gateway.hooks.webhook import Webhook
from gateway.model.lateness import Patience
from gateway.model.retention import RetentionClass, Schedule
from gateway.operations.alerting import Alerting, Hook, Watcher
from gateway.operations.auditing import Auditing, ChainWatch
from gateway.operations.casework import Casework
from gateway.operations.contacts import Contacts
from gateway.operations.corresponding import Corresponding
from gateway.operations.digests import Digests
from gateway.operations.exempting import Exempting
from gateway.operations.exporting import Exporting
from gateway.operations.flagged import ServedFirst
from gateway.operations.gate import Gate
from gateway.operations.health import Health, NextHops
from gateway.operations.holding import Holding
from gateway.operations.listkeeping import Listkeeping
from gateway.operations.listreading import Listreading
from gateway.operations.modes import Modes
from gateway.operations.outboxkeeping import Outboxkeeping
from gateway.operations.peoplekeeping import Peoplekeeping
from gateway.operations.probing import Probing
from gateway.operations.proposing import Proposing
from gateway.operations.purging import Purging
from gateway.operations.rulebooks import Rulebooks
from gateway.operations.running import Running
from gateway.operations.starting import Starting
from gateway.operations.stating import Stating
from gateway.operations.tallying import Tallying
from gateway.operations.watching import Watching
from gateway.store.sealing import Seal, read_keys
from gateway.store.unit_of_work import Store
from gateway.store.values import LOOP_SECRET
from gateway.verify.destination import Destinations
from gateway.verify.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from filters.lists import ListEntry
    from gateway.clock import Clock
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What remembers something, and so lives as long as its process, whatever becomes of the configuration."""

    store: Store
    secret: bytes
    """Behind loop tokens, references and hashed addresses."""
    rulebooks: Rulebooks
    tallying: Tallying
    watching: Watching
    running: Running
    probing: Probing
    chain_watch: ChainWatch
    served_first: ServedFirst
    watcher: Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The operations that people call."""

    lasting: Lasting
    casework: Casework
    contacts: Contacts
    corresponding: Corresponding
    destinations: Destinations
    listkeeping: Listkeeping
    listreading: Listreading
    proposing: Proposing
    outboxkeeping: Outboxkeeping
    peoplekeeping: Peoplekeeping
    digests: Digests
    exempting: Exempting
    exporting: Exporting
    holding: Holding
    purging: Purging
    stating: Stating
    modes: Modes
    gate: Gate
    starting: Starting
    health: Health
    next_hops: NextHops
    alerting: Alerting

    @property
    def store(self) -> Store:
        """The store of the process."""
        return self.lasting.store

    @property
    def rulebooks(self) -> Rulebooks:
        """The rulebooks of the process."""
        return self.lasting.rulebooks

    @property
    def tallying(self) -> Tallying:
        """The ledger of the process."""
        return self.lasting.tallying


def open_store(settings: Settings, clock: Clock) -> Store:
    """The store that the configuration names; it connects when it is first used."""
    return Store.open(settings.store.url, open_seal(settings), clock)


def open_seal(settings: Settings) -> Seal:
    """What seals raw messages: with the keys of the key file, or not at all. Raises ConfigurationError."""
    key_file = settings.store.key_file
    return Seal(read_keys(key_file)) if key_file else Seal()


def own_domains(settings: Settings) -> frozenset[str]:
    """Every domain of the agency: routed ones and those it names besides."""
    return frozenset(domain for route in settings.route for domain in route.domains) | set(settings.agency.domains)


@asynccontextmanager
async def open_desk(settings: Settings, clock: Clock) -> AsyncIterator[Desk]:
    """The store, up to date and with the packs of a first start in it, and the operations on it."""
    store, lasting = open_store(settings, clock), None
    try:
        await store.upgrade()
        lasting = await _lasting(settings, clock, store)
        desk = desk_of(settings, clock, lasting)
        if await desk.listkeeping.is_first_start():
            await desk.listkeeping.import_first(read_packs(settings.senders.packs), Sentence("the configured packs"))
        await desk.rulebooks.load()
        yield desk
    finally:
        if lasting is not None:
            await lasting.probing.close()
        await store.close()


async def _lasting(settings: Settings, clock: Clock, store: Store) -> Lasting:
    secret = await _secret(store)
    return Lasting(
        store=store,
        secret=secret,
        rulebooks=open_rulebooks(settings, clock, store),
        tallying=Tallying(store=store, clock=clock, secret=secret, days=settings.ledger.days),
        watching=Watching(store),
        running=Running(),
        probing=Probing(clock),
        chain_watch=ChainWatch(store, clock),
        served_first=ServedFirst(),
        watcher=Watcher(),
    )


def desk_of(settings: Settings, clock: Clock, lasting: Lasting) -> Desk:
    """The operations under this configuration, on what lasts."""
    ours, store = own_domains(settings), lasting.store
    gate = Gate(own_domains=ours, secret=lasting.secret)
    destinations = open_destinations(settings)
    listkeeping = Listkeeping(store=store, clock=clock, own_domains=ours)
    starting = Starting(gate=gate, clock=clock, collation=settings.collation, decline=settings.decline)
    collation_address = settings.collation.address
    next_hops = NextHops(settings=settings, probing=lasting.probing)
    health = _health(settings, clock, lasting, next_hops)
    modes = Modes(store=store, ceiling=settings.mode)
    return Desk(
        lasting=lasting,
        casework=Casework(
            store=store,
            clock=clock,
            gate=gate,
            starting=starting,
            destinations=destinations,
            collation_address=collation_address,
            schedule=schedule(settings),
        ),
        contacts=Contacts(store=store, clock=clock, secret=lasting.secret, collation_address=collation_address),
        corresponding=Corresponding(store=store, clock=clock),
        destinations=destinations,
        outboxkeeping=Outboxkeeping(store=store, clock=clock),
        peoplekeeping=Peoplekeeping(store=store, clock=clock),
        digests=_digests(settings, clock, store),
        listkeeping=listkeeping,
        listreading=Listreading(store=store, clock=clock),
        proposing=Proposing(store=store, clock=clock, listkeeping=listkeeping, tallying=lasting.tallying),
        exempting=Exempting(store=store, clock=clock, own_domains=ours),
        exporting=_exporting(settings, clock, store),
        holding=Holding(store=store, clock=clock),
        purging=_purging(settings, clock, store),
        stating=_stating(settings, clock, lasting, modes),
        modes=modes,
        gate=gate,
        starting=starting,
        health=health,
        next_hops=next_hops,
        alerting=_alerting(settings, clock, lasting, health),
    )


def schedule(settings: Settings) -> Schedule:
    """How long closed cases are kept."""
    kept = settings.retention
    return Schedule({kept_as: getattr(kept, kept_as) for kept_as in RetentionClass})


def _purging(settings: Settings, clock: Clock, store: Store) -> Purging:
    return Purging(
        store=store,
        clock=clock,
        schedule=schedule(settings),
        agency=settings.agency.name_en,
        authority=settings.retention.authority,
        automatic=settings.retention.automatic,
    )


def _health(settings: Settings, clock: Clock, lasting: Lasting, next_hops: NextHops) -> Health:
    return Health(
        store=lasting.store,
        clock=clock,
        settings=settings,
        rulebooks=lasting.rulebooks,
        watching=lasting.watching,
        running=lasting.running,
        next_hops=next_hops,
        auditing=Auditing(store=lasting.store),
        patience=patience(settings),
        certificate_soon=timedelta(days=settings.alerts.certificate_days),
        disk_low=settings.alerts.disk_free,
    )


def open_hooks(settings: Settings) -> dict[str, Hook]:
    """Whom alerts are told, by name; ConfigurationError where the secret can't be read."""
    alerts, hooks = settings.alerts, dict[str, Hook]()
    if alerts.webhook:
        try:
            secret = alerts.webhook_secret_file.read_bytes().strip() if alerts.webhook_secret_file else b""
        except OSError as error:
            raise ConfigurationError([f"alerts.webhook_secret_file: it can't be read: {error.strerror}"]) from error
        hooks["webhook"] = Webhook(url=alerts.webhook, secret=secret, seconds=alerts.timeout)
    if alerts.command:
        hooks["command"] = Program(command=alerts.command, seconds=alerts.timeout)
    return hooks


def patience(settings: Settings) -> Patience:
    """How long something may take before it is late."""
    alerts = settings.alerts
    return Patience(report=timedelta(seconds=alerts.report_overdue), held=timedelta(seconds=alerts.held_undecided))


def open_destinations(settings: Settings) -> Destinations:
    """What says where mail for a domain goes, from the configured name servers."""
    resolver = Resolver(settings.dns.nameservers)
    return Destinations(resolver=resolver, seconds=settings.dns.timeout, hostname=settings.smtp.hostname)


def open_rulebooks(settings: Settings, clock: Clock, store: Store) -> Rulebooks:
    """The rulebook of the store, under the policy and the mode of the configuration; to be loaded."""
    return Rulebooks(store, clock, mode=settings.mode, policy=settings.policy, emergency=emergency_keys(settings))


def emergency_keys(settings: Settings) -> frozenset[str]:
    """The emergency recipients, as they are compared."""
    return frozenset(parse_path(address, smtputf8=True).key for address in settings.emergency.recipients)


async def _secret(store: Store) -> bytes:
    """The secret behind loop tokens and references: made by the first node, shared by all."""
    async with store.begin() as work:
        return bytes.fromhex(await work.values.put_if_absent(LOOP_SECRET, tokens.secret_key().hex()))


def read_packs(packs: tuple[Path, ...]) -> list[ListEntry]:
    """The entries of the packs; ConfigurationError names every line that is wrong."""
    entries: list[ListEntry] = []
    problems: list[str] = []
    for path in packs:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: the sender pack can't be read: {error}")
            continue
        found, wrong = parse_pack(text, path.stem)
        entries += found
        problems += [f"{path}:{problem.line}: {problem.message}" for problem in wrong]
    if problems:
        raise ConfigurationError(problems)
    return entries


def governing(lasting: Lasting, settings: Settings) -> Callable[[], None]:
    """What puts the lasting under another configuration, and can't fail. ConfigurationError if there is no such."""
    seal, emergency = open_seal(settings), emergency_keys(settings)

    def govern() -> None:
        lasting.store.seal_with(seal)
        lasting.tallying.days = settings.ledger.days
        lasting.rulebooks.govern(mode=settings.mode, policy=settings.policy, emergency=emergency)

    return govern


def _digests(settings: Settings, clock: Clock, store: Store) -> Digests:
    digest = settings.digest
    return Digests(store=store, clock=clock, recipient=digest.to, hour=digest.hour, patience=patience(settings))


def _exporting(settings: Settings, clock: Clock, store: Store) -> Exporting:
    return Exporting(
        store=store,
        clock=clock,
        schedule=schedule(settings),
        agency_en=settings.agency.name_en,
        agency_fr=settings.agency.name_fr,
    )


def _stating(settings: Settings, clock: Clock, lasting: Lasting, modes: Modes) -> Stating:
    return Stating(
        store=lasting.store,
        clock=clock,
        modes=modes,
        chain_watch=lasting.chain_watch,
        agency=settings.agency.name_en,
        sealed=settings.store.key_file is not None,
    )


def _alerting(settings: Settings, clock: Clock, lasting: Lasting, health: Health) -> Alerting:
    return Alerting(
        store=lasting.store,
        clock=clock,
        health=health,
        watcher=lasting.watcher,
        hooks=open_hooks(settings),
        gateway=settings.smtp.hostname,
        next_hop_patience=timedelta(seconds=settings.alerts.next_hop_down),
    )
