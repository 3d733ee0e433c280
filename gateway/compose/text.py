"""What text may stand in a mail of ours: refused if it could break a line, or made fit to be shown.

It never drops a character silently: what people may not see as it is, they see as its code point.
"""

from __future__ import annotations

import unicodedata

from gateway.errors import LiaisonError
from gateway.model.unseen import with_code_points

_LINE_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""General categories (controls, surrogates, separators) that end a line or can't be encoded."""

_UNSEEN = _LINE_BREAKING | {"Cf", "Co", "Cn"}
"""Those, and what draws nothing or reorders its neighbours: bidi controls, zero width, private use, unassigned."""


class ComposeError(LiaisonError, ValueError):
    """A mail can't be made: a value would break out of its place, or a template is wrong. Says which, in words."""


def plain(what: str, value: str) -> str:
    """The value itself, or `ComposeError` (naming `what`) if it holds a control or a line break (RFC 5322 §2.2)."""
    if value.isprintable():  # what breaks lines is not, and most values are
        return value
    for character in value:
        if unicodedata.category(character) in _LINE_BREAKING:
            raise ComposeError(f"{what} contains the control character U+{ord(character):04X}")
    return value


def shown(value: str, *, limit: int = 500) -> str:
    """A value that somebody else wrote, for people to read: one line, at most `limit` of its characters.

    Controls, bidi marks and other unseen characters become `<U+XXXX>`; what is cut is announced by an ellipsis.
    """
    seen = with_code_points(value[:limit], _UNSEEN)
    return f"{seen} […]" if len(value) > limit else seen
