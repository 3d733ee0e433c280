"""The mark on what is written for collation: on top, in both languages, and nowhere on the way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.compose.later_report import Occasion, Thread, compose_amendment, compose_retraction
from gateway.compose.values import Language
from gateway.model.amendment import Amendment
from gateway.settings.values import Marking
from gateway.shipped import shipped
from tests.gateway.compose.test_report import conforms, follows_the_schema
from tests.support.clocks import NOON
from tests.support.correspondence import LOOP_TOKEN, VOICE, a_report, document_of, in_languages, read, text_of
from tests.support.records import a_case

MARK = "PROTECTED B / PROTÉGÉ B"
MARKED = replace(VOICE, marking=MARK)


def test_the_mark_is_in_both_languages_and_none_says_nothing() -> None:
    assert [one.words for one in Marking] == ["", "PROTECTED A / PROTÉGÉ A", MARK]


@pytest.mark.parametrize("languages", [(Language.EN,), (Language.FR,), (Language.EN, Language.FR)])
def test_the_mark_stands_on_top_of_a_report_whatever_its_languages(languages: tuple[Language, ...]) -> None:
    post = a_report(voice=in_languages(*languages, voice=MARKED))
    assert text_of(post).splitlines()[0] == MARK
    assert "PROTECTED" not in read(post)["Subject"]
    assert document_of(post)["marking"] == MARK
    assert follows_the_schema(document_of(post))


def test_without_a_mark_nothing_is_said_of_one() -> None:
    assert "PROTECTED" not in text_of(a_report())
    assert "marking" not in document_of(a_report())


def test_later_reports_have_the_mark_too() -> None:
    occasion = Occasion(
        recipient="collation@ildc.example",
        voice=MARKED,
        now=NOON,
        message_id_token="item-1",
        loop_token=LOOP_TOKEN,
    )
    thread = Thread(first="", latest="", version=2)
    amendment = Amendment(item_id="item-1", at=NOON, actor="console:ann", text="They called again.", tier=None)
    schema = json.loads((shipped("templates") / "mail/report/later-report.schema.json").read_text("utf-8"))
    for post in (
        compose_retraction(a_case(), thread, occasion),
        compose_amendment(a_case(), amendment, (), thread, occasion),
    ):
        assert text_of(post).splitlines()[0] == MARK
        assert document_of(post)["marking"] == MARK
        assert conforms(document_of(post), schema, schema["$defs"])
