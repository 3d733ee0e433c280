"""Every metric that there can be, as a scrape has it."""

from __future__ import annotations

import os
import re
from functools import cache

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from filters.lists import ListIndex
from filters.rulebook import Rulebook
from gateway.counters import CELLS
from gateway.metrics.facts import Facts
from gateway.metrics.families import GatewayCollector
from gateway.model.audit import BEGINNING, Verification
from gateway.model.backlog import Backlog, Undecided
from gateway.model.measures import Measures
from tests.support.clocks import NOON

_EVERY_MEASURE = Measures(
    certificate_ends=NOON,
    disk_free=1,
    verification=Verification(at=NOON, whole_at=NOON, head=BEGINNING, broken=""),
    alerts={},
)


def page() -> str:
    """A scrape with every family in it."""
    undecided = Undecided(delivery=0, decline=0, report=0)
    backlog = Backlog(items={}, oldest={}, paused=False, open_cases=0, undecided=undecided)
    facts = Facts(
        now=NOON,
        version="1",
        totals=[0] * CELLS,
        rulebook=Rulebook(version=1, index=ListIndex(())),
        backlog=backlog,
        measures=_EVERY_MEASURE,
        workers=(os.getpid(),),
    )
    registry = CollectorRegistry()
    registry.register(GatewayCollector(facts))
    ProcessCollector(registry=registry)
    return generate_latest(registry).decode()


@cache
def exported() -> dict[str, set[str]]:
    """Every metric, as a scrape names it, and its labels."""
    text = page()
    histograms = set(re.findall(r"^# TYPE (\S+) histogram$", text, re.MULTILINE))
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = family.name if family.name in histograms else sample.name
            found.setdefault(name, set()).update(set(sample.labels) - {"le"})
    return found
