"""The part of a process that answers monitoring: its socket, and what it is told of the other parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.supervisor.sockets import address, bind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.assembly import Desk
    from gateway.clock import Clock
    from gateway.counters import Slots
    from gateway.metrics.listener import Listener
    from gateway.settings import Endpoint

_RIGHT = '; name another port, or "" to answer nobody (LIAISON_METRICS__LISTEN sets it for one process alone)'


class Monitoring:
    """Has its address from the start, which may refuse it; answers after `serve()`."""

    def __init__(self, endpoint: Endpoint) -> None:
        (self._listening,) = bind("metrics.listen", (endpoint,), _RIGHT)
        self.address = address(self._listening)
        self._listener: Listener | None = None

    async def serve(
        self,
        desk: Desk,
        clock: Clock,
        slots: Slots,
        *,
        unready: Callable[[], str],
        workers: Callable[[], Sequence[int | None]],
    ) -> None:
        """Answer from now on. Only here the library is imported: workers, and who answers nobody, do without it."""
        from gateway.metrics.listener import Listener  # noqa: PLC0415
        from gateway.metrics.pages import Pages  # noqa: PLC0415
        from gateway.metrics.readiness import Readiness  # noqa: PLC0415

        readiness = Readiness(unready=unready, rulebooks=desk.rulebooks, watching=desk.watching)
        pages = Pages(
            slots=slots,
            rulebooks=desk.rulebooks,
            watching=desk.watching,
            readiness=readiness,
            clock=clock,
            workers=workers,
        )
        self._listener = Listener(pages)
        await self._listener.serve(self._listening)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._listener is not None:
            await self._listener.stop()
        self._listening.close()
