"""PostgreSQL's own `pg_dump` and `pg_restore`: a copy of the database while it is in use, and back.

The server's address and password go to them in the environment that only they see, never on the command line, which
everybody on the machine can read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from gateway.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DUMP = ("--format=custom", "--no-owner", "--no-privileges")
_RESTORE = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")


async def dump(url: str, file: Path) -> None:
    """Write a dump in the custom format: one snapshot of the database. Raises StoreError."""
    await _run("pg_dump", [*_DUMP, f"--file={file}"], url)


async def listed(file: Path) -> None:
    """Read a dump's table of contents; StoreError if it is none."""
    await _run("pg_restore", ["--list", str(file)], "")


async def restore(url: str, file: Path) -> None:
    """Fill an empty database from a dump: all of it, or nothing. Raises StoreError."""
    name = conninfo_to_dict(_libpq(url)).get("dbname", "")
    await _run("pg_restore", [*_RESTORE, f"--dbname={name}", str(file)], url)


async def _run(program: str, arguments: list[str], url: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise StoreError(_missing(program, arguments))
    process = await asyncio.create_subprocess_exec(
        found,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **_environment(url)},
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        raise StoreError(f"{program} failed: {said.decode(errors='replace').strip() or process.returncode}")


def _environment(url: str) -> Mapping[str, str]:
    """The URL's parameters as libpq reads them from the environment."""
    if not url:
        return {}
    variables = {one.keyword.decode(): one.envvar.decode() for one in Conninfo.get_defaults() if one.envvar}
    given = conninfo_to_dict(_libpq(url))
    return {variables[name]: str(value) for name, value in given.items() if name in variables and value is not None}


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


def _missing(program: str, arguments: list[str]) -> str:
    command = " ".join((program, *arguments))
    return (
        f"{program} is not installed here. Install PostgreSQL's client programs, of the server's version or newer; or "
        f"run on a machine that has them, with PGHOST, PGUSER, PGDATABASE and ~/.pgpass set: {command}"
    )
