"""Which stretch of a mail of ours is in which language: for those who have it read aloud (WCAG 3.1.2).

It finds again what `gateway.compose.templates` has put together, in mail of long ago too, and says nothing where it is
not certain. Put together, the stretches are the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.content import header_length, parse_header
from gateway.compose.templates import RULE, announcement
from gateway.compose.values import Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.compose.values import OwnTexts

Stretch = tuple[Language | None, str]
"""None: in no language for certain."""

_BETWEEN = f"\n\n{RULE}\n\n"


def languages_of(content: bytes) -> tuple[Language, ...]:
    """Those that the header of a mail of ours names, in the order of its text."""
    named = parse_header(content[: header_length(content)]).first("content-language") or b""
    return tuple(Language(word) for word in named.decode("ascii", "replace").replace(",", " ").split() if word in _TAGS)


def stretches(text: str, languages: Sequence[Language], own: OwnTexts = ()) -> tuple[Stretch, ...]:
    """The text (LF line ends) in stretches, each with its language. `own` are the agency's own templates."""
    texts = text.split(_BETWEEN)
    if len(texts) != len(languages):
        return ((None, text),)
    first, *others = zip(languages, texts, strict=True)
    found = list(_first(*first, [(one, announcement(one, own)) for one in languages[1:]]))
    for other in others:
        found += [(None, _BETWEEN), other]
    return tuple(found)


def _first(language: Language, text: str, announced: Sequence[Stretch]) -> Iterator[Stretch]:
    """What stands above it in other languages comes off: what announces them, and above that a marking in both."""
    if not announced:
        yield language, text
        return
    above, found, below = text.partition("\n\n".join(one for _, one in announced) + "\n\n")
    if not found or (above and not above.endswith("\n\n")):
        yield None, text  # announced in other words: those of a template that has changed since
        return
    yield from [(None, above)] if above else []
    for one in announced:
        yield from (one, (None, "\n\n"))
    yield language, below


_TAGS = frozenset(Language)
