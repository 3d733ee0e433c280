"""The pages: /metrics in Prometheus' text format, /healthz, /readyz. Of mail they tell numbers, never an address."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from gateway.metrics.families import Facts, GatewayCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.counters import Slots
    from gateway.metrics.readiness import Readiness
    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.watching import Watching


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def plain(status: HTTPStatus, *lines: str) -> Page:
    """Sentences, one a line."""
    return Page(status=status, body="".join(f"{line}\n" for line in lines).encode())


class Pages:
    """Answers paths. `workers` tells the process ids of the SMTP workers, in the order of their slots."""

    def __init__(
        self,
        *,
        slots: Slots,
        rulebooks: Rulebooks,
        watching: Watching,
        readiness: Readiness,
        clock: Clock,
        workers: Callable[[], Sequence[int | None]],
    ) -> None:
        self._slots = slots
        self._rulebooks = rulebooks
        self._watching = watching
        self._readiness = readiness
        self._clock = clock
        self._workers = workers
        self._version = version("liaison-gateway")
        self._process = ProcessCollector(registry=None)

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
        backlog = await self._watching.backlog()
        facts = Facts(
            now=self._clock.now(),
            version=self._version,
            totals=self._slots.totals(),
            rulebook=self._rulebooks.current,
            backlog=backlog,
            workers=self._workers(),
        )
        registry = CollectorRegistry(auto_describe=False)
        registry.register(GatewayCollector(facts))
        registry.register(self._process)
        return Page(status=HTTPStatus.OK, body=generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
