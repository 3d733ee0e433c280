"""docs/console.md says who may do what, as the table of the program does; docs/console.fr.md says the same in French."""

from __future__ import annotations

import re

import pytest

from gateway.model.people import ALLOWED, Role, Verb
from tests.support.checkout import ROOT, document

GUIDES = {"docs/console.md": ("yes", "no"), "docs/console.fr.md": ("oui", "non")}
"""Each guide, and its words for what a role may do and may not."""


def tables(guide: str) -> list[list[str]]:
    """The rows of each table that has two columns, a table a list."""
    return [part.splitlines() for part in re.findall(r"(?:^\|[^|\n]*\|[^|\n]*\|\n)+", document(guide), re.MULTILINE)]


@pytest.mark.parametrize(("guide", "words"), GUIDES.items())
def test_the_table_of_roles_is_the_programs(guide: str, words: tuple[str, str]) -> None:
    text, (may, may_not) = document(guide), words
    header = re.search(r"^\| \| (reviewer .*) \|$", text, re.MULTILINE)
    assert header is not None
    roles = [Role(word.strip()) for word in header[1].split("|")]
    word = f"(?:{may}|{may_not})"
    rows = re.findall(rf"^\| `([a-z-]+)` \| ({word}(?: \| {word})*) \|$", text, re.MULTILINE)
    said = {
        (Verb(verb), role): one == may
        for verb, cells in rows
        for role, one in zip(roles, cells.split(" | "), strict=True)
    }
    assert said == {(verb, role): verb in ALLOWED[role] for verb in Verb for role in Role}


def test_both_guides_have_the_same_chapters_tables_and_keys() -> None:
    english, french = GUIDES
    for pattern in (r"^## ", r"^    liaison .*$", r"`[/a-z]`"):
        assert len(re.findall(pattern, document(french), re.MULTILINE)) == len(
            re.findall(pattern, document(english), re.MULTILINE)
        ), pattern
    assert [len(rows) for rows in tables(french)] == [len(rows) for rows in tables(english)]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_pictures_of_the_guide_are_there(guide: str) -> None:
    for name in re.findall(r"\]\((screenshots/[^)]+)\)", document(guide)):
        assert (ROOT / "docs" / name).is_file(), name
