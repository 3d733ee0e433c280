"""The French catalogue: complete, of today, and typeset as Canadian French is."""

from __future__ import annotations

import re

import pytest

from gateway.model.vocabularies import VOCABULARIES
from tests.support.catalogue import FRENCH, french, messages_in_use, placeholders, texts, written

TRANSLATED = [message for message in french() if message.id]
NO_BREAK = "\N{NO-BREAK SPACE}"


def test_the_catalogue_holds_what_is_said_today_and_nothing_else() -> None:
    catalogue = french()
    catalogue.update(messages_in_use(), no_fuzzy_matching=True)
    assert FRENCH.read_text(encoding="utf-8") == written(catalogue), "run `make catalogue`"


def test_every_message_has_a_french_translation() -> None:
    assert [message.id for message in TRANSLATED if not all(texts(message)[1])] == []


def test_nothing_is_half_translated() -> None:
    assert [message.id for message in TRANSLATED if message.fuzzy] == []


def test_a_translation_puts_in_the_same_values() -> None:
    different = {
        message.id: translated
        for message in TRANSLATED
        for translated in texts(message)[1]
        if placeholders(translated) != placeholders(texts(message)[0][-1])
    }
    assert different == {}


def test_a_plural_has_both_forms() -> None:
    assert [message.id for message in TRANSLATED if message.pluralizable and len(texts(message)[1]) != 2] == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (rf"(?<!{NO_BREAK})[:»](?=\s|$)", "a no-break space stands before a colon and a closing guillemet"),
        (rf"«(?!{NO_BREAK})", "a no-break space stands after an opening guillemet"),
        (r"\s[;!?](?=\s|$)", "no space stands before a semicolon, an exclamation mark or a question mark"),
        (r"[“”\"]", "French quotes are guillemets"),
    ],
    ids=["closing", "opening", "no space", "quotes"],
)
def test_french_is_typeset_as_in_canada(wrong: str, why: str) -> None:
    found = [one for message in TRANSLATED for one in texts(message)[1] if re.search(wrong, one)]
    assert found == [], why


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (r"[Cc]ollecte", "adresse de regroupement"),
        (r"[Aa]ttribu", "confier"),
        (r"[Rr]eten[iu]|[Rr]etient|[Rr]etenir", "mis en attente"),
        (r"[Éé]cart(é|er)", "rejeter"),
        (r"en silence", "mettre sous silence"),
        (r"[Ll]ibér", "remettre"),
        (r"\be-mail|\bmail\b", "courriel"),
    ],
)
def test_one_thing_has_one_name_as_the_glossary_says(other: str, word: str) -> None:
    found = [one for message in TRANSLATED for one in texts(message)[1] if re.search(other, one)]
    assert found == [], f"the glossary says: {word}"
    glossary = (FRENCH.parents[3] / "docs" / "glossary.md").read_text(encoding="utf-8").partition("## In French")[2]
    assert word in glossary


def test_the_words_of_every_vocabulary_that_sentences_contain_are_in_the_catalogue() -> None:
    known = {message.id for message in TRANSLATED}
    assert {word.value for vocabulary in VOCABULARIES.values() for word in vocabulary} - known == set()
