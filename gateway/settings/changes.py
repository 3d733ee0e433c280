"""What of a configuration that was read again can't be obeyed before the next start, and is named for that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.settings.schema import keys_of, sections

if TYPE_CHECKING:
    from gateway.settings.tree import Settings

_SEVERAL = ("route", "policy")
"""Tables of which there may be several. None of their keys is for a start alone."""


def needs_restart(running: Settings, read: Settings) -> tuple[str, ...]:
    """The keys whose new value waits for a start, as `section.key`."""
    return tuple(
        f"{section}.{name}"
        for section, attribute, name in _keys_at_start()
        if getattr(getattr(running, section), attribute) != getattr(getattr(read, section), attribute)
    )


def until_restart(running: Settings, read: Settings) -> Settings:
    """What was read, with the running values of those keys."""
    kept: dict[str, dict[str, object]] = {}
    for section, attribute, _ in _keys_at_start():
        kept.setdefault(section, {})[attribute] = getattr(getattr(running, section), attribute)
    tables = {section: replace(getattr(read, section), **values) for section, values in kept.items()}
    return replace(read, **tables)


def _keys_at_start() -> list[tuple[str, str, str]]:
    """Section, attribute and name of each."""
    return [
        (section.name, spec.attribute, spec.name)
        for section in sections()
        if section.name not in _SEVERAL
        for spec in keys_of(section.fields)
        if spec.key.at_start
    ]
