from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING, cast

import dkim
import pytest

from filters.dkim import parse_key
from gateway.compose.signing import Signer
from gateway.compose.signing_key import public_half
from tests.gateway.cli.conftest import bare
from tests.gateway.compose.test_signing import past
from tests.support.correspondence import a_decline
from tests.support.signatures import KeyPair, key_pair

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import CommandLine

__all__ = ["key_pair"]

Record = dict[str, object]


def made(file: Path, *more: str) -> Record:
    result = bare("dkim", "key", str(file), "--domain", "police.example", *more, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return cast("Record", json.loads(result.stdout))


def test_a_new_key_is_for_its_owner_alone_and_needs_no_configuration(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    made(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["dkim.pem"]


def test_a_directory_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    result = bare("dkim", "key", str(tmp_path / "keys" / "dkim.pem"), "--domain", "police.example")
    assert (result.exit_code, result.stderr) == (
        1,
        f"There is no directory {tmp_path / 'keys'}: make it first (mkdir)\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_the_record_is_the_public_half_in_strings_that_the_dns_takes(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    record = made(file, "--selector", "May2027")
    strings = cast("list[str]", record["strings"])
    assert (record["name"], record["type"]) == ("may2027._domainkey.police.example", "TXT")
    assert "".join(strings) == record["text"]
    assert [len(one) <= 255 for one in strings] == [True, True]
    assert parse_key(str(record["text"])).public == public_half(file.read_bytes())


def test_a_verifier_that_finds_the_record_accepts_what_the_key_signs(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    text = str(made(file)["text"]).encode()
    signed = Signer("police.example", "liaison1", file.read_bytes()).sign(past(a_decline()))
    assert dkim.verify(signed.content, dnsfunc=lambda *_, **__: text)


def test_people_get_a_line_for_the_zone_and_the_table_to_set(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    said = bare("dkim", "key", str(file), "--domain", "police.example").stdout
    line = re.search(
        r'^    liaison1\._domainkey\.police\.example\. IN TXT \( "([^"]+)" "([^"]+)" \)$', said, re.MULTILINE
    )
    assert line is not None
    assert parse_key(line[1] + line[2]).public == public_half(file.read_bytes())
    assert f'key = "{file}"' in said


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    file.write_text("precious")
    result = bare("dkim", "key", str(file), "--domain", "police.example")
    assert result.exit_code == 1
    assert "is there already: it stays as it is" in result.stderr
    assert file.read_text() == "precious"


def test_a_place_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = bare("dkim", "key", str(tmp_path / "file" / "dkim.pem"), "--domain", "police.example")
    assert result.exit_code == 1
    assert "can't be written" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("--domain", "liaison@police.example", "only what stands after its @"),
        ("--selector", "a b", "a selector such as"),
    ],
)
def test_a_wrong_domain_or_selector_is_a_usage_error(tmp_path: Path, option: str, value: str, right: str) -> None:
    result = bare("dkim", "key", str(tmp_path / "dkim.pem"), "--domain", "police.example", option, value)
    assert result.exit_code == 2
    assert right in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_record_of_the_configured_key_is_shown(liaison: CommandLine, key_pair: KeyPair) -> None:
    liaison.config.write_text(liaison.config.read_text() + key_pair.write(liaison.directory))
    record = cast("Record", liaison.json("dkim", "record"))
    assert record["name"] == "liaison1._domainkey.police.example"
    assert key_pair.record.replace('" "', "").strip('"') == record["text"]
    assert str(record["text"])[:255] in liaison.ok("dkim", "record")


def test_without_a_key_it_says_how_to_make_one(liaison: CommandLine) -> None:
    result = liaison("dkim", "record")
    assert result.exit_code == 1
    assert "`liaison dkim key FILE` makes one" in result.stderr
