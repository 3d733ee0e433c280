"""The list of licences: docs/licences.md, made from what the installed packages of requirements.lock say of themselves.

`python -m tests.support.licences` writes it. Packages that this system does not need are named without a licence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import metadata

from packaging.markers import Marker

from tests.support.checkout import ROOT

LIST = ROOT / "docs" / "licences.md"
_LOCKED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(\S+?)(?: ; (.+?))? *\\$", re.MULTILINE | re.IGNORECASE)
_VAGUE = {"OSI Approved", "DFSG approved"}
_HEAD = """# Licences

Liaison Gateway is under the MIT licence. These are the packages that are installed with it, from `requirements.lock`, with
the licence that each names in its metadata. `make licences` writes this page; a test compares it with the lock file.
Development needs more (`requirements-dev.lock`), none of which is installed with the product. PostgreSQL, SQLite and
OpenSSL come with the system, with Python or inside a wheel, whose metadata name them.

| package | licence |
|---|---|
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A package of the lock file. `marker` says where it is needed, "" for everywhere."""

    name: str
    version: str
    marker: str


def locked() -> tuple[Locked, ...]:
    """Every package of requirements.lock."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    return tuple(Locked(name.lower(), version, marker or "") for name, version, marker in _LOCKED.findall(text))


def written() -> str:
    """The page as it should be."""
    return _HEAD + "".join(f"| {one.name} | {_licence(one)} |\n" for one in sorted(locked(), key=lambda one: one.name))


def listed(text: str) -> dict[str, str]:
    """The licence of each package of the page."""
    rows = re.findall(r"^\| ([a-z0-9._-]+) \| (.*) \|$", text, re.MULTILINE)
    return {name: licence for name, licence in rows if name != "package"}


def _licence(package: Locked) -> str:
    """By its expression (PEP 639), else its classifiers, else the first line of the text field."""
    if package.marker and not Marker(package.marker).evaluate():
        return f"(needed only where {package.marker})"
    said = metadata(package.name)
    classified = {one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License :: ")}
    expression, text = (said.get_all(field, [""])[0] for field in ("License-Expression", "License"))
    return expression or ", ".join(sorted(classified - _VAGUE)) or text.strip().partition("\n")[0]


if __name__ == "__main__":
    LIST.write_text(written(), encoding="utf-8")
