"""The decision about one message: first from its header alone, then with what the DNS says about its sender.

Most mail ends at `suspicion()`, which asks nobody: no claim of a listed identity, no case. For the rest `decide()` has
the sender verified and calls `filters.screen` again, with the same rulebook. One catch stands around screening
(decision 9).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from filters.authentication import NOT_AUTHENTICATED, Authentication, MethodResult, Result
from filters.calendar import announces_calendar, mentions_calendar, organizers
from filters.content import Header, fields_of_note, header_length, parse_header
from filters.disposition import Handling
from filters.dkim import claimed_signers
from filters.glance import glance
from filters.identities import IdentityKind, claims
from filters.screening import screen, screen_reverse_path, touches_lists
from filters.sentence import Sentence
from gateway.counters import SCREENING_FAILURES, VERIFICATION_FAILURES, count
from gateway.events import Event
from gateway.model.lateness import UNPROVEN_BY_FAULT
from gateway.model.plan import Relay, plan
from gateway.verify.destination import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from filters.address import Mailbox
    from filters.envelope import Envelope
    from filters.mime_parts import MimeLimits
    from filters.rulebook import Rulebook
    from filters.screening import Screening
    from gateway.operations.tallying import Tallying
    from gateway.spool import Spool
    from gateway.verify.destination import Destinations
    from gateway.verify.sender import SenderVerifier

log = structlog.get_logger()


class RulebookSource(Protocol):
    """Where the rulebook in force comes from."""

    @property
    def current(self) -> Rulebook:
        """The rulebook now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A message that may concern somebody listed; `screening` is what its claims alone come to.

    A listed DKIM `d=` is no claim but a reason to verify (decision 6): then `screening` has no findings yet.
    """

    envelope: Envelope
    header_section: bytes
    content: Spool
    screening: Screening
    rulebook: Rulebook
    organizers: tuple[Mailbox, ...] = ()
    final: bool = False
    """Screening failed: nothing is verified any more."""

    @property
    def first(self) -> tuple[Relay, ...]:
        """Emergency recipients are served before the DNS is asked (decision 8); unflagged, if nothing is found yet."""
        if self.screening.flagged:
            return plan(self.screening).first
        urgent = tuple(one for one in self.envelope.recipients if one.key in self.rulebook.emergency)
        return (Relay(urgent, None),) if urgent else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The screening that stands, and why no decline could get to the sender (None where it could, or is none due)."""

    screening: Screening
    unreachable: Sentence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """Decides about messages. One for the process."""

    rulebooks: RulebookSource
    verifier: SenderVerifier
    destinations: Destinations
    mime: MimeLimits
    seconds: float
    """For all that has to be found out about the sender of one message."""
    tallying: Tallying | None = None
    """Counts every message for replays; None where nothing is to be counted."""

    def suspicion(
        self, envelope: Envelope, header_section: bytes, content: Spool, *, trace_id: str
    ) -> Suspicion | None:
        """What has to be looked into, or None for clear mail. Asks nobody."""
        rulebook = self.rulebooks.current
        try:
            seen = glance(envelope.reverse_path, header_section, rulebook)
            if seen is not None and not (seen.in_parts and mentions_calendar(content.chunks())):
                self._count(envelope, (seen.author,), rulebook)
                return None
            fields = Header(fields_of_note(header_section))
            calling = _organizers(fields, header_section, content, self.mime)
            signers = claimed_signers(fields.fields)
            claimed = claims(envelope.reverse_path, fields, signers=signers, organizers=calling)
            authors = [one.mailbox for one in claimed.identities if one.kind is IdentityKind.FROM and one.strict]
            self._count(envelope, authors, rulebook)
            if not touches_lists(claimed, fields, rulebook):
                return None
            screening = screen(envelope, parse_header(header_section), NOT_AUTHENTICATED, rulebook, calling)
            final = False
        except Exception as error:
            count(SCREENING_FAILURES)
            log.exception(Event.SCREENING_FAILED, id=trace_id)
            screening, final = screen_reverse_path(envelope, rulebook, failure=type(error).__name__), True
            calling = ()
        return Suspicion(
            envelope=envelope,
            header_section=header_section,
            content=content,
            screening=screening,
            rulebook=rulebook,
            organizers=calling,
            final=final,
        )

    def _count(self, envelope: Envelope, authors: Sequence[Mailbox], rulebook: Rulebook) -> None:
        if self.tallying is not None:
            known = rulebook.emergency
            emergency = bool(known) and any(recipient.key in known for recipient in envelope.recipients)
            self.tallying.note(authors, envelope.reverse_path, envelope.received_at, emergency=emergency)

    async def decide(self, suspicion: Suspicion) -> Decision:
        """Verify the sender, screen again, and for an automatic decline look where it would go."""
        if suspicion.final:
            return Decision(screening=suspicion.screening)
        deadline = asyncio.get_running_loop().time() + self.seconds
        authentication = await self._authentication(suspicion, deadline)
        try:
            screening = screen(
                suspicion.envelope,
                parse_header(suspicion.header_section),
                authentication,
                suspicion.rulebook,
                suspicion.organizers,
            )
        except Exception as error:
            count(SCREENING_FAILURES)
            log.exception(Event.SCREENING_FAILED)
            failure = type(error).__name__
            return Decision(screening=screen_reverse_path(suspicion.envelope, suspicion.rulebook, failure=failure))
        unreachable = await self._unreachable(suspicion.envelope, screening, deadline)
        return Decision(screening=screening, unreachable=unreachable)

    async def _authentication(self, suspicion: Suspicion, deadline: float) -> Authentication:
        """Trouble in our own machinery is like a DNS that doesn't answer: it leaves the sender unproven."""
        header = parse_header(suspicion.header_section)
        try:
            async with asyncio.timeout_at(deadline):
                return await self.verifier.authenticate(suspicion.envelope, header, suspicion.content)
        except TimeoutError:
            log.warning(Event.VERIFICATION_TIMED_OUT, seconds=self.seconds)
            return _unproven(self._too_long)
        except Exception as error:
            count(VERIFICATION_FAILURES)
            log.exception(Event.VERIFICATION_FAILED)
            return _unproven(f"{UNPROVEN_BY_FAULT} ({type(error).__name__})")

    async def _unreachable(self, envelope: Envelope, screening: Screening, deadline: float) -> Sentence | None:
        if screening.decline is not Handling.AUTO or not envelope.reverse_path.domain:
            return None
        try:
            async with asyncio.timeout_at(deadline):
                destination = await self.destinations.of(envelope.reverse_path.domain, every_host=False)
        except TimeoutError:
            return self._too_long
        return None if destination.reach is Reach.PUBLIC else destination.reason

    @property
    def _too_long(self) -> Sentence:
        return Sentence(
            "it took longer than {seconds} s to find out about the sender (screening.timeout)",
            seconds=f"{self.seconds:g}",
        )


def _unproven(reason: str) -> Authentication:
    trouble = MethodResult(result=Result.TEMPERROR, reason=reason)
    return replace(NOT_AUTHENTICATED, spf=trouble, dmarc=trouble)


def _organizers(noted: Header, header_section: bytes, content: Spool, mime: MimeLimits) -> tuple[Mailbox, ...]:
    """Of the message's calendar parts; the content is looked through only if one is announced."""
    if not announces_calendar(noted.fields, content.chunks()):
        return ()
    start = header_length(content.head(len(header_section) + 2))  # as received it may be shorter than as it leaves
    return organizers(parse_header(header_section), content.view(), start, mime)
