"""Writes docs/configuration.md from the tree: every key with its kind, its default, its meaning and when it is obeyed.

Returns text; `python -m gateway.settings.reference` prints it, and `make reference` keeps it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from filters.disposition import DEFAULT_POLICY
from gateway.settings.rendering import header, literal
from gateway.settings.schema import CONFIGURABLE_TIERS, keys_of, plain, sections
from gateway.settings.tree import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.schema import KeySpec, Section

_PREAMBLE = """\
# Configuration

Every key, as the program knows it. This page is written by `make reference`; a test compares it with the code.
[config/gateway.toml](../config/gateway.toml) shows the same keys in a file, and `liaison init` writes one with your
answers.

- The file is TOML: that of `--config PATH`, else of `$LIAISON_CONFIG`, else `config/gateway.toml`, else
  `/etc/liaison/gateway.toml`. Relative paths in it start at its own directory.
- A variable `LIAISON_SECTION__KEY` in the environment goes above the file and holds a TOML literal:
  `LIAISON_SMTP__WORKERS=2`, `LIAISON_MODE='"assist"'`. All routes together are one, `LIAISON_ROUTE`: an array of inline
  tables.
- `liaison check` names every problem with file, line, key and what would be right. A key that nobody knows is one.
- *Reload*: SIGHUP obeys it. *Start*: only a start does; after SIGHUP the old value stays, and `key_needs_restart` names
  it.
"""
_HEADINGS = "| key | value | default | meaning | obeyed at |\n|---|---|---|---|---|\n"
_BAR = "\\|"
"""A bar inside a cell."""
_TIERS = """\
There is one table for each tier (docs/glossary.md explains them), and a key that is left out keeps its default:

| tier | delivery | decline | report | notice |
|---|---|---|---|---|
"""


def render_reference() -> str:
    """The whole page."""
    top = f"## At the top\n\n{_table(Settings)}"
    return "\n".join([_PREAMBLE, top, *map(_section, sections())])


def _section(section: Section) -> str:
    comment = f"{_sentence(section.comment)}\n\n" if section.comment else ""
    tiers = f"\n{_TIERS}{''.join(_tiers())}" if section.name == "policy" else ""
    return f"## `{header(section.name)}`\n\n{comment}{_table(section.fields)}{tiers}"


def _table(fields: type) -> str:
    return _HEADINGS + "".join(map(_row, keys_of(fields)))


def _row(spec: KeySpec) -> str:
    when = "start" if spec.key.at_start else "reload"
    cells = (f"`{spec.name}`", spec.key.kind.right, _default(spec), spec.key.comment, when)
    return f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |\n"


def _default(spec: KeySpec) -> str:
    """What holds without the key; what a machine or another key tells is said in words."""
    if spec.key.default_words:
        return spec.key.default_words
    if spec.is_required:
        return "none: it has to be set"
    return "that of the tier" if spec.name in _CELLS and spec.default is None else f"`{literal(plain(spec.default))}`"


_CELLS = ("delivery", "decline", "report", "notice")
"""The keys of a tier's table."""


def _tiers() -> Iterator[str]:
    for tier in CONFIGURABLE_TIERS:
        cells = (literal(plain(getattr(DEFAULT_POLICY[tier], cell))) for cell in _CELLS)
        yield f"| `{tier}` | {' | '.join(f'`{cell}`' for cell in cells)} |\n"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


if __name__ == "__main__":
    sys.stdout.write(render_reference())
