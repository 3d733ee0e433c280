"""The composition root of what takes mail: settings in, running parts out, on top of the foundation.

What only a role that sends mail needs is `gateway.sending`'s, what people call is `gateway.desk`'s: a process that only
takes mail imports neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filters.address import canonical_domain, parse_path
from filters.mime_parts import MimeLimits
from filters.upstream import Upstream
from gateway.foundation import own_domains
from gateway.operations.answered import AnsweredMail
from gateway.operations.deciding import Deciding
from gateway.operations.flagged import FlaggedMail
from gateway.operations.intake import Intake
from gateway.operations.recording import Recorder
from gateway.operations.returned import ReturnedMail
from gateway.relay.routes import Routes
from gateway.turns import Turns
from gateway.verify.sender import SenderVerifier

if TYPE_CHECKING:
    from gateway.foundation import Foundation
    from gateway.operations.deciding import RulebookSource
    from gateway.operations.forwards import Forwards
    from gateway.operations.tallying import Tallying
    from gateway.settings import Settings
    from gateway.verify.destination import Destinations
    from gateway.verify.resolver import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The parts that take mail."""

    routes: Routes
    intake: Intake


def open_deciding(
    settings: Settings, rulebooks: RulebookSource, destinations: Destinations, tallying: Tallying | None = None
) -> Deciding:
    """What decides about messages, within the limits of `[screening]`."""
    screening = settings.screening
    return Deciding(
        rulebooks=rulebooks,
        verifier=open_verifier(settings, destinations.resolver),
        destinations=destinations,
        mime=MimeLimits(parts=screening.max_mime_parts, depth=screening.max_mime_depth),
        seconds=screening.timeout,
        tallying=tallying,
    )


def open_verifier(settings: Settings, resolver: Resolver) -> SenderVerifier:
    """What verifies senders."""
    return SenderVerifier(resolver=resolver, seconds=settings.dns.timeout, upstream=upstream(settings))


def open_line(settings: Settings, foundation: Foundation) -> Line:
    """What takes mail under this configuration."""
    hostname = settings.smtp.hostname
    routes = Routes(settings.route, hostname=hostname, max_message_size=settings.smtp.max_message_size)
    deciding = open_deciding(settings, foundation.rulebooks, foundation.destinations, foundation.tallying)
    recorder = Recorder(
        store=foundation.store,
        clock=foundation.clock,
        collation_address=settings.collation.address,
        gate=foundation.gate,
        starting=foundation.starting,
    )
    whole = Turns(settings.screening.max_memory)
    return Line(
        routes=routes,
        intake=Intake(
            deciding=deciding,
            routes=routes,
            flagged=FlaggedMail(
                deciding=deciding,
                recorder=recorder,
                hostname=hostname,
                secret=foundation.lasting.secret,
                served_first=foundation.lasting.served_first,
                whole=whole,
            ),
            returned=ReturnedMail(store=foundation.store),
            answered=AnsweredMail(
                store=foundation.store, domain=canonical_domain(settings.collation.address.rpartition("@")[2])
            ),
            forwards=open_forwards(settings, foundation, deciding, whole),
            clock=foundation.clock,
            hostname=hostname,
            max_recipients=settings.smtp.max_recipients,
        ),
    )


def open_forwards(settings: Settings, foundation: Foundation, deciding: Deciding, whole: Turns) -> Forwards | None:
    """What takes the mail for the intake mailbox, if there is one.

    Screens like all mail does, but believes no upstream: what a forwarded header says of one was not written here.
    """
    intake = settings.intake
    if not intake.address:
        return None
    from gateway.model.intake_mailbox import IntakeMailbox
    from gateway.operations.forward_screening import ForwardScreening
    from gateway.operations.forwards import Forwards

    verifier = replace(deciding.verifier, upstream=None, forwarded=True)
    more = frozenset(one for one in intake.accept_from if isinstance(one, str))
    return Forwards(
        mailbox=IntakeMailbox(
            key=parse_path(intake.address, smtputf8=True).key,
            domains=own_domains(settings) | more,
            networks=tuple(one for one in intake.accept_from if not isinstance(one, str)),
        ),
        store=foundation.store,
        screening=ForwardScreening(
            deciding=replace(deciding, tallying=None, verifier=verifier),
            secret=foundation.lasting.secret,
            hostname=settings.smtp.hostname,
        ),
        gate=foundation.gate,
        mime=deciding.mime,
        whole=whole,
    )


def upstream(settings: Settings) -> Upstream | None:
    """Whose Authentication-Results are believed, if anybody's."""
    smtp = settings.smtp
    named = bool(smtp.trusted_authserv_id)
    return Upstream(smtp.trusted_authserv_id, frozenset(smtp.trusted_received_by)) if named else None
