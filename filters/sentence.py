"""Sentences for people: English as they stand, and translatable, for they remember what was put into which words.

A sentence is a string: who only shows or stores it needs nothing else. The console translates the template and puts
the same values into it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Sentence(str):
    """`Sentence("{value} is on the list", value="mfa.gov.cn")`. A value may be a sentence itself."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        """Without values the template is the sentence, braces and all."""
        sentence = super().__new__(cls, template.format_map(values) if values else template)
        sentence.template = template
        sentence.values = MappingProxyType(values)
        return sentence


def join(sentences: Iterable[Sentence], between: str = " ") -> Sentence:
    """Sentences one after the other, as one that can be translated still."""
    values: dict[str, object] = {f"sentence_{number}": sentence for number, sentence in enumerate(sentences)}
    return Sentence(between.join(f"{{{name}}}" for name in values), **values)
