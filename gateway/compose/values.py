"""In whose name we write: the agency's names and contacts, and the forms that English and French sentences need.

It knows nothing of configuration files: the caller fills it from the settings. It never holds anything of a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.compose.text import ComposeError

_ARTICLE = re.compile(r"(?P<article>les|le|la)\s+(?P<noun>.+)|l(?P<mark>['’])\s*(?P<elided>.+)", re.IGNORECASE)
_VOWELS = "aàâäeéèêëiîïoôöuùûüœæ"


OwnTexts = tuple[tuple[str, str], ...]
"""Templates of an agency's own, by their names; each stands in the place of the shipped one of that name."""


class Language(StrEnum):
    """The languages that we write in (RFC 5646 tags)."""

    EN = "en"
    FR = "fr"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyVoice:
    """Who speaks, and to whom readers are referred.

    `name_en` and `name_fr` are singular and start with their article, as in the middle of a sentence ("the Example
    Police Service", "le Service de police d'Exemple"). Units, phone numbers and the consular contact may be empty:
    the agency's name and `contact_email` stand in. `hostname` is the public name used in Message-IDs and trace
    fields. Languages are in the order of the text. Raises `ComposeError` if one of the others is empty.
    """

    hostname: str
    name_en: str
    name_fr: str
    contact_email: str
    ildc_address: str
    interpol_address: str
    collation_from: str
    unit_en: str = ""
    unit_fr: str = ""
    contact_phone: str = ""
    consular_email: str = ""
    consular_phone: str = ""
    ildc_name_en: str = "International Liaison and Deployment Centre (ILDC)"
    ildc_name_fr: str = "International Liaison and Deployment Centre (ILDC) de la GRC"
    decline_languages: tuple[Language, ...] = (Language.EN, Language.FR)
    notice_languages: tuple[Language, ...] = (Language.EN, Language.FR)
    report_languages: tuple[Language, ...] = (Language.EN, Language.FR)
    texts: OwnTexts = field(default=(), repr=False)
    marking: str = ""
    """What stands on top of everything that is written for collation, in both languages; "" for nothing."""

    def __post_init__(self) -> None:
        required = {
            "hostname": self.hostname,
            "name_en": self.name_en,
            "name_fr": self.name_fr,
            "contact_email": self.contact_email,
            "ildc_address": self.ildc_address,
            "interpol_address": self.interpol_address,
            "collation_from": self.collation_from,
        }
        if empty := [name for name, value in required.items() if not value.strip()]:
            raise ComposeError(f"mail can't be written in the agency's name: {', '.join(empty)} is empty")
        for languages in (self.decline_languages, self.notice_languages, self.report_languages):
            if not languages or len(set(languages)) != len(languages):
                raise ComposeError("a mail needs at least one language, and each only once")

    def name(self, language: Language) -> str:
        """The agency's name, capitalized, to stand alone or to begin a sentence."""
        return capitalized(self.name_en if language is Language.EN else self.name_fr)

    def names(self, languages: tuple[Language, ...]) -> str:
        """The names in these languages, side by side: what a From field shows."""
        return " / ".join(self.name(language) for language in languages)

    def marked(self, text: str) -> str:
        """A text for collation under its mark."""
        return f"{self.marking}\n\n{text}" if self.marking else text

    def marking_data(self) -> dict[str, str]:
        """The mark in a JSON document; nothing where there is none."""
        return {"marking": self.marking} if self.marking else {}

    def data(self) -> dict[str, str]:
        """What a JSON document says of the agency."""
        return {
            "name_en": self.name_en,
            "name_fr": self.name_fr,
            "unit_en": self.unit_en,
            "unit_fr": self.unit_fr,
            "contact_email": self.contact_email,
            "contact_phone": self.contact_phone,
        }

    def variables(self) -> dict[str, str]:
        """What every template may say of the agency."""
        return {
            "agency_en": self.name_en,
            "agency_en_cap": self.name(Language.EN),
            "agency_fr": self.name_fr,
            "agency_fr_cap": self.name(Language.FR),
            "agency_fr_de": with_de(self.name_fr),
            "unit_en": self.unit_en or self.name(Language.EN),
            "unit_fr": self.unit_fr or self.name(Language.FR),
            "contact_email": self.contact_email,
            "contact_phone": self.contact_phone,
        }


@dataclass(frozen=True, slots=True)
class Mission:
    """The name of a mission as its list entry gives it; either language may be empty, and then the other serves."""

    en: str = ""
    fr: str = ""

    def named(self, language: Language) -> str:
        """The name in that language, else in the other, else ""."""
        ranked = (self.en, self.fr) if language is Language.EN else (self.fr, self.en)
        return next(filter(None, ranked), "")


def capitalized(name: str) -> str:
    """`the X` -> `The X`, `l'X` -> `L'X`: the first letter alone."""
    return name[:1].upper() + name[1:]


def with_de(name: str) -> str:
    """A French name after "de": `le X` -> `du X`, `la X` -> `de la X`, `l'X` -> `de l'X`, `les X` -> `des X`.

    Without an article: `de X`, or `d'X` before a vowel.
    """
    match = _ARTICLE.fullmatch(name.strip())
    if match is None:
        return f"d'{name}" if name[:1].lower() in _VOWELS else f"de {name}"
    if match["elided"]:
        return f"de l{match['mark']}{match['elided']}"
    contracted = {"le": "du", "la": "de la", "les": "des"}[match["article"].lower()]
    return f"{contracted} {match['noun']}"
