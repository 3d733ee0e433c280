"""What `check` finds out without a network: who the clients were, clock and disk, and the mode `auto`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.cli.checks.clients import ENOUGH, judged
from gateway.cli.checks.line import Result
from gateway.cli.checks.machine import UNSYNCHRONIZED, kernel_clock, of_database_clock, of_disk, of_kernel_clock
from gateway.settings import load
from tests.support.gateway import write_configuration
from tests.support.signatures import KeyPair, key_pair

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings
    from tests.gateway.cli.conftest import CommandLine

__all__ = ["key_pair"]


def configured(directory: Path, smtp: str = "") -> Settings:
    return load(write_configuration(directory, next_hop=1, smarthost=None, url="sqlite:///l.db", smtp=smtp), {})


OUTSIDE = [f"203.0.113.{number}" for number in range(ENOUGH)]


@pytest.mark.parametrize(
    ("clients", "result", "says"),
    [
        ([], Result.OK, "Not known yet"),
        (["10.0.0.5"] * 3, Result.WARNING, "No: the last 3 cases all came from internal networks"),
        ([""] * 3, Result.WARNING, "No: the last 3 cases"),
        (OUTSIDE, Result.OK, f"Yes, in {ENOUGH} of the last {ENOUGH} cases"),
        ([*OUTSIDE, "10.0.0.5"], Result.OK, "1 more came from internal networks"),
        (["203.0.113.9"] * ENOUGH, Result.WARNING, "Probably no: the last 10 cases from outside all came from 203.0.113.9"),
        (["203.0.113.9"] * (ENOUGH - 1), Result.OK, "Yes, in"),
    ],
)  # fmt: skip
def test_whether_the_client_is_the_sender_is_told_from_the_cases(
    tmp_path: Path, clients: list[str], result: Result, says: str
) -> None:
    line = judged(clients, configured(tmp_path))
    assert line.result is result
    assert says in line.text
    assert ("XCLIENT" in line.mend) == (result is Result.WARNING)


def test_a_trusted_filter_answers_for_the_senders(tmp_path: Path) -> None:
    settings = configured(tmp_path, 'trusted_authserv_id = "mx.filter.example"')
    line = judged(["10.0.0.5"] * 20, settings)
    assert (line.result, line.mend) == (Result.OK, "")
    assert "mx.filter.example is believed about senders" in line.text


def test_the_cases_on_record_are_read(liaison: CommandLine) -> None:
    for number in range(3):
        liaison.case(number, client_ip="192.168.1.1")
    said = liaison("check", "--online").stdout
    assert "warning client: is the client address that the gateway sees the sender's? No: the last 3 cases" in said


@pytest.mark.parametrize(
    ("state", "result"),
    [(0, Result.OK), (1, Result.OK), (UNSYNCHRONIZED, Result.WARNING), (-1, Result.OK)],
)
def test_the_kernels_word_about_the_clock_is_told(state: int, result: Result) -> None:
    assert of_kernel_clock(state).result is result


def test_the_kernel_is_asked_and_nothing_is_set() -> None:
    assert kernel_clock() in {-1, 0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize(("ahead", "result"), [(0.0, Result.OK), (-9.9, Result.OK), (11.0, Result.PROBLEM)])
def test_a_clock_that_differs_from_the_databases_is_a_problem(ahead: float, result: Result) -> None:
    assert of_database_clock(ahead).result is result


@pytest.mark.parametrize(("free", "result"), [(3, Result.OK), (2, Result.OK), (1, Result.WARNING), (0, Result.PROBLEM)])
def test_a_disk_without_room_is_named(free: int, result: Result) -> None:
    line = of_disk("/var", free * 1000**3, low=2 * 1000**3, full=1)
    assert line.result is result
    assert line.text == f"/var has {free:.1f} GB free"


@pytest.mark.parametrize("key", ["consular_email", "consular_phone"])
@pytest.mark.parametrize("command", [("check",), ("serve",)], ids=lambda command: command[0])
def test_auto_without_a_consular_contact_is_refused(liaison: CommandLine, key: str, command: tuple[str, ...]) -> None:
    liaison.config.write_text(f'{liaison.config.read_text()}\n[agency]\n{key} = ""\n')
    result = liaison(*command)
    assert result.exit_code == 2
    assert f'agency.{key}: is empty, but mode "auto" sends declines' in result.output
    assert f'{key} = "…", or mode = "assist"' in result.output


def test_auto_without_a_signature_is_warned_about(liaison: CommandLine) -> None:
    assert 'warning dkim: no key is set, what the gateway writes is not signed, though the mode "auto"' in liaison.ok(
        "check"
    )


def test_auto_with_a_signature_is_well(liaison: CommandLine, key_pair: KeyPair) -> None:
    liaison.config.write_text(liaison.config.read_text() + key_pair.write(liaison.directory))
    assert "warning dkim" not in liaison.ok("check")


def test_observe_needs_no_signature(liaison: CommandLine) -> None:
    liaison.config.write_text(liaison.config.read_text().replace('mode = "auto"', 'mode = "observe"'))
    assert "ok dkim: no key is set, what the gateway writes is not signed" in liaison.ok("check")
