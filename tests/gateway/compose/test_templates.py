from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from gateway.compose import templates
from gateway.compose.text import ComposeError
from gateway.compose.values import Language
from gateway.model.outbox import Purpose
from gateway.shipped import shipped
from tests.support.correspondence import VOICE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOTICE_VALUES: templates.Values = {
    **VOICE.variables(),
    "ref": "LG-1",
    "received": "2026",
    "mission_en": "",
    "mission_fr": "",
}


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """The shipped templates, for a test to spoil."""
    return shutil.copytree(shipped("templates") / "mail", tmp_path / "mail")


def test_the_shipped_templates_have_no_problems() -> None:
    assert templates.check_templates() == ()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("decline/body.en.txt", "{{ sender }}", "sender is not a variable of the decline"),
        (
            "decline/body.en.txt",
            "{% if ref == '' %}{{ client_ip }}{% endif %}",
            "client_ip is not a variable of the decline",
        ),
        (
            "decline/body.fr.txt",
            "{{ ref }} {{ interpol_email }} {{ consular_email }} 911",
            "it does not say ildc_email",
        ),
        (
            "decline/body.fr.txt",
            "{{ ref }} {{ interpol_email }} {{ ildc_email }} {{ consular_email }}",
            "it does not say 911",
        ),
        ("decline/body.fr.txt", "{{ ref", "TemplateSyntaxError"),
        ("decline/subject.fr.txt", "two\nlines", "a subject is one line"),
        ("decline/subject.fr.txt", "", "it says nothing"),
        ("follows.en.txt", "{{ unknown }}", "unknown is not a variable"),
        ("notice/body.en.txt", "{{ ref|upper }}", "No filter named 'upper'"),
        ("notice/body.en.txt", "{{ ref.__class__.__mro__ }}", "SecurityError"),
        ("notice/body.en.txt", "{{ 1 / 0 }}", "ZeroDivisionError"),
        ("notice/body.en.txt", "{{ ref + 1 }}", "TypeError"),
        ("notice/body.en.txt", "{{ ref }} {{ contact_email }} {{ {}[ref] }}", "UndefinedError"),
        ("notice/body.en.txt", "{% include '/etc/passwd' %}", "TemplateNotFound"),
        ("report/body.en.txt", "{{ ref }} {{ sender }} {{ envelope_sender }}", "it does not say sha256"),
    ],
)
def test_a_spoiled_template_is_reported_with_its_name_and_what_is_wrong(
    edited: Path, name: str, text: str, problem: str
) -> None:
    (edited / name).write_text(text, "utf-8")
    problems = templates.check_templates(templates.read_texts(edited))
    assert problems
    assert all(name in each for each in problems)
    assert problem in "\n".join(problems)


def test_a_template_that_an_agency_lacks_is_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "notice").mkdir()
    (tmp_path / "notice/subject.en.txt").write_text("Held, as our own words say")
    own = templates.read_texts(tmp_path)
    assert templates.check_templates(own) == ()
    both = (Language.EN, Language.FR)
    shipped_one = templates.subject(Purpose.NOTICE, both, NOTICE_VALUES)
    assert templates.subject(Purpose.NOTICE, both, NOTICE_VALUES, own) == (
        f"Held, as our own words say / {shipped_one.partition(' / ')[2]}"
    )


def test_a_file_that_is_no_template_is_told_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "decline").mkdir()
    (tmp_path / "decline/body.en.text").write_text("{{ ref }}")
    with pytest.raises(ComposeError, match=r"body\.en\.text is no template; there are .*decline/body\.en\.txt"):
        templates.read_texts(tmp_path)


def test_a_template_that_is_not_utf_8_is_told(edited: Path) -> None:
    (edited / "report/subject.fr.txt").write_bytes("étrangère".encode("latin-1"))
    with pytest.raises(ComposeError, match="can't be read: 'utf-8' codec"):
        templates.read_texts(edited)


@pytest.mark.parametrize("write", [templates.subject, templates.body])
def test_a_template_is_given_all_of_its_variables_and_no_others(write: Callable[..., str]) -> None:
    with pytest.raises(ComposeError, match="sender"):
        write(Purpose.NOTICE, (Language.EN,), {**NOTICE_VALUES, "sender": "x"})
    with pytest.raises(ComposeError, match="ref"):
        write(Purpose.NOTICE, (Language.EN,), {k: v for k, v in NOTICE_VALUES.items() if k != "ref"})


def test_a_value_with_a_line_break_reaches_no_template() -> None:
    with pytest.raises(ComposeError, match=r"mission_en contains the control character U\+000A"):
        templates.body(Purpose.NOTICE, (Language.EN,), {**NOTICE_VALUES, "mission_en": "a\nb"})


def test_a_value_is_text_and_never_a_template() -> None:
    text = templates.body(Purpose.NOTICE, (Language.EN,), {**NOTICE_VALUES, "mission_en": "{{ 7*7 }} <b>&"})
    assert "{{ 7*7 }} <b>&" in " ".join(text.split())


@pytest.mark.parametrize(
    ("given", "wrapped"),
    [
        ("a " * 40, ("a " * 36).strip() + "\n" + "a a a a"),
        ("short", "short"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("  " + "indented " * 20, "  " + "indented " * 20),
        ("see https://federal.example/" + "a" * 80 + " now", "see\nhttps://federal.example/" + "a" * 80 + "\nnow"),
        ("  - " + "item " * 20, "  - " + ("item " * 13).strip() + "\n    " + ("item " * 7).strip()),
        ("  10. " + "item " * 20, "  10. " + ("item " * 13).strip() + "\n      " + ("item " * 7).strip()),
        ("Référence\u00a0: " * 8, ("Référence\u00a0: " * 6).strip() + "\n" + ("Référence\u00a0: " * 2).strip()),
        ("well-known " * 12, ("well-known " * 6).strip() + "\n" + ("well-known " * 6).strip()),
    ],
)
def test_text_is_wrapped_at_72_columns_and_addresses_stay_whole(given: str, wrapped: str) -> None:
    assert templates.wrap(given) == wrapped


@pytest.mark.parametrize(
    ("languages", "first_line"),
    [
        ((Language.EN, Language.FR), "(Le texte français suit le texte anglais.)"),
        ((Language.FR, Language.EN), "(The English text follows the French text.)"),
    ],
)
def test_the_first_line_tells_readers_of_the_other_language_to_read_on(
    languages: tuple[Language, ...], first_line: str
) -> None:
    assert templates.body(Purpose.NOTICE, languages, NOTICE_VALUES).startswith(first_line + "\n\n")


def test_a_single_language_announces_no_other() -> None:
    text = templates.body(Purpose.NOTICE, (Language.FR,), NOTICE_VALUES)
    assert text.startswith("Un message")
    assert templates.RULE not in text


@pytest.mark.parametrize("path", sorted((shipped("templates") / "mail").rglob("*.fr.txt")), ids=lambda path: path.name)
def test_french_is_written_as_french_is(path: Path) -> None:
    text = re.sub(r"\{[{%].*?[%}]\}", "x", path.read_text("utf-8"))
    assert "collation" not in text.lower()
    assert " :" not in text.replace("\u00a0:", ""), "a no-break space stands before a colon"
    assert not any(f" {mark}" in text for mark in ";?!"), "no space before these in Canada"
    assert "référer" not in text
