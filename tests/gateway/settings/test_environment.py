"""What the environment puts over the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from filters.disposition import Delivery, Mode, Tier
from gateway.settings import Endpoint

if TYPE_CHECKING:
    from tests.support.configurations import Reader, Refusal


def test_a_variable_goes_above_the_file(read: Reader) -> None:
    assert read("[smtp]\nworkers = 2", {"LIAISON_SMTP__WORKERS": "3"}).smtp.workers == 3


def test_a_variable_sets_a_key_at_the_top(read: Reader) -> None:
    assert read("", {"LIAISON_MODE": '"observe"'}).mode is Mode.OBSERVE


def test_a_variable_sets_a_cell_of_the_policy(read: Reader) -> None:
    configured = read("", {"LIAISON_POLICY__CONFIRMED__DELIVERY": '"flag"'})
    assert configured.policy[Tier.CONFIRMED].delivery is Delivery.FLAG


def test_a_variable_sets_the_key_that_python_reserves(read: Reader) -> None:
    assert read("", {"LIAISON_COLLATION__FROM": '"reports@police.example"'}).collation.from_ == "reports@police.example"


def test_a_variable_sets_the_routes(read: Reader) -> None:
    routes = '[{domains = ["a.example"], next_hop = ["b.example:25"]}]'
    (route,) = read("", {"LIAISON_ROUTE": routes}).route
    assert (route.domains, route.next_hop) == (("a.example",), (Endpoint("b.example", 25),))


def test_a_wrong_value_is_named_with_its_variable(problems: Refusal) -> None:
    (problem,) = problems("[smtp]\nworkers = 'x'", {"LIAISON_SMTP__WORKERS": "0"})
    assert problem.startswith("LIAISON_SMTP__WORKERS: smtp.workers: 0 is out of range; write ")


def test_a_wrong_route_is_named_with_its_variable_although_the_file_has_routes_too(problems: Refusal) -> None:
    (problem,) = problems("", {"LIAISON_ROUTE": '[{domains = ["a.example"], next_hop = ["b"]}]'})
    assert problem.startswith('LIAISON_ROUTE: route.next_hop: "b" has no port')


def test_a_variable_that_names_no_key_is_answered_with_the_right_name(problems: Refusal) -> None:
    (problem,) = problems("", {"LIAISON_SMTP__WORKER": "3"})
    assert problem == "LIAISON_SMTP__WORKER: no key has this name; did you mean LIAISON_SMTP__WORKERS?"


def test_a_variable_that_is_near_no_key_is_answered_with_where_they_are_listed(problems: Refusal) -> None:
    (problem,) = problems("", {"LIAISON_FOO": "1"})
    assert problem.startswith(
        "LIAISON_FOO: no key has this name, and variables that begin with LIAISON_ are keys; docs/"
    )
    assert "did you mean" not in problem


@pytest.mark.parametrize("value", ["observe", "", '"observe"\nlog = 3', "[" * 100_000, "9" * 10_000])
def test_a_value_that_is_no_single_literal_is_refused(problems: Refusal, value: str) -> None:
    (problem,) = problems("", {"LIAISON_MODE": value})
    assert problem.startswith("LIAISON_MODE: mode: the value is no TOML literal; strings need quotes of their own")


def test_a_password_in_a_variable_is_never_repeated(problems: Refusal) -> None:
    found = problems("", {"LIAISON_STORE__URL": "postgresql://liaison:secret@db.police.example/liaison"})
    assert not any("secret" in problem for problem in found)


def test_a_table_that_the_file_spoils_is_answered_once(problems: Refusal) -> None:
    (problem,) = problems("smtp = 3", {"LIAISON_SMTP__WORKERS": "3"})
    assert problem.startswith("gateway.toml:1: smtp: is an integer, not a table")


def test_other_peoples_variables_are_no_business_of_ours(read: Reader) -> None:
    assert read("", {"PATH": "/bin", "LIAISONER": "x", "LIAISON_CONFIG": "elsewhere.toml"}).mode is Mode.AUTO
