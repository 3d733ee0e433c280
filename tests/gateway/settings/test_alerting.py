"""`[alerts]`: where a web hook may be, and what a program is; none of it is ever quoted whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import ConfigurationError
from gateway.settings import exposed_files, load
from tests.support.gateway import write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings


def read(directory: Path, keys: str) -> Settings:
    url = f"sqlite:///{directory}/liaison.db"
    return load(write_configuration(directory, next_hop=1, smarthost=None, url=url, more=f"[alerts]\n{keys}"), {})


@pytest.mark.parametrize(
    "url",
    ["https://alerts.police.example/s3cret?a=b", "http://127.0.0.1:9/", "http://[::1]:9/x", "http://localhost/"],
)
def test_a_web_hook_is_over_https_or_on_this_machine(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, f'webhook = "{url}"').alerts.webhook == url


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.police.example/s3cret", "http://192.0.2.1/s3cret", "ftp://127.0.0.1/s3cret", "https:///s3cret",
        "https://user:s3cret@alerts.police.example/", "https://alerts.police.example:0/s3cret", "s3cret",
        "https://alerts.police.example/s3cret#there", "https://alerts.police.example/s3cret here",
        "https://[::1/s3cret", "https://alerts.police.example/s3cretté",
    ],
)  # fmt: skip
def test_any_other_is_refused_and_not_quoted(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, f'webhook = "{url}"')
    (problem,) = refused.value.problems
    assert "alerts.webhook" in problem
    assert "s3cret" not in problem


def test_a_program_is_a_path_and_its_arguments_stay_as_they_are(tmp_path: Path) -> None:
    program = tmp_path / "page"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(ConfigurationError, match="is no program that can be run"):
        read(tmp_path, 'command = ["page"]')
    program.chmod(0o700)
    assert read(tmp_path, 'command = ["page", "--to", "--to", ""]').alerts.command == (
        str(program), "--to", "--to", "",
    )  # fmt: skip
    assert read(tmp_path, "command = []").alerts.command == ()
    with pytest.raises(ConfigurationError, match="a string, not an array"):
        read(tmp_path, 'command = "page me"')


def test_a_configuration_with_a_web_hook_in_it_that_all_may_read_is_named(tmp_path: Path) -> None:
    settings = read(tmp_path, 'webhook = "https://alerts.police.example/s3cret"')
    settings.file.chmod(0o644)
    assert "alerts.webhook" in [one.key for one in exposed_files(settings)]
    settings.file.chmod(0o640)
    assert exposed_files(settings) == ()
