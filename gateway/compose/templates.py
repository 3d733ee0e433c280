"""The texts of our mail: Jinja2 templates in a sandbox, with a closed list of variables, wrapped to 72 columns.

An agency may have texts of its own in place of some or all of the shipped ones; they are read once, and checked.

A line of a template is a paragraph. No template is given anything that the message said, except where a report is
made of it; none can reach a function, an attribute or a file. This is the only module that knows Jinja2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.compose.text import ComposeError, plain
from gateway.compose.values import Language, OwnTexts
from gateway.model.outbox import Purpose
from gateway.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Values = dict[str, str | int]
"""What a template is given, by variable name."""

WIDTH = 72
_PARAGRAPHS = 512
"""Whose wrapping is remembered: most of them are the same in every mail."""
RULE = "-" * 70
"""Stands between the languages."""

_GLUE = "\x1f"
"""A space that is not to become a line break while the text is wrapped. No value can bring one: it is a control."""

_ITEM = re.compile(r" *(?:-|\d+\.) ")

_AGENCY = frozenset(
    {
        "agency_en",
        "agency_en_cap",
        "agency_fr",
        "agency_fr_cap",
        "agency_fr_de",
        "unit_en",
        "unit_fr",
        "contact_email",
        "contact_phone",
    }
)

VARIABLES: Mapping[Purpose, frozenset[str]] = MappingProxyType(
    {
        Purpose.DECLINE: _AGENCY
        | {"ref", "received", "consular_email", "consular_phone"}
        | {"ildc_name_en", "ildc_name_fr", "ildc_email", "interpol_email"},
        Purpose.NOTICE: _AGENCY | {"ref", "received", "mission_en", "mission_fr"},
        Purpose.REPORT: _AGENCY
        | {"ref", "received", "mission_en", "mission_fr", "entry", "sender", "envelope_sender", "client_ip"}
        | {"auth", "spf", "dkim", "dmarc", "decline", "sha256", "size", "attached"}
        | {"recipients", "held", "released", "delivered", "refused", "pending"}
        | {"channel", "role", "approached", "asked", "answered", "note"},
        Purpose.RETRACTION: _AGENCY | {"ref", "received"},
        Purpose.AMENDMENT: _AGENCY
        | {"ref", "received", "version", "tier", "text"}
        | {"recipients", "held", "released", "delivered", "refused", "pending"},
        Purpose.ACKNOWLEDGEMENT: _AGENCY
        | {"received", "refs", "most"}
        | {"quoted", "nothing", "outlook_item", "no_message", "redirected", "too_many"},
        Purpose.DIGEST: _AGENCY
        | {"now", "held", "oldest", "reports", "declines", "failed", "uncertain", "reports_past", "declines_past"}
        | {"oldest_days", "forwards", "answers", "unanswered", "ending", "due", "console"}
        | {"references", "more", "overdue"},
    }
)
"""All that the templates of each mail may name."""

ESSENTIAL: Mapping[Purpose, tuple[str, ...]] = MappingProxyType(
    {
        Purpose.DECLINE: ("ref", "ildc_email", "interpol_email", "consular_email"),
        Purpose.NOTICE: ("ref", "contact_email"),
        Purpose.REPORT: ("ref", "sha256", "sender", "envelope_sender"),
        Purpose.RETRACTION: ("ref", "contact_email"),
        Purpose.AMENDMENT: ("ref", "contact_email", "text"),
        Purpose.ACKNOWLEDGEMENT: ("refs", "received", "contact_email"),
        Purpose.DIGEST: ("held", "reports", "declines", "failed", "uncertain"),
    }
)
"""Whose values a text must show in each language, or it would not do its duty."""

_OPTIONAL = frozenset(
    {"contact_phone", "consular_phone", "mission_en", "mission_fr", "client_ip", "envelope_sender"}
    | {"oldest", "references", "role", "approached", "answered", "note", "tier", "refs", "console"}
)
"""Variables that may be empty."""

_SAMPLE: Values = {
    "agency_en": "the Example Police Service",
    "agency_en_cap": "The Example Police Service",
    "agency_fr": "le Service de police d'Exemple",
    "agency_fr_cap": "Le Service de police d'Exemple",
    "agency_fr_de": "du Service de police d'Exemple",
    "unit_en": "International Requests Unit",
    "unit_fr": "Groupe des demandes internationales",
    "contact_email": "liaison@police.example",
    "contact_phone": "+1 555 0100",
    "consular_email": "consular@police.example",
    "consular_phone": "+1 555 0101",
    "ildc_name_en": "Liaison Centre",
    "ildc_name_fr": "Centre de liaison",
    "ildc_email": "centre@federal.example",
    "interpol_email": "bureau@federal.example",
    "ref": "LG-2345-6789",
    "received": "2026-03-05 14:22:05+00:00",
    "mission_en": "Embassy of Example",
    "mission_fr": "Ambassade d'Exemple",
    "entry": "mission.example",
    "sender": "An Officer <officer@mission.example>",
    "envelope_sender": "bounces@mission.example",
    "client_ip": "192.0.2.25",
    "auth": "pass",
    "spf": "pass mission.example",
    "dkim": "none",
    "dmarc": "none",
    "decline": "review",
    "sha256": "0123456789abcdef" * 4,
    "size": 4096,
    "attached": 1,
    "recipients": 3,
    "held": 2,
    "released": 0,
    "delivered": 1,
    "refused": 0,
    "pending": 0,
    "channel": "e-mail",
    "role": "second secretary",
    "approached": "the duty inspector",
    "asked": "where a person lives",
    "answered": "to write to the centre",
    "note": "they will call again",
    "version": 2,
    "tier": "confirmed",
    "text": "the same office called the front desk",
    "refs": "LG-2345-6789, LG-2345-6798",
    "most": 20,
    "quoted": 1,
    "nothing": 1,
    "outlook_item": 1,
    "no_message": 1,
    "redirected": 1,
    "too_many": 1,
    "now": "2026-03-06 11:00:00+00:00",
    "oldest": "2026-03-05 14:22:05+00:00",
    "reports": 31,
    "declines": 32,
    "failed": 33,
    "uncertain": 34,
    "reports_past": 35,
    "declines_past": 36,
    "references": "LG-2345-6789, LG-9876-5432",
    "more": 5,
    "oldest_days": 2,
    "forwards": 1,
    "answers": 36,
    "unanswered": 37,
    "ending": 38,
    "due": 39,
    "console": "https://liaison.police.example",
    "overdue": 37,
}
"""What `check_templates` writes with: nobody's name, documentation addresses (RFC 2606, RFC 5737)."""


