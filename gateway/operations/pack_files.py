"""The sender packs that the configuration names, read from their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.packs import parse_pack
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from filters.lists import ListEntry


def read_packs(packs: tuple[Path, ...]) -> list[ListEntry]:
    """The entries of the packs; ConfigurationError names every line that is wrong."""
    entries: list[ListEntry] = []
    problems: list[str] = []
    for path in packs:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: the sender pack can't be read: {error}")
            continue
        found, wrong = parse_pack(text, path.stem)
        entries += found
        problems += [f"{path}:{problem.line}: {problem.message}" for problem in wrong]
    if problems:
        raise ConfigurationError(problems)
    return entries
