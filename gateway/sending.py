"""The composition root of what only a role that sends mail needs: templates, signature, outbox, SMTP out.

Imported by nobody but such a role: an SMTP process does without Jinja2, dkimpy, cryptography and aiosmtplib.
"""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.compose import enveloping
from gateway.compose.enveloping import CertificateError, Envelope
from gateway.compose.signing import RIGHT, Signer, SigningKeyError
from gateway.compose.templates import check_templates, read_texts
from gateway.compose.text import ComposeError
from gateway.compose.values import AgencyVoice, Language
from gateway.dispatch.worker import Means
from gateway.errors import ConfigurationError
from gateway.foundation import patience
from gateway.operations.composing import Composer
from gateway.operations.outbox import Outbox
from gateway.operations.ways import Ways

if TYPE_CHECKING:
    from gateway.compose.values import OwnTexts
    from gateway.desk import Desk
    from gateway.foundation import Foundation
    from gateway.settings import Settings


def open_means(settings: Settings, desk: Desk, node: str) -> Means:
    """What the outbox worker of the node works with; ConfigurationError says what is wrong with the DKIM key."""
    hostname, foundation = settings.smtp.hostname, desk.foundation
    outbox = Outbox(
        store=foundation.store,
        clock=foundation.clock,
        composer=open_composer(settings, foundation),
        starting=foundation.starting,
        rulebooks=foundation.rulebooks,
        destinations=foundation.destinations,
        outbound=settings.outbound,
        node=node,
    )
    ways = Ways(
        routes=settings.route, outbound=settings.outbound, destinations=foundation.destinations, hostname=hostname
    )
    return Means(outbox=outbox, ways=ways, digests=desk.digests)


def open_composer(settings: Settings, foundation: Foundation) -> Composer:
    """What writes our mail; ConfigurationError says what is wrong with a key, a certificate or a template."""
    return Composer(
        voice=voice(settings),
        collation=settings.collation,
        gate=foundation.gate,
        clock=foundation.clock,
        hostname=settings.smtp.hostname,
        patience=patience(settings),
        signer=open_signer(settings),
        envelope=open_envelope(settings),
        console=settings.console.public_url if settings.console.listen is not None else "",
    )


def open_envelope(settings: Settings) -> Envelope | None:
    """What encrypts reports, or None where no certificate is set; ConfigurationError says what is wrong with it.

    One that is out of date is not wrong: mail has to flow, and the reports wait for the next certificate.
    """
    path = settings.collation.smime_certificate
    if path is None:
        return None
    try:
        return Envelope(path.read_bytes())
    except OSError as error:
        wrong = f"{path}: the S/MIME certificate can't be read: {error}; write {enveloping.RIGHT}"
        raise ConfigurationError([wrong]) from error
    except CertificateError as error:
        wrong = f"collation.smime_certificate: {path} {error}; write {enveloping.RIGHT}"
        raise ConfigurationError([wrong]) from error


def open_signer(settings: Settings) -> Signer | None:
    """What signs our mail, or None where no key is set; ConfigurationError says what is wrong with the key."""
    dkim = settings.dkim
    if dkim.key is None:
        return None
    try:
        return Signer(dkim.domain, dkim.selector, dkim.key.read_bytes())
    except OSError as error:
        raise ConfigurationError([f"{dkim.key}: the DKIM key can't be read: {error}; write {RIGHT}"]) from error
    except SigningKeyError as error:
        raise ConfigurationError([f"dkim.key: {dkim.key} {error}; write {RIGHT}"]) from error


@dataclass(frozen=True, slots=True)
class Node:
    """What names this process to the others; `mark` keeps the name for as long as the process lives."""

    name: str
    mark: socket.socket


def take_node_name(settings: Settings) -> Node:
    """The name of this machine and configuration, or one apart from it where another living process has that name.

    Whoever starts under a name frees what its last life claimed: two living processes must never share one. The mark
    is a socket in Linux's abstract namespace, which goes with the process however it ends.
    """
    name = f"{socket.gethostname()}:{settings.file}"
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind("\0liaison-gateway:" + hashlib.sha256(name.encode()).hexdigest())
    except OSError:
        return Node(f"{name}#{tokens.item_id()}", mark)
    return Node(name, mark)


def own_texts(settings: Settings) -> OwnTexts:
    """The agency's own templates; ConfigurationError for each that no mail could be written with."""
    if settings.templates.mail is None:
        return ()
    try:
        texts = read_texts(settings.templates.mail)
    except ComposeError as error:
        raise ConfigurationError([f"templates.mail: {error}"]) from error
    if problems := check_templates(texts):
        raise ConfigurationError([f"templates.mail: {problem}" for problem in problems])
    return texts


def voice(settings: Settings) -> AgencyVoice:
    """In whose name we write, and in which words. ConfigurationError as `own_texts`."""
    agency = settings.agency
    return AgencyVoice(
        hostname=settings.smtp.hostname,
        name_en=agency.name_en,
        name_fr=agency.name_fr,
        unit_en=agency.unit_en,
        unit_fr=agency.unit_fr,
        contact_email=agency.contact_email,
        contact_phone=agency.contact_phone,
        consular_email=agency.consular_email,
        consular_phone=agency.consular_phone,
        ildc_address=settings.referral.ildc_address,
        interpol_address=settings.referral.interpol_address,
        collation_from=settings.collation.from_,
        decline_languages=tuple(Language(language) for language in settings.decline.languages),
        marking=settings.collation.marking.words,
        report_languages=tuple(Language(language) for language in settings.collation.languages),
        texts=own_texts(settings),
    )
