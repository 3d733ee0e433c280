"""Characters that nobody sees: each has a mark, and what a script needs has none."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.preview.invisible import Invisible, line_segments, plain, segments

RLO = Invisible("RLO", "RIGHT-TO-LEFT OVERRIDE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("ordinary text, é, 领事, مرحبا, שלום", "ordinary text, é, 领事, مرحبا, שלום"),
        ("\u202egpj.exe", "⟦RLO⟧gpj.exe"),
        ("a\u202ab\u202bc\u202cd\u202de", "a⟦LRE⟧b⟦RLE⟧c⟦PDF⟧d⟦LRO⟧e"),
        ("\u2066a\u2067b\u2068c\u2069", "⟦LRI⟧a⟦RLI⟧b⟦FSI⟧c⟦PDI⟧"),
        ("a\u200eb\u200fc\u061cd", "a⟦LRM⟧b⟦RLM⟧c⟦ALM⟧d"),
        ("mfa\u200b.gov\u200c.cn\u200d", "mfa⟦ZWSP⟧.gov⟦ZWNJ⟧.cn⟦ZWJ⟧"),
        ("\ufeffa\u2060b\u00adc\u034fd", "⟦BOM⟧a⟦WJ⟧b⟦SHY⟧c⟦CGJ⟧d"),
        ("a\u3164b\u115fc\u2800d\uffa0e\u2061f", "a⟦U+3164⟧b⟦U+115F⟧c⟦U+2800⟧d⟦U+FFA0⟧e⟦U+2061⟧f"),
        ("a\0b\x1bc\x7fd\x85e\x9bf", "a⟦NUL⟧b⟦ESC⟧c⟦DEL⟧d⟦NEL⟧e⟦U+009B⟧f"),
        ("a\u2028b\u2029c", "a⟦LSEP⟧b⟦PSEP⟧c"),
        ("a\ud800b", "a⟦U+D800⟧b"),
        ("a\ufe00b\U000e0100c", "a⟦U+FE00⟧b⟦U+E0100⟧c"),
        ("\U000e0001\U000e0073\U000e0065\U000e0065", "⟦U+E0001⟧⟦TAG see ×3⟧"),
        ("a\u200b\u200bb", "a⟦ZWSP ×2⟧b"),
    ],
)
def test_what_has_no_glyph_gets_a_mark(text: str, expected: str) -> None:
    assert plain(segments(text)) == expected


def test_a_mark_has_its_name_and_stands_between_the_text() -> None:
    assert segments("a\u202eb") == ("a", RLO, "b")
    assert segments("\u202e\u202e") == (Invisible("RLO", "RIGHT-TO-LEFT OVERRIDE", 2),)


@pytest.mark.parametrize(
    "text",
    [
        "❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3",  # selectors behind symbols, and of a keycap
        "👩\u200d👩\u200d👧 🏳\ufe0f\u200d🌈 👩🏽\u200d⚕\ufe0f",  # joined emoji
        "می\u200cخواهم",  # Persian
        "क्\u200dष क्\u200cष",  # Devanagari
        "a b c　d",  # spaces are seen as spaces
    ],
)
def test_what_a_script_or_an_emoji_needs_stays(text: str) -> None:
    assert segments(text) == (text,)


@pytest.mark.parametrize(
    "text", ["a\u200cb", "a\u200db", "a\ufe0f", "1\ufe0f", "❤\ufe0f\ufe0f", "\u200c", "م\u200c", "👩\u200da"]
)
def test_the_same_elsewhere_is_marked(text: str) -> None:
    assert any(isinstance(piece, Invisible) for piece in segments(text))


def test_line_ends_are_marked_where_there_should_be_one_line() -> None:
    assert segments("a\tb\nc") == ("a\tb\nc",)
    assert plain(line_segments("a\tb\nc\rd")) == "a⟦TAB⟧b⟦LF⟧c⟦CR⟧d"


def test_many_in_a_row_are_one_mark_that_names_some() -> None:
    """Newsletters pad their preview line with hundreds."""
    assert plain(segments("Hello" + "\u034f\u200c\u00a0" * 100 + "!")) == "Hello⟦CGJ ZWNJ ×200⟧\u00a0!"
    selectors = "".join(chr(0xE0100 + number) for number in range(50))
    assert plain(segments(f"a{selectors}b")) == "a⟦U+E0100 U+E0101 U+E0102 U+E0103 … ×50⟧b"


def test_a_long_word_of_tags_is_cut() -> None:
    assert plain(segments("\U000e0061" * 500)) == f"⟦TAG {'a' * 200}… ×500⟧"


def test_marks_beyond_a_number_are_text() -> None:
    found = segments("\u200ba" * 20_000)
    assert len(found) < 15_000
    assert plain(found) == "⟦ZWSP⟧a" * 20_000


@given(st.text(max_size=200))
def test_no_control_or_format_character_is_left_but_where_it_serves(text: str) -> None:
    for piece in segments(text):
        if isinstance(piece, str):
            assert all(character not in "\u202e\u2066\u200b\U000e0041\0" for character in piece)
            left = {unicodedata.category(character) for character in piece if character not in "\n\t\u200c\u200d"}
            assert not left & {"Cc", "Cs"}


@given(st.text(alphabet="a \u200b\u202e\U000e0041\u200c\u00a0\n", max_size=60))
def test_nothing_that_is_seen_is_lost(text: str) -> None:
    letters = [character for character in text if character in "a\n"]
    kept = [character for piece in segments(text) if isinstance(piece, str) for character in piece]
    assert [character for character in kept if character in "a\n"] == letters
