"""The gateway's numbers as Prometheus metrics: facts in, metric families out. Asks nobody, keeps nothing."""

from __future__ import annotations

from http import HTTPStatus
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from gateway.counters import FAMILIES, Kind
from gateway.metrics.page import Page
from gateway.model.alerts import Alarm
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from filters.rulebook import Rulebook
    from gateway.counters import Family
    from gateway.metrics.facts import Facts
    from gateway.model.backlog import Backlog
    from gateway.model.measures import Measures


class GatewayCollector(Collector):
    """Tells one set of facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        """The families, each with all its samples."""
        facts = self._facts
        yield InfoMetricFamily("liaison_build", "The version that runs", {"version": facts.version})
        for family in FAMILIES:
            yield _counted(family, facts.totals[family.first : family.first + len(family.rows)])
        yield from _of_the_rulebook(facts.rulebook)
        answers = facts.backlog is not None
        yield GaugeMetricFamily("liaison_store_up", "Whether the database answered in time", float(answers))
        if facts.backlog is not None:
            yield from _of_the_record(facts.backlog, facts.now)
        yield from _of_the_surroundings(facts.measures)
        if facts.workers:
            yield from _of_the_workers(facts.workers)


def _counted(family: Family, cells: Sequence[int]) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        *buckets, microseconds = cells
        bounds = [row[0] for row in family.rows]
        grown = [(bound, float(sum_)) for bound, sum_ in zip(bounds, accumulate(buckets), strict=False)]
        return HistogramMetricFamily(family.name, family.says, buckets=grown, sum_value=microseconds / 1_000_000)
    sort = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = sort(family.name, family.says, labels=family.labels)
    for row, cell in zip(family.rows, cells, strict=True):
        metric.add_metric(row, cell)
    return metric


def _of_the_rulebook(rulebook: Rulebook) -> Iterator[Metric]:
    yield InfoMetricFamily("liaison_mode", "What the gateway does by itself, in force", {"mode": rulebook.mode.value})
    yield GaugeMetricFamily("liaison_rulebook_version", "Version of the sender lists in force", rulebook.version)
    entries = len(rulebook.index.entries)
    yield GaugeMetricFamily("liaison_rulebook_entries", "Entries of the sender lists in force", entries)


def _of_the_record(backlog: Backlog, now: datetime) -> Iterator[Metric]:
    items = GaugeMetricFamily(
        "liaison_outbox_items", "Mails that the gateway writes, by purpose and state", labels=("purpose", "state")
    )
    for purpose in Purpose:
        for state in OutboxState:
            items.add_metric((purpose.value, state.value), backlog.items.get((purpose, state), 0))
    yield items
    yield _age(
        "liaison_outbox_oldest_waiting_seconds", "Age of the oldest item that waits, else 0", backlog.waiting_since, now
    )
    yield _age(
        "liaison_report_oldest_unaccepted_seconds",
        "Age of the oldest report that the collation address's server has not accepted, else 0",
        backlog.unaccepted_since,
        now,
    )
    yield _age(
        "liaison_held_oldest_undecided_seconds",
        "Age of the oldest held mail of an open case, else 0",
        backlog.held_since,
        now,
    )
    yield GaugeMetricFamily("liaison_outbox_paused", "Whether a person has paused the outbox", float(backlog.paused))
    yield GaugeMetricFamily("liaison_cases_open", "Cases that are open", backlog.open_cases)
    undecided = GaugeMetricFamily(
        "liaison_cases_undecided", "Open cases that wait for a person, by what is to be decided", labels=("decision",)
    )
    undecided.add_metric(("delivery",), backlog.undecided.delivery)
    undecided.add_metric(("decline",), backlog.undecided.decline)
    undecided.add_metric(("report",), backlog.undecided.report)
    yield undecided


def _age(name: str, says: str, since: datetime | None, now: datetime) -> Metric:
    return GaugeMetricFamily(name, says, max(0.0, (now - since).total_seconds()) if since else 0.0)


def _of_the_surroundings(measures: Measures) -> Iterator[Metric]:
    """What is not there has no metric: a certificate of nobody never expires."""
    if measures.certificate_ends is not None:
        name = "liaison_smtp_certificate_expiry_timestamp_seconds"
        ends = measures.certificate_ends.timestamp()
        yield GaugeMetricFamily(name, "When the certificate that SMTP clients are shown ends", ends)
    if measures.disk_free is not None:
        says = "Octets that are free where the database file is"
        yield GaugeMetricFamily("liaison_store_disk_free_bytes", says, measures.disk_free)
    if measures.verification is not None:
        intact = float(not measures.verification.broken)
        yield GaugeMetricFamily("liaison_audit_chain_intact", "Whether the audit chain held when last verified", intact)
        name, at = "liaison_audit_chain_verified_timestamp_seconds", measures.verification.whole_at.timestamp()
        yield GaugeMetricFamily(name, "When all of the audit chain was last verified", at)
    if measures.alerts is not None:
        standing = GaugeMetricFamily("liaison_alerts_standing", "Alerts that stand, over all nodes", labels=("alert",))
        for alarm in Alarm:
            standing.add_metric((alarm.value,), measures.alerts.get(alarm, 0))
        yield standing


def _of_the_workers(workers: Sequence[int | None]) -> Iterator[Metric]:
    """What the library tells of this process as `process_…`, of each worker."""
    cpu = CounterMetricFamily("liaison_worker_cpu_seconds", "CPU time of each SMTP worker", labels=("worker",))
    memory = GaugeMetricFamily(
        "liaison_worker_resident_memory_bytes", "Resident memory of each SMTP worker", labels=("worker",)
    )
    alive = 0
    for number, process in enumerate(workers):
        told = {metric.name: metric.samples[0].value for metric in _of_a_process(process)}
        if "process_cpu_seconds" not in told:
            continue  # it has just died
        alive += 1
        cpu.add_metric((str(number),), told["process_cpu_seconds"])
        memory.add_metric((str(number),), told["process_resident_memory_bytes"])
    yield GaugeMetricFamily("liaison_workers", "SMTP worker processes that run", alive)
    yield cpu
    yield memory


def _of_a_process(process: int | None) -> Sequence[Metric]:
    if process is None:
        return ()
    return tuple(ProcessCollector(pid=lambda: process, registry=None).collect())


_PROCESS = ProcessCollector(registry=None)


def write(facts: Facts) -> Page:
    """In Prometheus' text format, with what the process itself uses."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(GatewayCollector(facts))
    registry.register(_PROCESS)
    return Page(status=HTTPStatus.OK, body=generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
