"""The command line adds the command that helps to a refusal of the operations."""

from __future__ import annotations

from gateway.cli.hints import HINTS, with_hint
from gateway.errors import RefusedError
from tests.support.catalogue import messages_in_use


def test_every_hint_belongs_to_a_refusal_that_is_in_use() -> None:
    assert {template for template in HINTS if messages_in_use().get(template) is None} == set()


def test_no_sentence_of_the_operations_names_a_command() -> None:
    assert [message.id for message in messages_in_use() if "`" in str(message.id) or "--" in str(message.id)] == []


def test_a_refusal_gets_its_hint_after_a_semicolon() -> None:
    refusal = RefusedError("There is no case {reference}", reference="LG-1")
    assert with_hint(refusal) == "There is no case LG-1; `liaison cases list` shows the references"


def test_a_refusal_without_a_hint_stays_as_it_is() -> None:
    assert with_hint(RefusedError("A note needs some text")) == "A note needs some text"
