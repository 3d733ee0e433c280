"""Exceptions of the gateway. Policy refusals are values; these are for broken machinery and wrong input.

LiaisonError
|-- ConfigurationError   the configuration is wrong: what, where, and what would be right (exit 2)
|-- RefusedError         a person asked for something that is not allowed or not there: why (exit 1)
|-- StoreError           the database can't be reached or can't commit
`-- SealError            a stored message can't be opened: its key is missing or it was tampered with
"""

from __future__ import annotations

from filters.sentence import Sentence


class LiaisonError(Exception):
    """Base of all."""


class ConfigurationError(LiaisonError):
    """Every problem found, one sentence each ("file:line: key: what is wrong; what would be right")."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RefusedError(LiaisonError):
    """An operation was refused; the message is a sentence for the person who asked.

    `RefusedError("{reference} is closed already", reference=...)`: what stands in braces can be translated around.
    """

    def __init__(self, template: str, **values: object) -> None:
        self.sentence = template if isinstance(template, Sentence) else Sentence(template, **values)
        super().__init__(self.sentence)


class StoreError(LiaisonError):
    """The database can't be reached, is full, or could not commit."""


class SealError(LiaisonError):
    """A stored message can't be opened."""
