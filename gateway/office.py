"""The composition root of the console: operations in, pages out.

Imported only where `console.listen` is answered: the other processes do without Starlette, Jinja2 and what they need.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.console.office import Office
from gateway.foundation import own_domains, patience
from gateway.identity.openid import Provider
from gateway.identity.registration import registration
from gateway.operations.auditing import Auditing
from gateway.operations.browsing import Browsing
from gateway.operations.bulk import Bulk
from gateway.operations.outgoing_text import OutgoingText
from gateway.operations.provider_sign_in import ProviderSignIn, role_rules
from gateway.operations.signing_in import SigningIn
from gateway.operations.statistics import Statistics
from gateway.operations.status import Status
from gateway.sending import open_composer
from gateway.settings import SecondFactor

if TYPE_CHECKING:
    from gateway.desk import Desk
    from gateway.foundation import Foundation
    from gateway.settings import Console, Settings


def open_office(settings: Settings, desk: Desk) -> Office:
    """What the pages work with under this configuration."""
    console, foundation = settings.console, desk.foundation
    store, clock = foundation.store, foundation.clock
    return Office(
        clock=clock,
        zone=ZoneInfo(console.time_zone),
        patience=patience(settings),
        agency_en=settings.agency.name_en,
        agency_fr=settings.agency.name_fr,
        public_url=console.public_url,
        passwords=settings.oidc.passwords,
        provider=open_provider(settings, desk),
        second_factor_required=console.second_factor is SecondFactor.REQUIRED,
        auditing=Auditing(store=store),
        browsing=Browsing(store=store),
        bulk=Bulk(store=store, casework=desk.casework),
        casework=desk.casework,
        chain_watch=foundation.lasting.chain_watch,
        contacts=desk.contacts,
        corresponding=desk.corresponding,
        exempting=desk.exempting,
        exporting=desk.exporting,
        holding=desk.holding,
        health=foundation.health,
        listkeeping=desk.listkeeping,
        listreading=desk.listreading,
        modes=desk.modes,
        outboxkeeping=desk.outboxkeeping,
        outgoing_text=OutgoingText(
            store=store,
            clock=clock,
            composer=open_composer(settings, foundation),
            collation_address=settings.collation.address,
        ),
        peoplekeeping=desk.peoplekeeping,
        proposing=desk.proposing,
        rulebooks=desk.rulebooks,
        signing_in=_signing_in(console, foundation),
        statistics=Statistics(store=store, clock=clock),
        status=_status(settings, foundation),
        tallying=desk.tallying,
    )


def _status(settings: Settings, foundation: Foundation) -> Status:
    lasting = foundation.lasting
    return Status(
        store=foundation.store,
        clock=foundation.clock,
        settings=settings,
        watching=lasting.watching,
        running=lasting.running,
        next_hops=foundation.next_hops,
        probing=lasting.probing,
        resolver=foundation.destinations.resolver,
    )


def open_provider(settings: Settings, desk: Desk) -> ProviderSignIn | None:
    """The way in by the agency's OpenID provider, where one is set; ConfigurationError says what is wrong with it."""
    registered = registration(settings)
    if registered is None:
        return None
    role_rules(settings.oidc)
    return ProviderSignIn(
        provider=Provider(registered, desk.foundation.clock),
        oidc=settings.oidc,
        own=own_domains(settings),
        signing_in=_signing_in(settings.console, desk.foundation),
        peoplekeeping=desk.peoplekeeping,
    )


def _signing_in(console: Console, foundation: Foundation) -> SigningIn:
    return SigningIn(
        store=foundation.store,
        clock=foundation.clock,
        idle=timedelta(seconds=console.idle_timeout),
        longest=timedelta(seconds=console.session_timeout),
    )
