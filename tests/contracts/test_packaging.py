"""The wheel is whole: it holds everything that the command needs, and works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import ROOT, document

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)

ALONE = """
import importlib.util, runpy, site, sys
from pathlib import Path

wheel, packages = sys.argv[1:3]
sys.path[:] = [wheel, *(entry for entry in sys.path if entry and "zip" not in entry and "site-packages" not in entry)]
sys.path.append(packages)                # not addsitedir(): a .pth file there leads back to the checkout
assert Path(importlib.util.find_spec("gateway").origin).is_relative_to(wheel)
assert Path(importlib.util.find_spec("filters").origin).is_relative_to(wheel)
sys.argv = ["liaison", *sys.argv[3:]]
runpy.run_module("gateway", run_name="__main__")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make wheel` builds it, without a network, from the files of the checkout."""
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def liaison(unpacked: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, by an interpreter that sees the wheel and its dependencies, and not the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LIAISON_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(unpacked), sysconfig.get_path("purelib"), *arguments],
        cwd=directory, capture_output=True, check=False, text=True, env=environment,
    )  # fmt: skip


def test_the_wheel_is_named_for_this_version_and_for_every_python(wheel: Path) -> None:
    version = tomllib.loads(document("pyproject.toml"))["project"]["version"]
    assert wheel.name == f"liaison_gateway-{version}-py3-none-any.whl"


@pytest.mark.parametrize("top", ["templates", "config"])
def test_the_wheel_holds_every_template_and_default(unpacked: Path, top: str) -> None:
    shipped = unpacked / "gateway" / "_data" / top
    wanted = {path.relative_to(ROOT / top) for path in (ROOT / top).rglob("*") if path.is_file()}
    assert wanted <= {path.relative_to(shipped) for path in shipped.rglob("*")}


@pytest.mark.parametrize(
    "name",
    [
        "gateway/_data/config/gateway.toml",
        "gateway/_data/config/senders/prc.toml",
        "gateway/_data/templates/mail/decline/body.fr.txt",
        "gateway/_data/templates/mail/report/report.schema.json",
        "gateway/store/migrations/env.py",
        "gateway/store/migrations/versions/r0001_first_tables.py",
        "filters/py.typed",
        "gateway/py.typed",
    ],
)
def test_the_wheel_holds(unpacked: Path, name: str) -> None:
    assert (unpacked / name).is_file()


def test_the_wheel_holds_nothing_but_the_product(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == {"filters", "gateway"}


def test_the_command_is_declared(unpacked: Path) -> None:
    (declared,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "liaison = gateway.cli:main" in declared.read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_answers_from_the_wheel_alone(unpacked: Path, tmp_path: Path, option: str) -> None:
    done = liaison(unpacked, tmp_path, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert "liaison" in done.stdout


def test_check_finds_packs_and_templates_in_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "gateway.toml"
    configuration.write_text(
        f"""
        [smtp]
        hostname = "mx.police.example"
        [[route]]
        domains = ["police.example"]
        next_hop = ["127.0.0.1:9"]
        [store]
        url = "sqlite:///{tmp_path}/liaison.db"
        """,
        encoding="utf-8",
    )
    done = liaison(unpacked, tmp_path, "check", "--config", str(configuration))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok packs" in done.stdout
    assert "ok templates" in done.stdout


def test_the_database_is_made_from_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "gateway.toml"
    configuration.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/liaison.db"\n[[route]]\ndomains = ["police.example"]\n'
        'next_hop = ["127.0.0.1:9"]\n',
        encoding="utf-8",
    )
    made = liaison(unpacked, tmp_path, "db", "upgrade", "--config", str(configuration))
    assert made.returncode == 0, made.stdout + made.stderr
    done = liaison(unpacked, tmp_path, "senders", "list", "--json", "--config", str(configuration))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mfa.gov.cn" in done.stdout
