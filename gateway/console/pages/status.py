"""The status for IT: how every side is, queues, workers, servers that we depend on, versions. No case, no content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.console.doors import page
from gateway.console.words import ASPECTS, GRADE_KINDS, GRADES, ITEM_STATES, PURPOSES, TROUBLES
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from gateway.console.visit import Visit
    from gateway.model.health import Aspect, Fact, Grade
    from gateway.model.outbox import OutboxState, Purpose
    from gateway.operations.status import StatusReport


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """The context of `status/status.html`."""

    facts: tuple[Fact, ...]
    report: StatusReport
    aspects: Mapping[Aspect, str]
    grades: Mapping[Grade, str]
    kinds: Mapping[Grade, str]
    purposes: Mapping[Purpose, str]
    states: Mapping[OutboxState, str]
    troubles: Mapping[str, str]


async def show(visit: Visit) -> Response:
    """The page."""
    context = StatusPage(
        facts=await visit.office.health.facts(),
        report=await visit.office.status.report(),
        aspects=ASPECTS,
        grades=GRADES,
        kinds=GRADE_KINDS,
        purposes=PURPOSES,
        states=ITEM_STATES,
        troubles=TROUBLES,
    )
    return await visit.show("status/status.html", context)


ROUTES = [page("/status", show, Verb.SEE_STATUS)]
