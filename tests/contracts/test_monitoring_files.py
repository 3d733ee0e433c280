"""What is shipped for Prometheus and Grafana asks for metrics that there are, and every alert says what to do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.model.alerts import WORDS, Alarm
from tests.support.checkout import document
from tests.support.exported import exported, page

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = "config/monitoring/liaison-alerts.yml"
DASHBOARD = "config/monitoring/liaison-dashboard.json"
OPERATIONS = "docs/operations.md"
OF_PROMETHEUS = {"up", "job", "instance", "le"}
"""What Prometheus itself brings: a metric, and labels."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(document(RULES))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[str]:
    """Every expression that is shipped."""
    yield from (rule["expr"] for rule in rules())
    dashboard = json.loads(document(DASHBOARD))
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in dashboard["templating"]["list"]:
        if isinstance(variable["query"], dict):
            yield variable["query"]["query"]


def metrics_in(query: str) -> dict[str, set[str]]:
    """The metrics of an expression, each with the labels by which it is narrowed."""
    found: dict[str, set[str]] = {}
    for name, narrowed in re.findall(r"\b((?:liaison|process)_\w+|up)\b(?:\{([^}]*)\})?", query):
        base = re.sub(r"_(?:bucket|sum|count)$", "", name)
        found.setdefault(base if base in exported() else name, set()).update(
            re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", narrowed)
        )
    return found


def anchors(text: str) -> set[str]:
    """Of headings as GitHub and Grafana's readers make them, and of rows that have one of their own."""
    slugs = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    return slugs | set(re.findall(r'<a id="([\w-]+)">', text))


def test_every_metric_and_label_that_is_asked_for_is_there() -> None:
    known = exported()
    asked = [one for query in queries() for one in metrics_in(query).items()]
    assert len(asked) > 40
    assert [name for name, _ in asked if name not in known and name not in OF_PROMETHEUS] == []
    strange = [(name, label) for name, labels in asked for label in labels - OF_PROMETHEUS - known.get(name, set())]
    assert strange == []


def test_what_is_grouped_by_is_a_label_of_what_is_asked_for() -> None:
    for query in queries():
        labels = set().union(*(exported().get(name, set()) for name in metrics_in(query))) | OF_PROMETHEUS
        grouped = {one.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for one in group.split(",")}
        assert grouped <= labels, query


def test_every_rule_says_what_is_wrong_what_to_do_and_where_it_is_explained() -> None:
    known = anchors(document(OPERATIONS))
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description", "document"}, rule["alert"]
        assert all(
            text.endswith((".", "}}.")) for text in (rule["annotations"]["summary"], rule["annotations"]["description"])
        )
        where, _, anchor = rule["annotations"]["document"].partition("#")
        assert (where, anchor in known) == (OPERATIONS, True), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_every_alert_of_the_gateway_has_a_rule_too() -> None:
    explained = {rule["annotations"]["document"].partition("#alert-")[2] for rule in rules()} - {""}
    assert explained == {alarm.value for alarm in Alarm}


def test_operations_explains_every_alert_once_and_none_that_is_not_there() -> None:
    rows = re.findall(
        r'^\| <a id="alert-([\w-]+)"></a>`([\w-]+)` \| ([^|]+) \| ([^|]+) \|$', document(OPERATIONS), re.MULTILINE
    )
    assert [(anchor, name) for anchor, name, _, _ in rows] == [(alarm.value, alarm.value) for alarm in Alarm]
    assert set(WORDS) == set(Alarm)


def test_metrics_are_named_in_base_units_with_help_and_counters_end_in_total() -> None:
    text = page()
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)
        assert not re.search(
            r"_(?:milliseconds|ms|minutes|hours|days|kilobytes|kb|mb|megabytes|percent)\b", family.name
        )
        if family.type == "counter":
            assert {sample.name for sample in family.samples} == {f"{family.name}_total"}
        elif family.type == "gauge":
            assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert len(re.findall(r"^# HELP ", text, re.MULTILINE)) == len(re.findall(r"^# TYPE ", text, re.MULTILINE))


def test_the_panels_of_the_dashboard_have_a_place_of_their_own() -> None:
    panels = json.loads(document(DASHBOARD))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
