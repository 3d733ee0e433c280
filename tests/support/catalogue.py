"""The catalogue of the console: every message that the code and the templates mark, and what a translation must keep.

`python -m tests.support.catalogue` brings gateway/console/locale/fr.po up to date with them; what is new is empty.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from gateway.model.vocabularies import VOCABULARIES
from tests.support.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from babel.messages.catalog import Message

FRENCH = ROOT / "gateway" / "console" / "locale" / "fr.po"
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "gettext": None, "ngettext": (1, 2), "N_": None,
    "Sentence": None, "RefusedError": None, "AddressError": None, "NonAsciiAddressError": None,
}  # fmt: skip
ONLY_ENGLISH = ("gateway/cli/", "gateway/demonstration/")
"""What speaks to a terminal."""
HEADER = """# The console in French. `make catalogue` adds what is new in the code, and takes away what is gone.
msgid ""
msgstr ""
"Language: fr\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

"""


def messages_in_use() -> Catalog:
    """What the code, the templates and the vocabularies say, untranslated."""
    catalogue = Catalog(locale="fr")
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        for message in _marked(path):
            catalogue.add(message, locations=[(name, 1)])
    for vocabulary in VOCABULARIES.values():
        for word in vocabulary:
            catalogue.add(word.value, locations=[("gateway/model/vocabularies.py", 1)])
    return catalogue


def french() -> Catalog:
    """The translation as it stands."""
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr")


def _sources() -> Iterator[Path]:
    for top in ("filters", "gateway"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(ONLY_ENGLISH):
                yield path
    yield from sorted((ROOT / "templates" / "console").rglob("*.html"))


def _marked(path: Path) -> Iterator[str | tuple[str, ...]]:
    is_template = path.suffix == ".html"
    method = "jinja2.ext:babel_extract" if is_template else "python"
    options = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"} if is_template else {}
    with path.open("rb") as file:
        for _, message, _, _ in extract(method, file, keywords=KEYWORDS, options=options):
            if message:
                yield message


def placeholders(text: str) -> set[str]:
    """`{name}` and `%(name)s`."""
    return set(re.findall(r"\{\w+[^}]*\}|%\(\w+\)\w", text))


def texts(message: Message) -> tuple[list[str], list[str]]:
    """The English forms and the French ones; one of each where there is no plural."""
    english = [message.id] if isinstance(message.id, str) else list(message.id)
    translated = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return english, translated


def written(catalogue: Catalog) -> str:
    """As the file holds it: in the order of the English, by the files that say it."""
    body = io.BytesIO()
    write_po(body, catalogue, omit_header=True, ignore_obsolete=True, include_lineno=False, sort_output=True, width=120)
    return HEADER + body.getvalue().decode().lstrip("\n")


def main() -> None:
    """Keep what is translated and in use; add what is new."""
    known = french() if FRENCH.exists() else Catalog(locale="fr")
    known.update(messages_in_use(), no_fuzzy_matching=True)
    FRENCH.write_text(written(known), encoding="utf-8")


if __name__ == "__main__":
    main()
