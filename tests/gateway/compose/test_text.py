from __future__ import annotations

import pytest

from gateway.compose.text import ComposeError, plain, shown


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_a_value_with_a_control_or_a_line_break_is_refused(character: str) -> None:
    with pytest.raises(ComposeError, match=rf"the name contains the control character U\+{ord(character):04X}"):
        plain("the name", f"before{character}after")


def test_a_value_in_any_script_is_left_as_it_is() -> None:
    assert plain("the name", "Sûreté 公安部 \u00a0") == "Sûreté 公安部 \u00a0"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("a\r\nBcc: b", "a<U+000D><U+000A>Bcc: b"),
        ("nul\0", "nul<U+0000>"),
        ("abc\u202egnp.exe", "abc<U+202E>gnp.exe"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("half\udc80", "half<U+DC80>"),
        ("大使馆", "大使馆"),
    ],
)
def test_what_people_could_not_see_is_shown_as_its_code_point(given: str, seen: str) -> None:
    assert shown(given) == seen


def test_what_is_shown_is_cut_with_an_ellipsis() -> None:
    assert shown("a" * 501) == "a" * 500 + " […]"
    assert shown("a" * 500) == "a" * 500


def test_whatever_is_shown_may_stand_in_a_mail() -> None:
    everything = "".join(map(chr, [*range(0x300), *range(0x2000, 0x2100), 0xD800, 0xFFFF, 0x10FFFF]))
    assert plain("it", shown(everything, limit=9999))
