"""How sentences stand in a row: template and values, so that a case can be read in another language later.

Words of a closed vocabulary come back as members of it. What is no sentence, and what an older version stored, is
plain text.
"""

from __future__ import annotations

import json
from typing import Any

from filters.sentence import Sentence
from gateway.model.vocabularies import VOCABULARIES

DEEPEST = 5
"""Sentences in sentences; what lies deeper is plain text."""

_BEGINS = '{"template":'


def told(text: str) -> str:
    """The text as a column of text holds it."""
    if isinstance(text, Sentence) or text.startswith(_BEGINS):
        return json.dumps(as_told(text if isinstance(text, Sentence) else Sentence(text)), separators=(",", ":"))
    return str(text)


def heard(stored: str) -> str:
    """What `told` was given."""
    return as_heard(json.loads(stored)) if stored.startswith(_BEGINS) else stored


def as_told(text: str, depth: int = 0) -> str | dict[str, Any]:
    """The text as JSON: an object for a sentence, else a string."""
    if not isinstance(text, Sentence) or depth >= DEEPEST:
        return str(text)
    return {
        "template": text.template,
        "values": {name: _value_told(value, depth) for name, value in text.values.items()},
    }


def as_heard(found: str | dict[str, Any]) -> str:
    """What `as_told` was given."""
    if isinstance(found, str):
        return found
    template, values = found["template"], found["values"]
    return Sentence(template, **{name: _value_heard(value) for name, value in values.items()})


def _value_told(value: object, depth: int) -> object:
    if isinstance(value, Sentence):
        return as_told(value, depth + 1)
    if type(value).__name__ in VOCABULARIES:
        return {"of": type(value).__name__, "word": str(value)}
    return value if isinstance(value, int) else str(value)


def _value_heard(found: Any) -> object:
    if not isinstance(found, dict):
        return found
    return as_heard(found) if "template" in found else _word(found["of"], found["word"])


def _word(vocabulary: str, word: str) -> str:
    """The member of a vocabulary; a word that is in none any more as it is."""
    return next((member for member in VOCABULARIES.get(vocabulary, ()) if member.value == word), word)
