"""`liaison screen`: what would happen to a message in a file, and why. Sends nothing, records nothing.

The decision is `filters.screen`, the same as live. A file that can't be screened is named, and the others are done.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from filters.address import NULL_PATH, AddressError, Mailbox, canonical_domain, parse_path
from filters.address_list import parse_address_list
from filters.address_tokens import address_tokens
from filters.authentication import NOT_AUTHENTICATED
from filters.content import decode_text, header_section, parse_header, text_of
from filters.disposition import Handling
from filters.envelope import Envelope, Origin
from filters.responding import hard_objections
from filters.screening import screen as decide
from gateway import tokens
from gateway.assembly import open_deciding
from gateway.cli import words
from gateway.cli.invocation import fail, with_settings
from gateway.cli.output import complain, emphasize, say, show_json_line
from gateway.cli.peeking import peek
from gateway.cli.shapes import screening_shape
from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.foundation import open_destinations, own_domains
from gateway.model.networks import is_within
from gateway.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filters.content import Header
    from filters.screening import Screening
    from gateway.cli.peeking import Peek
    from gateway.operations.deciding import Deciding
    from gateway.settings import Settings

_STDIN = Path("-")
_MAIL_FIELDS = frozenset(
    {"from", "to", "cc", "date", "subject", "received", "return-path", "sender", "reply-to", "message-id"}
    | {"mime-version", "content-type", "resent-from", "resent-sender", "delivered-to"}
)
"""A file in which none of these stands is a picture, a program or a text: it is no message that anybody would send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """The envelope as far as the command line gives it; None and () leave it to the header."""

    mail_from: Mailbox | None
    recipients: tuple[Mailbox, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would happen to the message of one file."""

    envelope: Envelope
    screening: Screening
    objections: tuple[str, ...]


def _parse_bracketed(text: str) -> Mailbox:
    """An address with or without its angle brackets."""
    return parse_path(text.strip().removeprefix("<").removesuffix(">"), smtputf8=True)


def _read_path(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Mailbox | None:
    if value is None:
        return None
    try:
        return _parse_bracketed(value)
    except AddressError as error:
        raise click.BadParameter(f"{value!r} is no address: {error}") from error


def _read_recipients(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Mailbox, ...]:
    found = [_read_path(context, parameter, value) for value in values]
    if any(mailbox is not None and not str(mailbox) for mailbox in found):
        raise click.BadParameter("a recipient can't be empty")
    return _unique(mailbox for mailbox in found if mailbox is not None)


def _read_ip(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return str(ip_address(value)) if value else ""
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no IP address; one looks like 192.0.2.25 or 2001:db8::25") from error


@click.command()
@click.argument("files", metavar="FILE...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--mail-from",
    metavar="ADDRESS",
    callback=_read_path,
    help="The reverse-path; `<>` is the null path. Else Return-Path, else From.",
)
@click.option(
    "--rcpt",
    "recipients",
    metavar="ADDRESS",
    multiple=True,
    callback=_read_recipients,
    help="A recipient; repeatable. Else the served addresses in To and Cc, else the postmaster.",
)
@click.option("--client-ip", metavar="IP", default="", callback=_read_ip, help="The SMTP client's address.")
@click.option("--helo", default="", metavar="NAME", help="What the SMTP client called itself.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one for each file.")
@with_settings
def screen(
    settings: Settings,
    files: tuple[Path, ...],
    mail_from: Mailbox | None,
    recipients: tuple[Mailbox, ...],
    client_ip: str,
    helo: str,
    as_json: bool,
) -> None:
    """Say what would happen to the message in each FILE, and why. `-` is stdin. Sends and records nothing."""
    peeked = asyncio.run(peek(settings, SystemClock()))
    if peeked.remark:
        complain(peeked.remark)
    internal = is_within(client_ip, settings.smtp.internal_networks)
    origin = Origin(client_ip=client_ip, helo=helo, internal=internal)
    screener = Screener(
        settings=settings,
        peeked=peeked,
        deciding=open_deciding(settings, peeked, open_destinations(settings)),
        assumptions=Assumptions(mail_from=mail_from, recipients=recipients, origin=origin),
    )
    for recipient in recipients:
        if not screener.serves(recipient):
            complain(f"{recipient} is at no routed domain: the gateway would refuse this recipient.")
    if not asyncio.run(_show_all(screener, files, as_json=as_json)):
        fail()


async def _show_all(screener: Screener, files: tuple[Path, ...], *, as_json: bool) -> bool:
    return all([await _show(screener, file, as_json=as_json) for file in files])


async def _show(screener: Screener, file: Path, *, as_json: bool) -> bool:
    """Print what would happen to one file's message; False, with a sentence on stderr, when it can't be told."""
    name = click.format_filename(file)
    try:
        outcome = await screener.screen(_read_message(file, screener.settings.smtp.max_message_size))
    except RefusedError as error:
        complain(f"{name}: {error}")
        return False
    mail_from = str(outcome.envelope.reverse_path)
    if as_json:
        show_json_line(
            screening_shape(outcome.screening, file=name, mail_from=mail_from, objections=outcome.objections)
        )
        return True
    emphasize(name)
    for line in words.about_screening(outcome.screening, mail_from=mail_from, objections=outcome.objections):
        say(line)
    return True


def _read_message(file: Path, limit: int) -> bytes:
    """The octets of the file; RefusedError says why there is no message in them."""
    try:
        if file == _STDIN:
            content = sys.stdin.buffer.read(limit + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(limit + 1)
    except OSError as error:
        raise RefusedError(f"the file can't be read: {error.strerror}.") from error
    if not content:
        raise RefusedError("the file is empty.")
    if len(content) > limit:
        raise RefusedError(f"the message is larger than smtp.max_message_size, {limit} octets: it would be refused.")
    return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Screener:
    """Puts messages into envelopes and asks the rulebook about them."""

    settings: Settings
    peeked: Peek
    deciding: Deciding
    assumptions: Assumptions

    async def screen(self, content: bytes) -> Outcome:
        """Decide as the live path would, asking the DNS about suspects; RefusedError if the content is no message."""
        section = header_section(content)
        header = parse_header(section)
        if not any(field.name in _MAIL_FIELDS for field in header.fields):
            raise RefusedError("this is no message: it has none of the header fields that mail has.")
        envelope = self._envelope(header)
        suspicion = self.deciding.suspicion(envelope, section, Spool.of(content), trace_id="")
        if suspicion is None:
            clear = decide(envelope, header, NOT_AUTHENTICATED, self.peeked.rulebook)
            return Outcome(envelope=envelope, screening=clear, objections=())
        decision = await self.deciding.decide(suspicion)
        objections = self._objections(envelope, header, decision.screening)
        unreachable = (decision.unreachable,) if decision.unreachable else ()
        return Outcome(envelope=envelope, screening=decision.screening, objections=(*objections, *unreachable))

    def serves(self, mailbox: Mailbox) -> bool:
        """Whether mail for the address is taken; a bare postmaster is (RFC 5321 §4.5.1)."""
        served = {domain for route in self.settings.route for domain in route.domains}
        return not mailbox.domain or canonical_domain(mailbox.domain) in served

    def _envelope(self, header: Header) -> Envelope:
        reverse_path = self.assumptions.mail_from
        if reverse_path is None:
            reverse_path = _probable_reverse_path(header)
        recipients = self.assumptions.recipients or self._probable_recipients(header)
        return Envelope(
            reverse_path=reverse_path,
            recipients=recipients,
            origin=self.assumptions.origin,
            received_at=SystemClock().now(),
            smtputf8=not all(str(mailbox).isascii() for mailbox in (reverse_path, *recipients)),
        )

    def _probable_recipients(self, header: Header) -> tuple[Mailbox, ...]:
        named = (mailbox for name in ("to", "cc") for mailbox in _mailboxes(header, name))
        served = _unique(mailbox for mailbox in named if mailbox.domain and self.serves(mailbox))
        return served or (Mailbox("postmaster", self.settings.route[0].domains[0]),)

    def _objections(self, envelope: Envelope, header: Header, screening: Screening) -> tuple[str, ...]:
        if screening.decline is Handling.NEVER:
            return ()
        return hard_objections(
            envelope.reverse_path,
            header,
            self.peeked.rulebook.index.lookup(envelope.reverse_path),
            own_domains(self.settings),
            partial(tokens.is_loop_token, self.peeked.secret),
        )


def _probable_reverse_path(header: Header) -> Mailbox:
    """Return-Path as the last server wrote it (RFC 5321 §4.4); else the first author; else null."""
    returned = header.first("return-path")
    with suppress(AddressError):  # a mangled one says nothing: From does
        if returned is not None:
            return _parse_bracketed(decode_text(returned))
    return next(_mailboxes(header, "from"), NULL_PATH)


def _mailboxes(header: Header, name: str) -> Iterator[Mailbox]:
    """The addresses of every field of that name; where RFC 5322 gives no reading, what looks like an address."""
    for field in header.all(name):
        text = text_of(field.value)
        listed = parse_address_list(text)
        yield from listed.mailboxes if listed is not None else address_tokens(text)


def _unique(mailboxes: Iterator[Mailbox]) -> tuple[Mailbox, ...]:
    return tuple({mailbox.key: mailbox for mailbox in mailboxes}.values())
