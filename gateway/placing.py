"""A new file gets its name when it is whole and on the disk: half a backup or half an export has none."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gateway.errors import RefusedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def directory_beside(file: Path, *, make: bool = False) -> Iterator[Path]:
    """A directory of our own on the same file system, in which the file is made. StoreError if there can be none.

    With `make` the file's own directory is made too, closed to others.
    """
    try:
        if make:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_missing_directory(file.parent)
        with TemporaryDirectory(prefix=f".{file.name[:100]}-", dir=file.parent) as directory:
            yield Path(directory)
    except OSError as error:
        raise StoreError(f"{file} can't be written: {error.strerror or error}") from error


def refuse_missing_directory(directory: Path) -> None:
    """RefusedError where a directory is not there: its name may be mistyped, and nobody would look for a file there."""
    if not directory.exists():
        raise RefusedError("There is no directory {directory}: make it first (mkdir)", directory=directory)


def refuse_to_replace(file: Path) -> None:
    """RefusedError where a file has that name, or a directory."""
    if os.path.lexists(file):
        raise _is_there(file)


def put_in_place(new: Path, place: Path) -> None:
    """Give a finished file its name, durably. Only its owner may read it. RefusedError where a file has that name."""
    new.chmod(0o600)
    to_disk(new)
    try:
        os.link(new, place)
    except FileExistsError as error:
        raise _is_there(place) from error
    new.unlink()
    to_disk(place.parent)


def write_new(file: Path, octets: bytes) -> None:
    """A small file, whole and on the disk; OSError where it can't be, or where a file has that name.

    Without a second name, which not every file system has (a stick, a share). Half a list is no list: it goes.
    """
    with file.open("xb") as out:
        try:
            out.write(octets)
            out.flush()
            os.fsync(out.fileno())
        except OSError:
            file.unlink(missing_ok=True)
            raise


def to_disk(path: Path) -> None:
    """What the file holds, or which names the directory has, is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_there(file: Path) -> RefusedError:
    return RefusedError(
        "{file} is there already, and is not replaced: choose another name, or remove it first", file=file
    )
