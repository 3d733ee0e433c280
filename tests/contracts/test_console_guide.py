"""docs/console.md says who may do what, as the table of the program does."""

from __future__ import annotations

import re

from gateway.model.people import ALLOWED, Role, Verb
from tests.support.checkout import ROOT

GUIDE = ROOT / "docs/console.md"


def test_the_table_of_roles_is_the_programs() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    header = re.search(r"^\| \| (reviewer .*) \|$", text, re.MULTILINE)
    assert header is not None
    roles = [Role(word.strip()) for word in header[1].split("|")]
    rows = re.findall(r"^\| `([a-z-]+)` \| ((?:yes|no)(?: \| (?:yes|no))*) \|$", text, re.MULTILINE)
    said = {
        (Verb(verb), role): word == "yes"
        for verb, words in rows
        for role, word in zip(roles, words.split(" | "), strict=True)
    }
    assert said == {(verb, role): verb in ALLOWED[role] for verb in Verb for role in Role}


def test_the_pictures_of_the_guide_are_there() -> None:
    for name in re.findall(r"\]\((screenshots/[^)]+)\)", GUIDE.read_text(encoding="utf-8")):
        assert (GUIDE.parent / name).is_file(), name
