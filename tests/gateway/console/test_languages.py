"""What is said in which language: sentences with their values, words, numbers and days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from filters.disposition import Mode, Tier
from filters.lists import EntryKind, ListEntry, describe
from filters.sentence import Sentence, join
from gateway.console.languages import Words
from gateway.console.templating import environment
from gateway.errors import RefusedError

OTTAWA = ZoneInfo("America/Toronto")
ENGLISH, FRENCH = Words("en", OTTAWA), Words("fr", OTTAWA)
COLON = "\N{NO-BREAK SPACE}:"


def test_a_refusal_is_said_in_both_languages_with_its_values() -> None:
    refusal = RefusedError("There is no case {reference}", reference="LG-AAAAA-BBBBB").sentence
    assert ENGLISH.say(refusal) == "There is no case LG-AAAAA-BBBBB"
    assert FRENCH.say(refusal) == "Il n'y a pas de dossier LG-AAAAA-BBBBB"


def test_a_sentence_in_a_sentence_and_a_word_of_a_vocabulary_are_translated_too() -> None:
    entry = describe(ListEntry(kind=EntryKind.SUBTREE, value="mfa.example"))
    evidence = Sentence("{identity} is listed: {entry}.", identity="RFC5322.From a@mfa.example", entry=entry)
    reason = Sentence(
        "The tier ({tier}), the list entry or the mode ({mode}) allows no decline.",
        tier=Tier.UNVERIFIED,
        mode=Mode.OBSERVE,
    )
    assert FRENCH.say(join([evidence, reason])) == (
        f"RFC5322.From a@mfa.example figure sur la liste{COLON} mfa.example et ce qui en relève. "
        "Le niveau (non vérifié), l'inscription à la liste ou le mode (observation) ne permet aucun refus."
    )
    assert ENGLISH.say(join([evidence, reason])) == f"{evidence} {reason}"


def test_numbers_and_days_are_written_as_the_reader_writes_them() -> None:
    long = Sentence("The originator fields are too long to be read strictly ({octets} octets).", octets=1234567)
    assert "1,234,567 octets" in ENGLISH.say(long)
    assert "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567 octets" in FRENCH.say(long)
    past = Sentence("The end of an exemption lies in the future, {day} does not", day=date(2026, 1, 31))
    assert "2026-01-31" in FRENCH.say(past)


def test_a_moment_is_told_in_the_time_of_the_agency() -> None:
    assert FRENCH.moment(datetime(2026, 7, 1, 2, 30, tzinfo=UTC)) == "2026-06-30 22:30"


def test_a_moment_in_a_sentence_is_a_day_and_a_time() -> None:
    at = datetime(2026, 5, 4, 1, 30, tzinfo=UTC)
    assert (
        FRENCH.say(Sentence("The certificate ended at {at}.", at=at)) == "Le certificat a pris fin le 2026-05-03 21:30."
    )


@pytest.mark.parametrize("words", [ENGLISH, FRENCH])
@pytest.mark.parametrize("text", ["", "no message of ours", "{braces} that mean nothing", Sentence("")])
def test_what_is_no_message_of_ours_stays_as_it_is(words: Words, text: str) -> None:
    assert words.say(text) == text


@pytest.mark.parametrize("words", [ENGLISH, FRENCH])
def test_braces_in_a_value_are_only_text(words: Words) -> None:
    hostile = Sentence("There is no case {reference}", reference="{0.__class__} %(x)s {reference}")
    assert words.say(hostile).endswith("{0.__class__} %(x)s {reference}")


@pytest.mark.parametrize(("language", "shown"), [("en", "12,345 cases"), ("fr", "12\u00a0345 dossiers")])
def test_a_number_beside_its_noun_is_written_as_all_numbers_are(language: str, shown: str) -> None:
    made = environment(Words(language, ZoneInfo("UTC"))).from_string(
        '{{ ngettext("%(num)s case", "%(num)s cases", 12345) }}'
    )
    assert made.render() == shown
