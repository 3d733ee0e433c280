"""SIGHUP: the configuration is read again, and is in force whole, or not at all.

What follows from it is made before any of it is in force; whatever can be wrong is found there, and leaves the old one
in force. No connection notices: a session goes on, and its next mail transaction is under the new one.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gateway.assembly import open_line
from gateway.counters import FAULTS, count
from gateway.errors import ConfigurationError
from gateway.events import Event
from gateway.settings import example_values, exposed_files
from gateway.tls import server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from gateway.assembly import Line
    from gateway.console.office import Office
    from gateway.desk import Desk
    from gateway.dispatch.worker import Means
    from gateway.foundation import Foundation
    from gateway.settings import Settings
    from gateway.supervisor.systemd import Systemd

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """One configuration and what follows from it in this process.

    `line` where it takes mail, `means` where it sends mail, `office` where it shows pages, `desk` for these two.
    """

    settings: Settings
    foundation: Foundation
    tls: ssl.SSLContext | None
    line: Line | None
    desk: Desk | None
    means: Means | None
    office: Office | None


def in_force(settings: Settings, foundation: Foundation, *, takes_mail: bool, node: str | None, pages: bool) -> InForce:
    """Everything that follows, made; ConfigurationError says what can't be. `node` is the name of one that sends."""
    desk = _desk(settings, foundation) if node is not None or pages else None
    return InForce(
        settings=settings,
        foundation=foundation,
        tls=_tls(settings),
        line=open_line(settings, foundation) if takes_mail else None,
        desk=desk,
        means=_means(settings, desk, node) if desk is not None and node is not None else None,
        office=_office(settings, desk) if desk is not None and pages else None,
    )


def _desk(settings: Settings, foundation: Foundation) -> Desk:
    from gateway.desk import desk_of  # the role's boundary: a process that only takes mail does without all this

    return desk_of(settings, foundation)


def _means(settings: Settings, desk: Desk, node: str) -> Means:
    from gateway.sending import open_means  # the role's boundary, once more

    return open_means(settings, desk, node)


def _office(settings: Settings, desk: Desk) -> Office:
    from gateway.office import open_office  # and again

    return open_office(settings, desk)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    try:
        return server_context(settings.smtp.tls_certificate, settings.smtp.tls_key)
    except OSError as error:
        raise ConfigurationError([f"smtp.tls_certificate: the certificate and key can't be used: {error}"]) from error


def tell_of(settings: Settings) -> None:
    """Say in the log what runs all the same, and should not stay so."""
    for key in example_values(settings):
        log.warning(Event.EXAMPLE_IN_USE, key=key)
    for exposed in exposed_files(settings):
        log.warning(Event.SECRET_EXPOSED, key=exposed.key, file=str(exposed.file))
    if os.geteuid() == 0:
        log.warning(Event.RUNS_AS_ROOT)


class Reloading:
    """Reads again whenever it is asked to. `obey` puts a configuration in force, or raises ConfigurationError."""

    def __init__(self, read: Callable[[], Settings], obey: Callable[[Settings], None], systemd: Systemd) -> None:
        self._read = read
        self._systemd = systemd
        self._obey = obey
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Read it soon; asked twice before that, once is enough."""
        self._asked.set()

    async def run(self) -> None:
        """For as long as the service runs."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._reload()

    async def _reload(self) -> None:
        with self._systemd.reloading(), refused_aloud():
            self._obey(await asyncio.to_thread(self._read))


@contextmanager
def refused_aloud() -> Iterator[None]:
    """What is wrong with a configuration goes to the log, and no further: the old one is in force."""
    try:
        yield
    except ConfigurationError as error:
        for problem in error.problems:
            log.error(Event.CONFIGURATION_REFUSED, reason=problem)
    except Exception:
        count(FAULTS)
        log.exception(Event.FAULT, doing="reading the configuration again; the old one stays in force")
