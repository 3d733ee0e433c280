"""The real `liaison` in the test's own process, with a real configuration file and a real SQLite store."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import structlog
from click.testing import CliRunner

from gateway.cli import main
from gateway.store.sealing import Seal
from gateway.store.unit_of_work import Store
from tests.support.clocks import StoppedClock
from tests.support.gateway import write_configuration
from tests.support.records import RAW, a_case, a_delivery, record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    from gateway.model.case import Case
    from gateway.store.unit_of_work import Work


@dataclass(frozen=True)
class CommandLine:
    """`liaison` with this configuration, and a way to put things into its store."""

    config: Path

    @property
    def directory(self) -> Path:
        return self.config.parent

    @property
    def database(self) -> Path:
        return self.directory / "liaison.db"

    def __call__(self, *arguments: str, stdin: bytes | None = None) -> Result:
        return bare("--config", str(self.config), *arguments, stdin=stdin)

    def ok(self, *arguments: str) -> str:
        """What it says on stdout; it has to succeed without a word on stderr."""
        result = self(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *arguments: str) -> object:
        return json.loads(self.ok(*arguments, "--json"))

    def file(self, name: str, content: bytes | str) -> str:
        """A file beside the configuration; returns its path."""
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def store(self, work: Callable[[Work], Awaitable[object]]) -> None:
        """One unit of work on the store, as the running gateway would do it."""
        asyncio.run(self._store(work))

    async def _store(self, work: Callable[[Work], Awaitable[object]]) -> None:
        store = Store.open(f"sqlite:///{self.database}", Seal(), StoppedClock())
        try:
            await store.upgrade()
            async with store.begin() as unit:
                await work(unit)
        finally:
            await store.close()

    def case(self, number: int = 1, *recipients: str, **changed: object) -> Case:
        """A recorded case, held for its recipients (one, unless they are named)."""
        case = replace(a_case(number=number), **changed)  # type: ignore[arg-type]
        held = [a_delivery(recipient) for recipient in recipients or ("inspector@police.example",)]
        self.store(lambda work: record(work, case, RAW, *held))
        return case


def bare(*arguments: str, stdin: bytes | None = None) -> Result:
    """`liaison` with these arguments and nothing else."""
    result = CliRunner().invoke(main, arguments, input=stdin, env={"LIAISON_CONFIG": None})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def liaison(new_liaison: CommandLine, sqlite_template: Path) -> CommandLine:
    """With a database, in which nothing is yet."""
    shutil.copy(sqlite_template, new_liaison.database)
    return new_liaison


@pytest.fixture
def new_liaison(tmp_path: Path) -> CommandLine:
    """Before the first start: there is no database yet."""
    return CommandLine(
        write_configuration(tmp_path, next_hop=2526, smarthost=None, url=f"sqlite:///{tmp_path}/liaison.db")
    )


@pytest.fixture(autouse=True)
def forgotten_loggers() -> Iterator[None]:
    """Loggers keep the set-up that they met first: other tests, in the same process, bring their own."""
    yield
    structlog.reset_defaults()
    for name, module in list(sys.modules.items()):
        if name.startswith("gateway."):
            getattr(getattr(module, "log", None), "__dict__", {}).pop("bind", None)
