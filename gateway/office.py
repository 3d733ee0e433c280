"""The composition root of the console: operations in, pages out.

Imported only where `console.listen` is answered: the other processes do without Starlette, Jinja2 and what they need.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.console.office import Office
from gateway.operations.signing_in import SigningIn
from gateway.settings import SecondFactor

if TYPE_CHECKING:
    from gateway.assembly import Desk
    from gateway.clock import Clock
    from gateway.settings import Settings


def open_office(settings: Settings, clock: Clock, desk: Desk) -> Office:
    """What the pages work with under this configuration."""
    console = settings.console
    return Office(
        clock=clock,
        zone=ZoneInfo("UTC"),
        agency_en=settings.agency.name_en,
        agency_fr=settings.agency.name_fr,
        public_url=console.public_url,
        second_factor_required=console.second_factor is SecondFactor.REQUIRED,
        auditing=desk.auditing,
        casework=desk.casework,
        chain_watch=desk.lasting.chain_watch,
        exempting=desk.exempting,
        health=desk.health,
        listkeeping=desk.listkeeping,
        modes=desk.modes,
        outboxkeeping=desk.outboxkeeping,
        peoplekeeping=desk.peoplekeeping,
        rulebooks=desk.rulebooks,
        signing_in=SigningIn(
            store=desk.store,
            clock=clock,
            idle=timedelta(seconds=console.idle_timeout),
            longest=timedelta(seconds=console.session_timeout),
        ),
        statistics=desk.statistics,
        status=desk.status,
        tallying=desk.tallying,
    )
