"""HTML from templates: everything is escaped, an unknown name is an error, and every text goes through a catalogue."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.shipped import shipped

if TYPE_CHECKING:
    from gateway.console.languages import Words


@cache
def environment(words: Words) -> Environment:
    """One for each language; the compiled templates stay."""
    made = Environment(
        loader=FileSystemLoader(shipped("templates") / "console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_translations(words.catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.filters["say"] = words.say
    made.filters["moment"] = words.moment
    made.filters["day"] = words.day
    made.filters["number"] = words.number
    return made