NAMES: Mapping[str, Purpose] = MappingProxyType(
    {
        f"{purpose}/{part}.{language}.txt": purpose
        for purpose in VARIABLES
        for part in ("subject", "body")
        for language in Language
    }
    | {f"follows.{language}.txt": Purpose.DECLINE for language in Language}
)
"""Every template, and the mail whose variables it may name."""


def read_texts(directory: Path) -> OwnTexts:
    """An agency's own templates, `decline/body.fr.txt` and so on. `ComposeError` says what is none, or unreadable."""
    found: list[tuple[str, str]] = []
    try:
        for path in sorted(one for one in directory.rglob("*") if one.is_file()):
            if path.suffix == ".json":  # the schemas, which come along when the shipped folder is copied
                continue
            name = path.relative_to(directory).as_posix()
            if name not in NAMES:
                raise ComposeError(f"{path} is no template; there are {', '.join(sorted(NAMES))}")
            found.append((name, path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ComposeError(f"the templates in {directory} can't be read: {error}") from error
    return tuple(found)


def subject(purpose: Purpose, languages: tuple[Language, ...], values: Values, own: OwnTexts = ()) -> str:
    """The subject in these languages, side by side, without the reference."""
    _demand(purpose, values)
    return " / ".join(_render(f"{purpose}/subject.{language}.txt", values, own) for language in languages)


def body(purpose: Purpose, languages: tuple[Language, ...], values: Values, own: OwnTexts = ()) -> str:
    """The text in these languages, one after the other, LF line ends; the first lines say that another follows."""
    _demand(purpose, values)
    announced = [_render(f"follows.{language}.txt", values, own) for language in languages[1:]]
    texts = [_render(f"{purpose}/body.{language}.txt", values, own) for language in languages]
    return "\n\n".join((*announced, f"\n\n{RULE}\n\n".join(texts))) + "\n"


def announcement(language: Language, own: OwnTexts = ()) -> str:
    """What says on top of a text that this language follows, as far as it is the same in every mail."""
    return _render(f"follows.{language}.txt", {name: _SAMPLE[name] for name in VARIABLES[Purpose.DECLINE]}, own)


def wrap(text: str) -> str:
    """Each line as a paragraph of at most 72 columns.

    Items (`- `, `1. `) hang under their first word; other indented lines are addresses and stay whole, as does a
    word that is longer than a line.
    """
    wrapped = "\n".join(line for paragraph in text.split("\n") for line in _wrap_paragraph(paragraph))
    return wrapped.replace(_GLUE, " ")


def check_templates(own: OwnTexts = ()) -> tuple[str, ...]:
    """Every problem of the mail templates, an agency's own and the shipped ones beside them, one sentence each."""
    return tuple(problem for name, purpose in NAMES.items() for problem in _problems(own, name, purpose))


@lru_cache(maxsize=_PARAGRAPHS)
def _wrap_paragraph(paragraph: str) -> tuple[str, ...]:
    item = _ITEM.match(paragraph)
    if paragraph.startswith(" ") and item is None:
        return (paragraph,)
    return tuple(line.rstrip(" ") for line in _lines(paragraph, " " * item.end() if item else ""))


def _lines(paragraph: str, hang: str) -> Iterator[str]:
    """Filled with as many words as there is room for (Python's textwrap does the same in thirty times the time)."""
    start, indent = 0, ""
    while len(paragraph) - start > WIDTH - len(indent):
        end = paragraph.rfind(" ", start + 1, start + WIDTH - len(indent) + 1)
        if end < 0:
            end = paragraph.find(" ", start + WIDTH - len(indent))
        if end < 0:
            break
        yield indent + paragraph[start:end]
        start, indent = end + 1, hang
        while paragraph.startswith(" ", start):
            start += 1
    if start < len(paragraph) or not start:
        yield indent + paragraph[start:]


def _demand(purpose: Purpose, values: Values) -> None:
    """`ComposeError` unless these are the variables of such a mail, with values that may stand in a text."""
    if values.keys() != VARIABLES[purpose]:
        raise ComposeError(f"the {purpose} is not given its variables: {sorted(values.keys() ^ VARIABLES[purpose])}")
    if not "".join(map(str, values.values())).isprintable():  # rare; then which one it is, and whether it matters
        for variable, value in values.items():
            plain(variable, str(value))


def _render(name: str, values: Values, own: OwnTexts) -> str:
    """The wrapped text of one template. `ComposeError` for a wrong one."""
    try:
        text = _environment(own).get_template(name).render(values)
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise ComposeError(f"template {name}: {type(error).__name__}: {error}") from error
    return wrap(text.strip("\n"))


def _loader(own: OwnTexts) -> ChoiceLoader:
    return ChoiceLoader([DictLoader(dict(own)), FileSystemLoader(shipped("templates") / "mail")])


@lru_cache(4)
def _environment(own: OwnTexts) -> ImmutableSandboxedEnvironment:
    """Text, so nothing is escaped; no globals and one filter, so a template can do no more than place variables."""
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(own),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # compiled once: nobody looks at the files again for each mail
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.filters["whole"] = _whole
    return environment


def _whole(value: object) -> str:
    """A value that is not to be broken between two lines: a phone number, a date."""
    return str(value).replace(" ", _GLUE)


def _problems(own: OwnTexts, name: str, purpose: Purpose) -> Iterator[str]:
    full = {variable: _SAMPLE[variable] for variable in VARIABLES[purpose]}
    bare = full | dict.fromkeys(_OPTIONAL & full.keys(), "")
    by_hand = full | ({"channel": "phone", "envelope_sender": ""} if purpose is Purpose.REPORT else {})
    try:
        for variable in sorted(_named_variables(own, name) - VARIABLES[purpose]):
            yield f"template {name}: {variable} is not a variable of the {purpose}"
        texts = [(_render(name, values, own), values) for values in (full, bare, by_hand)]
    except ComposeError as error:
        yield str(error)
        return
    for text, values in texts:
        yield from _shortcomings(name, text, values)


def _named_variables(own: OwnTexts, name: str) -> set[str]:
    """Also those in branches that no sample takes."""
    try:
        environment = _environment(own)
        source, _, _ = _loader(own).get_source(environment, name)
        return meta.find_undeclared_variables(environment.parse(source))
    except (OSError, ValueError, TemplateError) as error:
        raise ComposeError(f"template {name}: {type(error).__name__}: {error}") from error


def _shortcomings(name: str, text: str, values: Values) -> Iterator[str]:
    purpose, _, part = name.partition("/")
    if not text.strip():
        yield f"template {name}: it says nothing"
    elif part.startswith("subject") and "\n" in text:
        yield f"template {name}: a subject is one line of at most {WIDTH} columns"
    elif part.startswith("body"):
        said = " ".join(text.split())
        for variable in ESSENTIAL[Purpose(purpose)]:
            if " ".join(str(values[variable]).split()) not in said:
                yield f"template {name}: it does not say {variable}"
        if purpose == Purpose.DECLINE and "911" not in said:
            yield f"template {name}: it does not say 911"
