"""The pages: /metrics in Prometheus' text format, /healthz, /readyz. Of mail they tell numbers, never an address."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.metrics.facts import Facts
from gateway.metrics.page import Page, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.counters import Slots
    from gateway.metrics.readiness import Readiness
    from gateway.operations.health import Health
    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.watching import Watching


class Pages:
    """Answers paths.

    `health` is that of the configuration in force; `workers` tells the process ids of the SMTP workers, in the order of
    their slots.
    """

    def __init__(
        self,
        *,
        slots: Slots,
        rulebooks: Rulebooks,
        watching: Watching,
        readiness: Readiness,
        health: Callable[[], Health],
        clock: Clock,
        workers: Callable[[], Sequence[int | None]],
    ) -> None:
        self._slots = slots
        self._rulebooks = rulebooks
        self._watching = watching
        self._readiness = readiness
        self._health = health
        self._clock = clock
        self._workers = workers
        self._version = version("liaison-gateway")

    async def answer(self, path: str) -> Page:
        """The page of this path; 404 names those that there are."""
        match path:
            case "/metrics":
                return await self._metrics()
            case "/healthz":
                return plain(HTTPStatus.OK, "alive")  # that it is answered at all is what was asked
            case "/readyz":
                troubles = await self._readiness.troubles()
                return plain(HTTPStatus.SERVICE_UNAVAILABLE, *troubles) if troubles else plain(HTTPStatus.OK, "ready")
            case _:
                return plain(HTTPStatus.NOT_FOUND, "Not here; there are /metrics, /healthz and /readyz.")

    async def _metrics(self) -> Page:
        watched = await self._watching.watched()
        facts = Facts(
            now=self._clock.now(),
            version=self._version,
            totals=self._slots.totals(),
            rulebook=self._rulebooks.current,
            backlog=watched.backlog if watched is not None else None,
            measures=await self._health().measures(watched),
            workers=self._workers(),
        )
        return await asyncio.to_thread(_written, facts)


def _written(facts: Facts) -> Page:
    from gateway.metrics.families import write  # 2 MB and 30 ms: whoever is never asked does without

    return write(facts)
