"""The tree as data: which keys a table has, what is the default of each, which environment variable sets it.

Derived from the annotations of `tree`, once; never from a second list that could drift.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, get_args, get_type_hints

from filters.disposition import Tier
from gateway.settings.key import Key, Plain, Table
from gateway.settings.kinds import quoted
from gateway.settings.tree import PolicyCells, Route, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.lines import KeyPath

CONFIGURABLE_TIERS = tuple(tier for tier in Tier if tier is not Tier.CLEAR)
"""Those with a `[policy.TIER]`: mail that nothing stands against is not subject to policy."""
VARIABLE_PREFIX = "LIAISON_"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_REQUIRED = object()


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One key as the tree declares it: `name` in TOML, `attribute` in Python."""

    name: str
    attribute: str
    key: Key
    default: object

    @property
    def is_required(self) -> bool:
        """Whether the key has no default."""
        return self.default is _REQUIRED


@dataclass(frozen=True, slots=True)
class Section:
    """One table below the top. `fields` is the class of one table: of `policy` and `route` there are several."""

    name: str
    comment: str
    fields: type


def keys_of(table: type) -> tuple[KeySpec, ...]:
    """The keys of one class of the tree, in their order."""
    hints = get_type_hints(table, include_extras=True)
    return tuple(
        KeySpec(field.name.rstrip("_"), field.name, mark, default_of(table, field.name))
        for field in fields(table)
        for mark in get_args(hints[field.name])[1:]
        if isinstance(mark, Key)
    )


def default_of(table: type, attribute: str) -> object:
    """The default of a field, made if it has to be."""
    found = next(field for field in fields(table) if field.name == attribute)
    if found.default_factory is not MISSING:
        made: object = found.default_factory()
        return made
    return _REQUIRED if found.default is MISSING else found.default


@cache
def sections() -> tuple[Section, ...]:
    """Every table below the top, in the order of the file."""
    several: Mapping[str, type] = {"route": Route, "policy": PolicyCells}
    hints = get_type_hints(Settings, include_extras=True)
    return tuple(
        Section(name, mark.comment, several.get(name, kind))
        for name, (kind, mark) in ((name, get_args(hint)) for name, hint in hints.items() if len(get_args(hint)) == 2)
        if isinstance(mark, Table) and is_dataclass(several.get(name, kind))
    )


@cache
def variables() -> Mapping[str, KeyPath]:
    """Every environment variable that sets a key. The routes are one value: an array of inline tables."""
    paths: list[KeyPath] = [(spec.name,) for spec in keys_of(Settings)]
    for section in sections():
        match section.name:
            case "route":
                paths.append(("route",))
            case "policy":
                cells = [spec.name for spec in keys_of(PolicyCells)]
                paths += [(section.name, tier.value, cell) for tier in CONFIGURABLE_TIERS for cell in cells]
            case name:
                paths += [(name, spec.name) for spec in keys_of(section.fields)]
    return {VARIABLE_PREFIX + "__".join(str(part).upper() for part in path): path for path in paths}


def plain(value: object) -> Plain:
    """A value of the tree as TOML would have it."""
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return value
        case tuple():
            return [item if isinstance(item, int) else str(item) for item in value]
        case _:
            return str(value)


def dotted(path: KeyPath) -> str:
    """A key as people read it: without the place in an array, which the line tells."""
    parts = (part for part in path if isinstance(part, str))
    return ".".join(part if _BARE_KEY.fullmatch(part) else quoted(part) for part in parts)
