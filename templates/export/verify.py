"""Verify an export of Liaison Gateway: every file is as it was when it was made, none is missing, none was added.

    python3 verify.py                         the directory in which this file lies, unpacked
    python3 verify.py EXPORT                  a directory, or the ZIP file itself
    python3 verify.py EXPORT --list SHA256    also that the list of digests is the one that the audit log has

Needs Python 3.8 or newer and nothing else. Nothing of the export is carried out: its octets are read. Exit code 0: all
is as it was; 1: something is not, and each file is named. Who can change a file can change the list too, and this
program: only the digest of the list, from the audit log or from whoever made the export, proves the whole. Take this
program from the gateway's own distribution if you don't trust the one in the ZIP.

Vérifie une exportation : aucun fichier n'a changé, ne manque ou n'a été ajouté. Code de sortie 0 : tout est intact.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import re
import stat
import sys
import zipfile
from pathlib import Path

LIST = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")
PIECE = 1024 * 1024
UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, EOFError, NotImplementedError, zipfile.BadZipFile)


class Folder:
    """An export that was unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """Every file below the directory, by its path with slashes; a link is a file, and is not followed."""
        found = []
        for where, folders, files in os.walk(self.path, onerror=_raise):
            links = [name for name in folders if (Path(where) / name).is_symlink()]
            found += [(Path(where) / name).relative_to(self.path).as_posix() for name in files + links]
        return found

    def pieces(self, name: str):  # noqa: ANN201 -- generators have no name in every Python that this runs on
        """The octets of a plain file, piece by piece."""
        path = self.path.joinpath(*name.split("/"))
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError("is no plain file")
        with path.open("rb") as content:
            yield from iter(lambda: content.read(PIECE), b"")


class Archive:
    """An export as it was made: a ZIP file."""

    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path)

    def names(self) -> list[str]:
        """Every file in it; one that stands twice comes twice."""
        return [one.filename for one in self.zip.infolist() if not one.is_dir()]

    def pieces(self, name: str):  # noqa: ANN201 -- as above
        """The octets of a file, piece by piece."""
        with self.zip.open(name) as content:
            yield from iter(lambda: content.read(PIECE), b"")


def _raise(error: OSError) -> None:
    raise error


def digest(export: Folder | Archive, name: str) -> str:
    """SHA-256 of a file, hex."""
    found = hashlib.sha256()
    for piece in export.pieces(name):
        found.update(piece)
    return found.hexdigest()


def read_list(export: Folder | Archive) -> dict[str, str]:
    """The digest of every file that the list names; ValueError if it is no list of an export."""
    expected = {}
    for number, line in enumerate(b"".join(export.pieces(LIST)).decode("utf-8").split("\n"), 1):
        found = LINE.fullmatch(line)
        if found is None and line:
            raise ValueError(f"line {number} of {LIST} is none of a list of digests")
        if found is not None:
            name = found.group(2)
            if name in expected or name == LIST or not is_inside(name):
                raise ValueError(f"line {number} of {LIST} names no file of an export: {name!a}")
            expected[name] = found.group(1)
    if not expected:
        raise ValueError(f"{LIST} is empty")
    return expected


def is_inside(name: str) -> bool:
    """Whether a name stays inside the export, on every system."""
    return not (set(name.split("/")) & {"", ".", ".."}) and not set(name) & set("\\:\0")


def problems(export: Folder | Archive, expected: dict[str, str]) -> list[str]:
    """What is not as it was, one sentence each."""
    actual = collections.Counter(export.names())
    found = [f"twice: {name!a}" for name in sorted(actual) if actual[name] > 1]
    found += [f"added: {name!a}" for name in sorted(set(actual) - set(expected) - {LIST})]
    for name in sorted(expected):
        if name not in actual:
            found.append(f"missing: {name!a}")
            continue
        try:
            if digest(export, name) != expected[name]:
                found.append(f"differs: {name!a}")
        except UNREADABLE as error:
            found.append(f"unreadable: {name!a} ({str(error)!a})")
    return found


def verify(path: Path, list_digest: str) -> int:
    """Say what was found; the exit code."""
    try:
        export = Folder(path) if path.is_dir() else Archive(path)
        expected, of_list = read_list(export), digest(export, LIST)
        found = problems(export, expected)
    except UNREADABLE as error:
        say(f"NOT verified: {str(error)!a} / PAS vérifié.")
        return 1
    if list_digest and of_list != list_digest.lower():
        found.insert(0, f"differs: {LIST} is not the list that the digest was given of")
    for sentence in found:
        say(sentence)
    say(f"SHA-256 of {LIST}: {of_list}")
    if found:
        say("NOT as it was. / PAS intact.")
        return 1
    say(f"All {len(expected)} files are as they were. / Les {len(expected)} fichiers sont intacts.")
    if not list_digest:
        say("Compare that digest with the audit log's. / Comparez cette empreinte avec celle du journal.")
    return 0


def say(sentence: str) -> None:
    """A line, whatever the terminal can show."""
    sys.stdout.buffer.write(f"{sentence}\n".encode(sys.stdout.encoding or "ascii", "backslashreplace"))


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description="Verify an export of Liaison Gateway.")
    parser.add_argument("export", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--list", default="", metavar="SHA256", help=f"the digest of {LIST} in the audit log")
    asked = parser.parse_args()
    return verify(asked.export, asked.list)


if __name__ == "__main__":
    sys.exit(main())
