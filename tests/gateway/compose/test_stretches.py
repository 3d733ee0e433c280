"""The languages of a mail of ours are found again in its text, or nothing is said of them."""

from __future__ import annotations

import pytest

from gateway.compose import templates
from gateway.compose.stretches import languages_of, stretches
from gateway.compose.templates import RULE, announcement
from gateway.compose.values import Language
from gateway.model.outbox import Purpose

EN, FR = Language.EN, Language.FR
VALUES: templates.Values = {
    **dict.fromkeys(templates.VARIABLES[Purpose.DECLINE], "it"),
    "ref": "LG-1",
}


def text_in(*languages: Language) -> str:
    return templates.body(Purpose.DECLINE, languages, VALUES)


def test_each_half_and_what_announces_the_other_has_its_language() -> None:
    text = text_in(FR, EN)
    found = stretches(text, (FR, EN))
    assert "".join(words for _, words in found) == text
    assert [language for language, _ in found] == [EN, None, FR, None, EN]
    assert found[0][1] == announcement(EN)
    assert found[2][1].startswith("La présente")
    assert found[4][1].startswith("This is")


def test_a_marking_above_is_in_neither_language() -> None:
    text = f"PROTECTED B / PROTÉGÉ B\n\n{text_in(EN, FR)}"
    found = stretches(text, (EN, FR))
    assert found[0] == (None, "PROTECTED B / PROTÉGÉ B\n\n")
    assert [language for language, _ in found[1:]] == [FR, None, EN, None, FR]
    assert "".join(words for _, words in found) == text


def test_a_text_in_one_language_is_all_in_it() -> None:
    text = text_in(FR)
    assert stretches(text, (FR,)) == ((FR, text),)


@pytest.mark.parametrize("text", ["", f"a\n\n{RULE}\n\nb\n\n{RULE}\n\nc", text_in(EN)])
def test_a_text_that_is_not_in_as_many_parts_as_languages_has_none(text: str) -> None:
    assert stretches(text, (EN, FR)) == ((None, text),)


def test_what_is_announced_in_other_words_leaves_the_first_half_without_one() -> None:
    text = text_in(EN, FR)
    own = (("follows.fr.txt", "Voir plus bas."),)
    found = stretches(text, (EN, FR), own)
    assert [language for language, _ in found] == [None, None, FR]
    assert "".join(words for _, words in found) == text


@pytest.mark.parametrize(
    ("field", "languages"),
    [(b"en, fr", (EN, FR)), (b"fr", (FR,)), (b"fr,de", (FR,)), (b"\xff", ()), (b"", ())],
)
def test_the_header_says_which_languages_there_are(field: bytes, languages: tuple[Language, ...]) -> None:
    assert languages_of(b"From: a@b.example\r\nContent-Language: " + field + b"\r\n\r\ntext\r\n") == languages
