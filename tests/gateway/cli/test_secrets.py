"""Commands that go wrong say what is wrong, and never a password or a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.relay.outbound import Submission
from tests.gateway.cli.conftest import bare
from tests.support.gateway import write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import CommandLine

SECRET = "correct-horse-battery"
COMMANDS = (("check",), ("cases", "list"), ("senders", "list"), ("serve",), ("audit", "verify"), ("db", "check"))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://liaison:{SECRET}@127.0.0.1:1/liaison",
        f"postgresql://liaison:{SECRET}@nowhere.invalid/liaison",
        f"postgresql://liaison:{SECRET}@127.0.0.1:port/liaison",
        f"postgresql://liaison:with@{SECRET}@127.0.0.1:1/liaison",
        f"postgresql://liaison:with/{SECRET}@127.0.0.1:1/liaison",
        f"postgresql://127.0.0.1:1/liaison?password={SECRET}&nonsense=1",
        f"postgresql://liaison:{SECRET}",
        f"mysql://liaison:{SECRET}@127.0.0.1/liaison",
        f"{SECRET}",
    ],
)
def test_no_command_tells_the_password_of_the_database(liaison: CommandLine, url: str) -> None:
    write_configuration(liaison.directory, next_hop=2526, smarthost=None, url=url)
    for command in COMMANDS:
        result = liaison(*command)
        assert result.exit_code != 0, result.output
        assert result.output.strip()
        assert SECRET not in result.output + repr(result.exception), command


@pytest.mark.parametrize(
    ("section", "key"),
    [("store", "key_file"), ("dkim", "key"), ("smtp", "tls_key")],
)
@pytest.mark.parametrize(
    "text",
    [
        f"k1 {SECRET}\n",
        f"{SECRET}{SECRET}{SECRET}{SECRET} k1\n",
        f"k1 {SECRET} more\n",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n",
    ],
)
def test_no_command_tells_what_stands_in_a_key_file(liaison: CommandLine, section: str, key: str, text: str) -> None:
    file = liaison.file("secret", text)
    others = {"dkim": 'domain = "police.example"\nselector = "s1"\n', "smtp": f'tls_certificate = "{file}"\n'}
    written = liaison.config.read_text()
    table = f'[{section}]\n{others.get(section, "")}{key} = "{file}"\n'
    liaison.config.write_text(
        written.replace(f"[{section}]\n", table) if f"[{section}]" in written else written + table
    )
    result = liaison("check")
    assert result.exit_code != 0, result.output
    assert SECRET not in result.output


def test_a_password_is_no_part_of_what_shows_a_submission() -> None:
    assert SECRET not in repr(Submission(servers=(), tls="none", hostname="h", username="u", password=SECRET))


def test_check_names_the_files_that_anybody_may_read(liaison: CommandLine) -> None:
    liaison.ok("senders", "list")
    liaison.database.chmod(0o640)
    assert "secrets" not in liaison.ok("check")
    liaison.database.chmod(0o644)
    lines = [line for line in liaison.ok("check").splitlines() if "secrets:" in line]
    read = f"anybody on this machine may read {liaison.database} (store.url)"
    assert lines == [f"warning secrets: {read}; chmod o= {liaison.database}"]


def test_a_configuration_with_a_password_in_it_is_such_a_file(tmp_path: Path) -> None:
    url = f"postgresql://liaison:{SECRET}@127.0.0.1:1/liaison"
    config = write_configuration(tmp_path, next_hop=2526, smarthost=None, url=url)
    for mode, named in ((0o600, False), (0o644, True)):
        config.chmod(mode)
        result = bare("--config", str(config), "check")
        assert (f"anybody on this machine may read {config} (store.url)" in result.output) is named
