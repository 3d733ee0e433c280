"""The two languages of the pages: catalogues, sentences with values, dates and numbers.

`locale/fr.po` is read at the start, so that nothing compiled has to be kept beside it. English is what the code says.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from filters.sentence import Sentence
from gateway.clock import moment_in

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

LANGUAGES = ("en", "fr")
_LOCALES = {"en": "en_CA", "fr": "fr_CA"}
_LONG = len("2026-05-04 12:00:05Z")
_CATALOGUES = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Words:
    """Everything that a page says, in one language. `zone` is where its readers are."""

    language: str
    zone: ZoneInfo

    @property
    def catalogue(self) -> NullTranslations:
        """For Jinja's i18n extension."""
        return _catalogue(self.language)

    def say(self, sentence: str) -> str:
        """The sentence in this language, with its own values; what is no known sentence stays as it is."""
        if not sentence:
            return ""  # which would be gettext's name for the catalogue's header
        if not isinstance(sentence, Sentence):
            return self.catalogue.gettext(sentence)
        template = self.catalogue.gettext(sentence.template)
        if not sentence.values:
            return template
        return template.format_map({name: self._value(value) for name, value in sentence.values.items()})

    def _value(self, value: object) -> object:
        if isinstance(value, str) and len(value) == _LONG:
            value = moment_in(value) or value  # operations write one as text: commands show it so
        match value:
            case tuple():
                return " ".join(str(self._value(one)) for one in value)
            case Sentence() | StrEnum():
                return self.say(value)
            case int() | float() if not isinstance(value, bool):
                return self.number(value)
            case datetime():
                return self.moment(value)
            case date():
                return self.day(value)
            case _:
                return value

    def moment(self, at: datetime) -> str:
        """A day and a time."""
        return format_datetime(at, "yyyy-MM-dd HH:mm", tzinfo=self.zone, locale=_LOCALES[self.language])

    def day(self, day: date) -> str:
        """A day."""
        return format_date(day, "yyyy-MM-dd", locale=_LOCALES[self.language])

    def age(self, since: datetime, now: datetime) -> str:
        """How long it is since then, in its largest unit."""
        return self.span(now - since)

    def span(self, time: timedelta) -> str:
        """A length of time, in its largest unit."""
        return format_timedelta(time, threshold=1.2, locale=_LOCALES[self.language])

    def number(self, number: float) -> str:
        """A number, with its separators."""
        return format_decimal(number, locale=_LOCALES[self.language])


@cache
def _catalogue(language: str) -> NullTranslations:
    file = _CATALOGUES / f"{language}.po"
    if not file.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)
