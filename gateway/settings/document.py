"""One configuration as TOML values: the file, what the environment puts over it, and where each value came from.

Knows nothing of kinds and defaults. The environment is handed in; nothing here reads the process's own.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.settings.lines import key_lines
from gateway.settings.schema import VARIABLE_PREFIX, dotted, variables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.settings.lines import KeyPath

LOCATOR = "LIAISON_CONFIG"
"""Names the file; the one variable with our prefix that sets no key."""
LONGEST_FILE = 1 << 20
"""Octets. No configuration is longer; what is, was named by mistake."""

_POSITION = re.compile(r"\(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Document:
    """`values` as tomllib gives them; `lines` and `overrides` tell of each key where it was set.

    `stray` holds a sentence for every variable that sets nothing.
    """

    file: Path
    values: dict[str, object]
    lines: Mapping[KeyPath, int]
    overrides: dict[KeyPath, str] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)

    def where(self, path: KeyPath) -> tuple[int, str]:
        """The line of the key, or of the nearest table around it, and `file:line`; of a variable 0 and its name."""
        around = [path[:length] for length in range(len(path), 0, -1)]
        for key in around:
            if key in self.overrides:
                return 0, self.overrides[key]
        line = next((self.lines[key] for key in around if key in self.lines), 1)
        return line, f"{self.file}:{line}"


def read_document(file: Path, environ: Mapping[str, str], named_by: str = "") -> Document:
    """The file with the environment over it. Raises ConfigurationError when the file can't be read or is no TOML.

    `named_by` is said of a file that can't be read: whence its name came, to somebody who has not typed it.
    """
    document = parse_document(_read_text(file, named_by), file)
    for name in sorted(environ):
        if name.startswith(VARIABLE_PREFIX) and name != LOCATOR:
            _override(document, name, environ[name])
    return document


def parse_document(text: str, file: Path) -> Document:
    """The text of a file. Raises ConfigurationError when it is no TOML."""
    try:
        return Document(file, tomllib.loads(text), key_lines(text))
    except RecursionError:
        raise ConfigurationError([f"{file}:1: the values are nested too deeply; no key needs that"]) from None
    except ValueError as error:  # TOMLDecodeError, and int() of more digits than Python converts
        raise _not_toml(file, text, str(error)) from None


def _read_text(file: Path, named_by: str) -> str:
    try:
        with file.open("rb") as stream:
            octets = stream.read(LONGEST_FILE + 1)
    except OSError as error:
        raise ConfigurationError([f"{file}: the file can't be read ({error.strerror}){named_by}"]) from error
    if len(octets) > LONGEST_FILE:
        raise ConfigurationError([f"{file}: the file is longer than {LONGEST_FILE} octets{named_by}"])
    try:
        return octets.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([f"{file}:{line}: the file is not in UTF-8; save it as UTF-8"]) from None


def _not_toml(file: Path, text: str, complaint: str) -> ConfigurationError:
    position = _POSITION.search(complaint)
    line = position[1] if position else text.rstrip("\n").count("\n") + 1
    said = _POSITION.sub("", complaint).strip().removesuffix("(at end of document)").strip()
    right = 'keys are written as name = value, strings in "quotes", tables as [name]'
    return ConfigurationError([f"{file}:{line}: this is not TOML ({said}); {right}"])


def _override(document: Document, name: str, literal: str) -> None:
    path = variables().get(name)
    if path is None:
        document.stray.append(_stray(name))
        return
    values = _parse_literal(literal)
    if not values:
        document.stray.append(_no_literal(name, path))
    elif _put(document.values, path, values["value"]):
        document.overrides[path] = name


def _parse_literal(literal: str) -> dict[str, object]:
    """The one TOML value under "value"; nothing when there is none, or when a line break smuggles in other keys."""
    try:
        values = tomllib.loads(f"value = {literal}")
    except (ValueError, RecursionError):
        return {}
    return values if values.keys() == {"value"} else {}


def _put(values: dict[str, object], path: KeyPath, value: object) -> bool:
    """Set the value, with the tables around it. False where the file has something else in a table's place."""
    table = values
    for part in path[:-1]:
        inner = table.setdefault(str(part), {})
        if not isinstance(inner, dict):
            return False
        table = inner
    table[str(path[-1])] = value
    return True


def _stray(name: str) -> str:
    """The nearest by what stands behind the prefix: that all have, and near it would be everything."""
    known = [variable.removeprefix(VARIABLE_PREFIX) for variable in variables()]
    nearest = get_close_matches(name.removeprefix(VARIABLE_PREFIX), known, n=1)
    if nearest:
        return f"{name}: no key has this name; did you mean {VARIABLE_PREFIX}{nearest[0]}?"
    right = f"docs/configuration.md lists the keys, and {VARIABLE_PREFIX}SECTION__KEY names one"
    return f"{name}: no key has this name, and variables that begin with {VARIABLE_PREFIX} are keys; {right}"


def _no_literal(name: str, path: KeyPath) -> str:
    """The value itself is left out: a variable may hold a password."""
    return f"{name}: {dotted(path)}: the value is no TOML literal; strings need quotes of their own: {name}='\"…\"'"
