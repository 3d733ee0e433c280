"""`liaison db key` and `db rekey`: the key file stays whole and secret, and what is needed by nothing is named."""

from __future__ import annotations

import json
import os
import stat
from datetime import date
from typing import TYPE_CHECKING, cast

import pytest

from gateway.cli.data_key import add_key
from gateway.errors import ConfigurationError
from gateway.store.sealing import read_keys
from tests.gateway.cli.test_check import change

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import CommandLine

TODAY = date(2026, 5, 4)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def keys_of(path: Path) -> list[str]:
    return [one.id for one in read_keys(path)]


def test_a_first_key_makes_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert add_key(tmp_path / "keys", TODAY) == "2026-05-04"
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "keys") == 0o600
    assert keys_of(tmp_path / "keys") == ["2026-05-04"]


def test_a_later_key_comes_on_top_and_everything_else_stays_in_place(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    add_key(path, TODAY)
    path.write_text("# ours\n" + path.read_text())
    path.chmod(0o640)
    first = path.read_text()
    assert add_key(path, TODAY) == "2026-05-04.2"
    assert add_key(path, date(2027, 5, 4)) == "2027-05-04"
    assert keys_of(path) == ["2027-05-04", "2026-05-04.2", "2026-05-04"]
    assert path.read_text().endswith(first)
    assert mode_of(path) == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_no_two_keys_are_alike(tmp_path: Path) -> None:
    add_key(tmp_path / "keys", TODAY)
    add_key(tmp_path / "keys", TODAY)
    one, other = read_keys(tmp_path / "keys")
    assert one.octets != other.octets


def test_a_file_that_holds_no_keys_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("something else of mine")
    with pytest.raises(ConfigurationError):
        add_key(tmp_path / "keys", TODAY)
    assert (tmp_path / "keys").read_text() == "something else of mine"


def test_a_link_is_followed_to_the_file_and_stays_a_link(liaison: CommandLine) -> None:
    real = liaison.directory / "elsewhere"
    add_key(real, TODAY)
    (liaison.directory / "keys").symlink_to(real)
    change(liaison, "[store]", '[store]\nkey_file = "keys"')
    liaison.ok("db", "key")
    assert (liaison.directory / "keys").is_symlink()
    assert len(keys_of(real)) == 2


def test_where_no_file_is_set_one_has_to_be_named_and_then_set(liaison: CommandLine) -> None:
    result = liaison("db", "key")
    assert (result.exit_code, "name the file to make with --file" in result.stderr) == (1, True)
    said = liaison.ok("db", "key", "--file", str(liaison.directory / "keys"))
    assert f'Set key_file = "{liaison.directory / "keys"}" in [store].' in said


def test_no_command_says_a_key(liaison: CommandLine) -> None:
    said = liaison.ok("db", "key", "--file", str(liaison.directory / "keys"))
    (line,) = (liaison.directory / "keys").read_text().splitlines()
    assert line.split()[1] not in said


def test_a_whole_change_of_keys_ends_with_the_old_one_needed_by_nothing(liaison: CommandLine) -> None:
    for number in range(3):
        liaison.case(number)
    path = liaison.directory / "keys"
    liaison.ok("db", "key", "--file", str(path))
    change(liaison, "[store]", '[store]\nkey_file = "keys"')
    (first,) = keys_of(path)
    assert f"3 stored messages are not under the key {first} yet; `liaison db rekey`" in liaison.ok("check")
    assert f"3 stored messages, mails and second factors are under the key {first} now." in liaison.ok("db", "rekey")
    liaison.ok("db", "key")
    second, _ = keys_of(path)
    assert liaison.json("db", "rekey") == {"done": 3, "unopened": [], "in_use": {second: 3}}
    again = liaison.ok("db", "rekey")
    assert f"3 stored messages, mails and second factors are under the key {second} now.\n" in again
    assert "Changed by this run: 0." in again
    assert f"Key {first} is needed by nothing here any more" in again
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert liaison.ok("db", "check") == "The database is sound.\n"
    assert "data key" not in liaison.ok("check")


def test_a_key_that_is_gone_is_named_with_the_messages_that_need_it(liaison: CommandLine) -> None:
    liaison.case(7)
    path = liaison.directory / "keys"
    liaison.ok("db", "key", "--file", str(path))
    change(liaison, "[store]", '[store]\nkey_file = "keys"')
    liaison.ok("db", "rekey")
    (first,) = keys_of(path)
    path.unlink()
    add_key(path, TODAY)
    result = liaison("check")
    assert result.exit_code == 1
    wrong = f"wrong data key: the message of LG-TEST-0007 needs the key {first}, which is missing; put the key back"
    assert wrong in result.stdout
    result = liaison("db", "rekey")
    assert result.exit_code == 1
    assert f"The stored message of LG-TEST-0007 needs the key '{first}'" in result.stderr
    unopened = cast("dict[str, list[str]]", json.loads(liaison("db", "rekey", "--json").stdout))
    assert len(unopened["unopened"]) == 1


def test_without_a_key_file_there_is_nothing_to_change_to(liaison: CommandLine) -> None:
    liaison.case()
    result = liaison("db", "rekey")
    assert (result.exit_code, "No data key is set; `liaison db key` makes one" in result.stderr) == (1, True)
