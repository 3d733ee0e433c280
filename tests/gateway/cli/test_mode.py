from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine


def test_the_mode_is_lowered_and_restored(liaison: CommandLine) -> None:
    assert "is now observe" in liaison.ok("mode", "observe")
    assert liaison.json("mode") == {"mode": "observe", "ceiling": "auto"}
    assert "`liaison mode auto` restores it" in liaison.ok("mode")
    assert "is now auto" in liaison.ok("mode", "AUTO")
    assert "restores" not in liaison.ok("mode")


def test_the_configuration_is_the_ceiling(liaison: CommandLine) -> None:
    liaison.config.write_text(liaison.config.read_text().replace('mode = "auto"', 'mode = "assist"'))
    result = liaison("mode", "auto")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The configuration allows assist at most" in result.stderr
    assert liaison.json("mode") == {"mode": "assist", "ceiling": "assist"}


def test_a_mode_that_is_in_force_is_not_set_again(liaison: CommandLine) -> None:
    for value in ("observe", "auto"):
        liaison.ok("mode", value)
        before = liaison.ok("audit", "show", "--json")
        assert f"The mode was already {value}: " in liaison.ok("mode", value)
        assert liaison.ok("audit", "show", "--json") == before
