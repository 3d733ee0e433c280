"""The desk: the operations that people call, put together from the settings, on the foundation (`gateway.foundation`).

`open_desk()` is all that a person's command needs. A process that takes mail and does nothing else has no desk.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.foundation import open_foundation, own_domains, patience
from gateway.hooks.program import Program
from gateway.hooks.webhook import Webhook
from gateway.model.retention import RetentionClass, Schedule
from gateway.operations.alerting import Alerting, Hook
from gateway.operations.casework import Casework
from gateway.operations.contacts import Contacts
from gateway.operations.corresponding import Corresponding
from gateway.operations.digests import Digests
from gateway.operations.exempting import Exempting
from gateway.operations.exporting import Exporting
from gateway.operations.holding import Holding
from gateway.operations.listkeeping import Listkeeping
from gateway.operations.listreading import Listreading
from gateway.operations.modes import Modes
from gateway.operations.outboxkeeping import Outboxkeeping
from gateway.operations.peoplekeeping import Peoplekeeping
from gateway.operations.proposing import Proposing
from gateway.operations.purging import Purging
from gateway.operations.stating import Stating

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.clock import Clock
    from gateway.foundation import Foundation
    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.tallying import Tallying
    from gateway.settings import Settings
    from gateway.store.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The operations that people call."""

    foundation: Foundation
    casework: Casework
    contacts: Contacts
    corresponding: Corresponding
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
    alerting: Alerting

    @property
    def store(self) -> Store:
        """The store of the process."""
        return self.foundation.store

    @property
    def rulebooks(self) -> Rulebooks:
        """The rulebooks of the process."""
        return self.foundation.rulebooks

    @property
    def tallying(self) -> Tallying:
        """The ledger of the process."""
        return self.foundation.tallying


@asynccontextmanager
async def open_desk(
    settings: Settings, clock: Clock, *, makes: bool = True, migrates: bool = True
) -> AsyncIterator[Desk]:
    """The operations, on a foundation of their own. `makes` and `migrates`: as `open_foundation` has them."""
    async with open_foundation(settings, clock, makes=makes, migrates=migrates) as foundation:
        yield desk_of(settings, foundation)


def desk_of(settings: Settings, foundation: Foundation) -> Desk:
    """The operations under this configuration."""
    ours, store, clock = own_domains(settings), foundation.store, foundation.clock
    collation_address = settings.collation.address
    listkeeping = Listkeeping(store=store, clock=clock, own_domains=ours)
    modes = Modes(store=store, ceiling=settings.mode)
    return Desk(
        foundation=foundation,
        casework=Casework(
            store=store,
            clock=clock,
            gate=foundation.gate,
            starting=foundation.starting,
            destinations=foundation.destinations,
            collation_address=collation_address,
            schedule=schedule(settings),
        ),
        contacts=Contacts(
            store=store, clock=clock, secret=foundation.lasting.secret, collation_address=collation_address
        ),
        corresponding=Corresponding(store=store, clock=clock),
        outboxkeeping=Outboxkeeping(store=store, clock=clock, starting=foundation.starting),
        peoplekeeping=Peoplekeeping(store=store, clock=clock),
        digests=_digests(settings, foundation),
        listkeeping=listkeeping,
        listreading=Listreading(store=store, clock=clock),
        proposing=Proposing(store=store, clock=clock, listkeeping=listkeeping, tallying=foundation.tallying),
        exempting=Exempting(store=store, clock=clock, own_domains=ours),
        exporting=_exporting(settings, foundation),
        holding=Holding(store=store, clock=clock),
        purging=_purging(settings, foundation),
        stating=_stating(settings, foundation, modes),
        modes=modes,
        alerting=_alerting(settings, foundation),
    )


def schedule(settings: Settings) -> Schedule:
    """How long closed cases are kept."""
    kept = settings.retention
    return Schedule({kept_as: getattr(kept, kept_as) for kept_as in RetentionClass})


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


def _agency(settings: Settings) -> str:
    """Its name in both languages, for documents that have one digest whatever they are read in."""
    return " / ".join(dict.fromkeys((settings.agency.name_en, settings.agency.name_fr)))


def _purging(settings: Settings, foundation: Foundation) -> Purging:
    return Purging(
        store=foundation.store,
        clock=foundation.clock,
        schedule=schedule(settings),
        agency=_agency(settings),
        authority=settings.retention.authority,
        automatic=settings.retention.automatic,
    )


def _digests(settings: Settings, foundation: Foundation) -> Digests:
    digest = settings.digest
    return Digests(
        store=foundation.store,
        clock=foundation.clock,
        recipient=digest.to,
        hour=digest.hour,
        patience=patience(settings),
    )


def _exporting(settings: Settings, foundation: Foundation) -> Exporting:
    return Exporting(
        store=foundation.store,
        clock=foundation.clock,
        schedule=schedule(settings),
        agency_en=settings.agency.name_en,
        agency_fr=settings.agency.name_fr,
    )


def _stating(settings: Settings, foundation: Foundation, modes: Modes) -> Stating:
    return Stating(
        store=foundation.store,
        clock=foundation.clock,
        modes=modes,
        chain_watch=foundation.lasting.chain_watch,
        agency=_agency(settings),
        sealed=settings.store.key_file is not None,
    )


def _alerting(settings: Settings, foundation: Foundation) -> Alerting:
    return Alerting(
        store=foundation.store,
        clock=foundation.clock,
        health=foundation.health,
        watcher=foundation.lasting.watcher,
        hooks=open_hooks(settings),
        gateway=settings.smtp.hostname,
        next_hop_patience=timedelta(seconds=settings.alerts.next_hop_down),
    )
