"""The part of a process that shows pages: its socket, and what the pages are given when the configuration changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.errors import ConfigurationError
from gateway.events import Event
from gateway.settings import Console as Keys
from gateway.supervisor.sockets import address, bind

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.console.office import Office
    from gateway.console.server import ConsoleServer
    from gateway.settings import Endpoint, Smtp

log = structlog.get_logger()

_RIGHT = '; name another port, or "" for no console (LIAISON_CONSOLE__LISTEN sets it for one process alone)'


def open_console(keys: Keys) -> Console | None:
    """Who shows pages, or None; ConfigurationError where the address that was asked for can't be had.

    Nobody asked for the default one: a second gateway on the machine must not fail to take mail because of it.
    """
    if keys.listen is None:
        return None
    try:
        return Console(keys.listen)
    except ConfigurationError as error:
        if keys.listen != Keys().listen:
            raise
        log.warning(Event.CONSOLE_OFF, reason=str(error))
        return None


class Console:
    """Has its address from the start, which may refuse it; shows pages after `serve()`."""

    def __init__(self, endpoint: Endpoint) -> None:
        (self._listening,) = bind("console.listen", (endpoint,), _RIGHT)
        self.address = address(self._listening)
        self._server: ConsoleServer | None = None

    async def serve(self, office: Callable[[], Office], smtp: Smtp) -> None:
        """Show pages from now on. The certificate is that of `[smtp]`; ConfigurationError if it can't be used."""
        from gateway.console.app import create_app  # noqa: PLC0415 -- 30 MB that only this part needs
        from gateway.console.server import ConsoleServer  # noqa: PLC0415

        try:
            self._server = ConsoleServer(create_app(office), smtp.tls_certificate, smtp.tls_key)
        except OSError as error:
            raise ConfigurationError([f"smtp.tls_certificate: the console can't use it: {error}"]) from error
        await self._server.serve(self._listening)

    def renew(self, smtp: Smtp) -> None:
        """Use the certificate that was read again."""
        if self._server is not None:
            self._server.renew(smtp.tls_certificate, smtp.tls_key)

    async def stop(self) -> None:
        """Let the pages in hand end, and close."""
        if self._server is not None:
            await self._server.stop()
        self._listening.close()
