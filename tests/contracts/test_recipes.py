"""The recipes are what `make recipes` runs, and their configuration is understood, whether it is run or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.settings import load
from tests.recipes.__main__ import TRIALS
from tests.recipes.book import Ports, moved, recipes

if TYPE_CHECKING:
    from pathlib import Path

PORTS = Ports(front=10, gateway=11, back=12, metrics=13, sink=14)


def test_every_recipe_for_postfix_and_haproxy_is_run() -> None:
    for_postfix = {title for title, one in recipes().items() if {"main.cf", "master.cf"} & set(one)}
    assert for_postfix | {"Behind HAProxy"} == set(TRIALS)


@pytest.mark.parametrize("title", sorted(recipes()))
def test_the_gateways_side_of_every_recipe_is_understood(title: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(recipes()[title]["toml"], encoding="utf-8")
    settings = load(file, {})
    assert settings.route[0].domains == ("police.example",)


def test_a_recipe_that_is_run_reaches_nothing_but_loopback() -> None:
    for title in TRIALS:
        for text in recipes()[title].values():
            there = moved(text, PORTS, mail_server=14)
            assert "192.0.2." not in there
            assert "0.0.0.0" not in there
            assert ":25" not in there
            assert "smtp      inet" not in there
