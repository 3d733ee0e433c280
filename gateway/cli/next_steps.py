"""What only people can do after a set-up, outside this machine: the DNS, firewalls, the mail server behind.

Says it with the names and records of the configuration, so that it can be handed on as it is.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from gateway.cli.dkim import show_record
from gateway.cli.output import emphasize, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.compose.signing import Signer
    from gateway.settings import Settings


_RECORD = "    "
"""What begins with this is a line of a zone file."""


def show_next_steps(settings: Settings, signer: Signer | None) -> None:
    """All of them, in the order in which they are done."""
    say()
    emphasize("In the DNS")
    _show(_names(settings))
    if signer is not None:
        say()
        show_record(signer)
    say()
    emphasize("In firewalls")
    _show(_ports(settings))
    say()
    emphasize("Then")
    _show(_beginning(settings))


def _show(steps: Iterator[str]) -> None:
    for step in steps:
        say(step if step.startswith(_RECORD) else f"  - {step}")


def _names(settings: Settings) -> Iterator[str]:
    host, domain = settings.smtp.hostname, settings.agency.contact_email.rpartition("@")[2]
    yield f"A (and AAAA) of {host}: this machine's public address, and PTR of that address: {host}"
    yield "When it has proven itself, MX, unless a filter or an edge server in front goes on receiving:"
    for served in (one for route in settings.route for one in route.domains):
        yield f"{_RECORD}{served}. IN MX 10 {host}."
    yield "SPF of the gateway's name, for what leaves with an empty sender (RFC 7208 §2.4):"
    yield f'{_RECORD}{host}. IN TXT "v=spf1 a -all"'
    if settings.outbound.smarthost is not None:
        yield f"SPF of {domain} has to permit {settings.outbound.smarthost}; it does if your mail leaves there"
    else:
        yield f"SPF of {domain} has to permit whatever will send for the gateway, once [outbound] names it"
    yield f"DMARC of {domain}, if it has none yet; stricter once reports show that all its mail is aligned:"
    yield f'{_RECORD}_dmarc.{domain}. IN TXT "v=DMARC1; p=none; rua=mailto:{settings.agency.contact_email}"'


def _ports(settings: Settings) -> Iterator[str]:
    ports = ", ".join(sorted({str(one.port) for one in settings.smtp.listen}))
    yield f"in: TCP {ports}, from the Internet, or from your filter alone (then docs/client-identity.md)"
    for hop in dict.fromkeys(hop for route in settings.route for hop in route.next_hop):
        yield f"out: TCP to {hop}; there, permit this machine, without SPF, greylisting or limits for it"
        yield f"{hop} has to refuse unknown recipients at RCPT, and take mail from nobody else any more"
    if settings.outbound.smarthost is not None:
        yield f"out: TCP to {settings.outbound.smarthost}"
    yield "out: UDP and TCP 53 to the name servers, UDP 123 to a time server"


def _beginning(settings: Settings) -> Iterator[str]:
    command = f"liaison --config {shlex.quote(str(settings.file))}"
    if os.geteuid() == 0:
        yield f"root owns these: give {settings.file.parent} and the database to the account that runs the gateway"
    yield f"{command} check --online    asks the servers and the DNS whether all this is so"
    yield f"{command} serve    runs it; a port below 1024 needs the right to bind it (README.md)"
    if settings.console.listen is not None:
        yield f"the console is at {settings.console.public_url}"
    if settings.smtp.tls_certificate is None:
        yield "STARTTLS is not offered before smtp.tls_certificate and smtp.tls_key are set"
    yield f"the mode is {settings.mode}: `liaison cases list` shows what it finds, before you set another"
