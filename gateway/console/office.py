"""What the pages work with: the operations, and what the configuration says about the console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from gateway.clock import Clock
    from gateway.model.lateness import Patience
    from gateway.operations.auditing import Auditing, ChainWatch
    from gateway.operations.browsing import Browsing
    from gateway.operations.bulk import Bulk
    from gateway.operations.casework import Casework
    from gateway.operations.contacts import Contacts
    from gateway.operations.corresponding import Corresponding
    from gateway.operations.exempting import Exempting
    from gateway.operations.exporting import Exporting
    from gateway.operations.health import Health
    from gateway.operations.holding import Holding
    from gateway.operations.listkeeping import Listkeeping
    from gateway.operations.listreading import Listreading
    from gateway.operations.modes import Modes
    from gateway.operations.outboxkeeping import Outboxkeeping
    from gateway.operations.outgoing_text import OutgoingText
    from gateway.operations.peoplekeeping import Peoplekeeping
    from gateway.operations.proposing import Proposing
    from gateway.operations.provider_sign_in import ProviderSignIn
    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.signing_in import SigningIn
    from gateway.operations.statistics import Statistics
    from gateway.operations.status import Status
    from gateway.operations.tallying import Tallying


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One for the process; another one takes its place when the configuration is read again."""

    clock: Clock
    zone: ZoneInfo
    patience: Patience
    agency_en: str
    agency_fr: str
    public_url: str
    second_factor_required: bool
    passwords: bool
    """Whether they open the console."""
    provider: ProviderSignIn | None
    auditing: Auditing
    browsing: Browsing
    bulk: Bulk
    casework: Casework
    chain_watch: ChainWatch
    contacts: Contacts
    corresponding: Corresponding
    exempting: Exempting
    exporting: Exporting
    holding: Holding
    health: Health
    listkeeping: Listkeeping
    listreading: Listreading
    modes: Modes
    outboxkeeping: Outboxkeeping
    outgoing_text: OutgoingText
    peoplekeeping: Peoplekeeping
    proposing: Proposing
    rulebooks: Rulebooks
    signing_in: SigningIn
    statistics: Statistics
    status: Status
    tallying: Tallying

    @property
    def late(self) -> datetime:
        """A report that was asked for before this moment should have been accepted by now."""
        return self.clock.now() - self.patience.report
