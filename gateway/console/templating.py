"""HTML from templates: everything is escaped, an unknown name is an error, and every text goes through a catalogue."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from markupsafe import Markup, escape

from gateway.console import words as words_of
from gateway.preview.invisible import Invisible, Segments, line_segments, segments
from gateway.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.runtime import Context

    from filters.lists import ListEntry
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
    made.globals["ngettext"] = _with_separators(made.globals["ngettext"], words)
    made.globals["words_of"] = words_of
    made.globals["entry_query"] = entry_query
    made.filters["visible"] = visible
    made.filters["marked"] = marked
    made.filters["first_capital"] = first_capital
    made.filters["say"] = lambda sentence: marked(segments(words.say(sentence)))
    made.filters["moment"] = words.moment
    made.filters["day"] = words.day
    made.filters["number"] = words.number
    return made


def _with_separators(ngettext: Any, words: Words) -> Callable[..., Any]:
    """`%(num)s` of a plural as every other number of the page is written."""

    @pass_context
    def grouped(context: Context, singular: str, plural: str, number: int, **values: object) -> Any:
        return ngettext(context, singular, plural, number, num=words.number(number), **values)

    return grouped


def entry_query(entry: ListEntry) -> str:
    """What names an entry in an address."""
    return urlencode({"kind": entry.kind, "value": entry.value})


def first_capital(text: str) -> str:
    """A word of a vocabulary, at the beginning of a heading."""
    return text[:1].upper() + text[1:]


def visible(text: str) -> Markup:
    """A line that a stranger wrote: what nobody can see in it is marked, so that it can't lead an eye astray."""
    return marked(line_segments(text))


def marked(shown: Segments) -> Markup:
    """Segments of a preview: text as it stands, and marks for what nobody would see."""
    return Markup("").join(_marked(one) for one in shown)


def _marked(segment: str | Invisible) -> Markup:
    if isinstance(segment, str):
        return escape(segment)
    return Markup('<span class="invisible">{}</span>').format(segment)
