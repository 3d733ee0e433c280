"""The settings of alerts: `[alerts]`, whom the gateway tells of trouble without mail, and what counts as trouble."""

# The annotations are read at run time: no `from __future__ import annotations` here.
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from gateway.settings import kinds
from gateway.settings.key import OCTETS, Key
from gateway.settings.kinds import DAY, Kind, UnfitError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _read_webhook(value: object, directory: Path) -> str:
    """Never quoted: what stands behind the host is often a secret."""
    url = str(kinds.TEXT.read(value, directory))
    try:
        parts = urlsplit(url)
        fits = bool(parts.hostname) and parts.port != 0 and not parts.username and not parts.fragment
    except ValueError as error:
        raise UnfitError("is no address of a web hook") from error
    if not fits or not url.isascii() or re.search(r"\s", url):
        raise UnfitError("is no address of a web hook")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UnfitError("would be told in clear")
    return url


def _read_program(value: object, directory: Path) -> tuple[str, ...]:
    """The program's path, absolute, and its arguments; no shell reads them."""
    words = kinds.several(kinds.TEXT, _PROGRAM_RIGHT, unique=False).read(value, directory)
    if not isinstance(words, tuple) or not words:
        return ()
    program = directory / words[0]
    if not program.is_file() or not os.access(program, os.X_OK):
        raise UnfitError(f"{program} is no program that can be run")
    return (str(program), *words[1:])


_PROGRAM_RIGHT = 'an array such as ["/usr/local/bin/page", "--urgent"]: a program\'s path, and its arguments'
WEBHOOK = Kind('a URL such as "https://alerts.police.example/liaison"', _read_webhook)
PROGRAM = Kind(_PROGRAM_RIGHT, _read_program)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Whom the gateway tells, and from when on. The pages judge by the same limits."""

    webhook: Annotated[
        str, Key(kinds.optional(WEBHOOK), "each alert is sent there by POST, as JSON; https, or http on loopback")
    ] = ""
    webhook_secret_file: Annotated[
        Path | None, Key(kinds.optional(kinds.FILE, None), "signs it: HMAC-SHA256, in X-Liaison-Signature")
    ] = None
    command: Annotated[
        tuple[str, ...],
        Key(PROGRAM, "a program and its arguments: the same JSON on its standard input; no shell"),
    ] = ()
    timeout: Annotated[float, Key(kinds.seconds(300), "seconds that each of them has for one alert")] = 10
    report_overdue: Annotated[
        float, Key(kinds.seconds(30 * DAY), "seconds in which the collation address's server should accept a report")
    ] = 14400
    held_undecided: Annotated[
        float, Key(kinds.seconds(30 * DAY), "seconds in which somebody should decide about held mail")
    ] = 14400
    next_hop_down: Annotated[
        float, Key(kinds.seconds(DAY), "seconds that a next hop may be away before anybody is told")
    ] = 300
    certificate_days: Annotated[
        int, Key(kinds.whole(0, 365, "days"), "days before the end of smtp.tls_certificate")
    ] = 14
    disk_free: Annotated[int, Key(OCTETS, "octets that should be free where the database is")] = 2147483648
