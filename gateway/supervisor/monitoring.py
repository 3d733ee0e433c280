"""The part of a process that answers monitoring: its socket, and what it is told of the other parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.errors import ConfigurationError
from gateway.events import Event
from gateway.settings import Metrics
from gateway.supervisor.sockets import address, bind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.counters import Slots
    from gateway.foundation import Foundation
    from gateway.metrics.listener import Listener
    from gateway.settings import Endpoint

log = structlog.get_logger()

_RIGHT = '; name another port, or "" to answer nobody (LIAISON_METRICS__LISTEN sets it for one process alone)'


def open_monitoring(metrics: Metrics) -> Monitoring | None:
    """Who answers monitoring, or None; ConfigurationError where the address that was asked for can't be had.

    Nobody asked for the default one: a second gateway on the machine must not fail to take mail because of it.
    """
    if metrics.listen is None:
        return None
    try:
        return Monitoring(metrics.listen)
    except ConfigurationError as error:
        if metrics.listen != Metrics().listen:
            raise
        log.warning(Event.MONITORING_OFF, reason=str(error))
        return None


class Monitoring:
    """Has its address from the start, which may refuse it; answers after `serve()`."""

    def __init__(self, endpoint: Endpoint) -> None:
        (self._listening,) = bind("metrics.listen", (endpoint,), _RIGHT)
        self.address = address(self._listening)
        self._listener: Listener | None = None

    async def serve(
        self,
        foundation: Callable[[], Foundation],
        slots: Slots,
        *,
        unready: Callable[[], str],
        workers: Callable[[], Sequence[int | None]],
    ) -> None:
        """Answer from now on. Workers, and who answers nobody, do without what is imported here.

        `foundation` gives the one in force at that moment.
        """
        from gateway.metrics.listener import Listener  # noqa: PLC0415
        from gateway.metrics.pages import Pages  # noqa: PLC0415
        from gateway.metrics.readiness import Readiness  # noqa: PLC0415

        lasting = foundation().lasting
        readiness = Readiness(unready=unready, rulebooks=lasting.rulebooks, watching=lasting.watching)
        pages = Pages(
            slots=slots,
            rulebooks=lasting.rulebooks,
            watching=lasting.watching,
            readiness=readiness,
            health=lambda: foundation().health,
            clock=lasting.clock,
            workers=workers,
        )
        self._listener = Listener(pages)
        await self._listener.serve(self._listening)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._listener is not None:
            await self._listener.stop()
        self._listening.close()
