"""Files that appear whole or not at all: written under another name beside their place, and put there at the end.

Who is interrupted before that leaves nothing under a name that anybody reads.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gateway.errors import RefusedError
from gateway.placing import refuse_missing_directory, to_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = 0o600
"""For its owner alone."""
READABLE = 0o640
"""For owner and group."""
_UNFINISHED = ".new"
_ATTENDANTS = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside a database file."""


def beside(path: Path) -> Path:
    """The name under which a file is made; always the same, so that what an interruption left is replaced."""
    return path.with_name(f".{path.name}{_UNFINISHED}")


@contextmanager
def drafts() -> Iterator[Drafts]:
    """Files in the making: what is not in place when the block ends goes."""
    making = Drafts()
    try:
        yield making
    finally:
        making.discard()


class Drafts:
    """Files that belong together, in the order in which they are put in place."""

    def __init__(self) -> None:
        self._places: list[Path] = []
        self._directories: list[Path] = []

    def write(self, place: Path, octets: bytes, mode: int, *, directory: int | None = None) -> Path:
        """Write the octets, durably, for `place`; the name that they have until then. RefusedError if it can't be."""
        draft = self.reserve(place, directory=directory)
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)  # whatever the umask
                file.write(octets)
                file.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise _unwritable(place, error) from error
        return draft

    def reserve(self, place: Path, *, directory: int | None = None) -> Path:
        """The name under which somebody else makes the file for `place`.

        Where `directory` says its permissions, the directory is made if it has to be; else it must be there.
        """
        draft = beside(place)
        try:
            if directory is None:
                refuse_missing_directory(place.parent)
            else:
                self._make(place.parent, directory)
            _remove(draft)
        except OSError as error:
            raise _unwritable(place, error) from error
        self._places.append(place)
        return draft

    def put_in_place(self) -> None:
        """Every file under its own name, the first one first."""
        while self._places:
            place = self._places[0]
            try:
                beside(place).replace(place)
                to_disk(place.parent)
            except OSError as error:
                raise _unwritable(place, error) from error
            del self._places[0]

    def discard(self) -> None:
        """Remove what is not in place, and the directories that were made for nothing."""
        for place in self._places:
            with suppress(OSError):
                _remove(beside(place))
        for made in reversed(self._directories):
            with suppress(OSError):  # it holds something
                made.rmdir()
        self._places.clear()

    def _make(self, directory: Path, mode: int) -> None:
        for one in reversed([directory, *directory.parents]):
            if not one.exists():
                one.mkdir(mode=mode)
                self._directories.append(one)


def _remove(draft: Path) -> None:
    for attendant in _ATTENDANTS:
        draft.with_name(draft.name + attendant).unlink(missing_ok=True)


def _unwritable(place: Path, error: OSError) -> RefusedError:
    return RefusedError(
        "{place} can't be written ({reason}): name another place, or run this as somebody who may write there",
        place=str(place),
        reason=error.strerror or str(error),
    )
