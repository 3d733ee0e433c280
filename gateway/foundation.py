"""The foundation: what every process stands on, whatever its role, put together from the settings.

The store, up to date and with a list in it; what remembers something; and what both mail and people's verbs need. What
takes mail is put on top of it by `gateway.assembly`, what people call by `gateway.desk`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.address import parse_path
from filters.sentence import Sentence
from gateway import tokens
from gateway.model.lateness import Patience
from gateway.operations.auditing import Auditing, ChainWatch
from gateway.operations.flagged import ServedFirst
from gateway.operations.gate import Gate
from gateway.operations.health import Health, NextHops
from gateway.operations.probing import Probing
from gateway.operations.rulebooks import Rulebooks, is_first_start
from gateway.operations.running import Running
from gateway.operations.starting import Starting
from gateway.operations.tallying import Tallying
from gateway.operations.watcher import Watcher
from gateway.operations.watching import Watching
from gateway.store.sealing import Seal, read_keys
from gateway.store.unit_of_work import Store
from gateway.store.values import LOOP_SECRET
from gateway.verify.destination import Destinations
from gateway.verify.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.clock import Clock
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What remembers something, and so lives as long as its process, whatever becomes of the configuration."""

    clock: Clock
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
class Foundation:
    """What lasts, and what follows for every role from the configuration in force."""

    lasting: Lasting
    destinations: Destinations
    gate: Gate
    starting: Starting
    next_hops: NextHops
    health: Health

    @property
    def clock(self) -> Clock:
        """The clock of the process."""
        return self.lasting.clock

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


@asynccontextmanager
async def open_foundation(
    settings: Settings, clock: Clock, *, makes: bool = True, migrates: bool = True, known: bytes | None = None
) -> AsyncIterator[Foundation]:
    """The store, up to date and with the packs of a first start in it, and what stands on it.

    `makes`: a database that is not there, or is empty, is made. `migrates`: that of an older version is brought up to
    date. Else StoreError. `known`: as `open_store` has it.
    """
    store, lasting = open_store(settings, clock, known), None
    try:
        await store.upgrade(makes=makes, migrates=migrates)
        lasting = await _lasting(settings, clock, store)
        if await is_first_start(store):
            await _import_first(settings, lasting)
        await lasting.rulebooks.load()
        yield foundation_of(settings, lasting)
    finally:
        if lasting is not None:
            await lasting.probing.close()
        await store.close()


async def _lasting(settings: Settings, clock: Clock, store: Store) -> Lasting:
    secret = await _secret(store)
    return Lasting(
        clock=clock,
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


async def _import_first(settings: Settings, lasting: Lasting) -> None:
    """The store never had a list: that of the packs."""
    from gateway.operations.listkeeping import Listkeeping
    from gateway.operations.pack_files import read_packs

    listkeeping = Listkeeping(store=lasting.store, clock=lasting.clock, own_domains=own_domains(settings))
    await listkeeping.import_first(read_packs(settings.senders.packs), Sentence("the configured packs"))


def foundation_of(settings: Settings, lasting: Lasting) -> Foundation:
    """What follows from this configuration, on what lasts."""
    clock = lasting.clock
    gate = Gate(own_domains=own_domains(settings), secret=lasting.secret)
    next_hops = NextHops(settings=settings, probing=lasting.probing)
    return Foundation(
        lasting=lasting,
        destinations=open_destinations(settings),
        gate=gate,
        starting=Starting(gate=gate, clock=clock, collation=settings.collation, decline=settings.decline),
        next_hops=next_hops,
        health=Health(
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
        ),
    )


def governing(lasting: Lasting, settings: Settings) -> Callable[[], None]:
    """What puts the lasting under another configuration, and can't fail. ConfigurationError if there is no such."""
    seal, emergency = open_seal(settings), emergency_keys(settings)

    def govern() -> None:
        lasting.store.seal_with(seal)
        lasting.tallying.days = settings.ledger.days
        lasting.rulebooks.govern(mode=settings.mode, policy=settings.policy, emergency=emergency)

    return govern


def open_store(settings: Settings, clock: Clock, known: bytes | None = None) -> Store:
    """The store that the configuration names; it connects when it is first used.

    `known` is the secret of its database, if that is known already: an SQLite file with another one is refused.
    """
    return Store.open(settings.store.url, open_seal(settings), clock, known=known.hex() if known else None)


def open_seal(settings: Settings) -> Seal:
    """What seals raw messages: with the keys of the key file, or not at all. Raises ConfigurationError."""
    key_file = settings.store.key_file
    return Seal(read_keys(key_file)) if key_file else Seal()


def own_domains(settings: Settings) -> frozenset[str]:
    """Every domain of the agency: routed ones and those it names besides."""
    return frozenset(domain for route in settings.route for domain in route.domains) | set(settings.agency.domains)


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
