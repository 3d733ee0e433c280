"""French pages say everything in French: numbers, missions, and the words inside of sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from filters.guard import refusal
from filters.lists import EntryKind, ListEntry
from gateway.console.languages import Words
from gateway.model import health
from gateway.model.health import Answer
from gateway.model.people import Role
from tests.support.clocks import NOON
from tests.support.tampering import tamper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

FRENCH = Words("fr", ZoneInfo("UTC"))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is shown is the same on both databases."""
    return sqlite_url


def test_numbers_in_the_health_sentences_have_a_comma() -> None:
    assert "70,9 Go" in FRENCH.say(health.of_disk(70_900_000_000, low=1).sentence)
    assert "0,042 s" in FRENCH.say(health.of_next_hops([Answer(name="mail", at=NOON, seconds=0.0421)]).sentence)


async def test_where_the_audit_log_was_changed_is_said_in_french(gateway: Running, visit: Visit) -> None:
    anne = await visit(Role.ADMINISTRATOR, language="fr")
    await tamper(gateway.desk.store, "UPDATE audit_entries SET actor = actor || '!' WHERE seq = 1")
    await gateway.desk.foundation.lasting.chain_watch.verify()
    for page in ("/", "/audit"):
        await anne.get(page)
        assert "la ligne 1 a été modifiée après avoir été écrite" in anne.text
    await tamper(gateway.desk.store, "UPDATE audit_entries SET actor = rtrim(actor, '!') WHERE seq = 1")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("office", "aucun nom ne précède un @"),
        ("office@", "aucun domaine ne suit le @"),
        ("of fice@mission.example", "un caractère ou un point se trouve là où il n'en faut pas"),
    ],
)
def test_why_something_is_no_address_is_said_in_french(address: str, why: str) -> None:
    refused = refusal(EntryKind.ADDRESS, address, frozenset())
    assert refused is not None
    assert why in FRENCH.say(refused)


async def test_the_history_of_the_lists_is_in_french(gateway: Running, visit: Visit) -> None:
    lise = await visit(Role.LIST_ADMINISTRATOR, language="fr")
    await lise.get("/senders/history/1")
    assert "les lots configurés" in lise.text
    assert "the configured packs" not in lise.text


async def test_an_entry_bears_its_mission_in_french_wherever_it_stands(gateway: Running, visit: Visit) -> None:
    await gateway.desk.listkeeping.add(a_listed_embassy(), actor="test")
    lise = await visit(Role.LIST_ADMINISTRATOR, language="fr")
    for address in ("/senders", "/senders/history/2", "/senders/entry?kind=subtree&value=embassy.example"):
        await lise.get(address)
        assert "Ambassade d'Exemple" in lise.text, address


def a_listed_embassy() -> ListEntry:
    return ListEntry(
        kind=EntryKind.SUBTREE,
        value="embassy.example",
        mission_en="Embassy of Example",
        mission_fr="Ambassade d'Exemple",
    )


async def test_a_mission_that_has_a_name_in_one_language_alone_bears_it_in_both(gateway: Running, visit: Visit) -> None:
    await gateway.desk.listkeeping.edit(
        "mission.example", EntryKind.SUBTREE, lambda entry: replace(entry, mission_fr=""), actor="test"
    )
    await gateway.desk.rulebooks.load()
    await gateway.send(
        "officer@mission.example", ["desk@police.example"], b"From: officer@mission.example\r\n\r\nHi\r\n"
    )
    rita = await visit(Role.REVIEWER, language="fr")
    (file,) = await gateway.cases()
    assert (file.case.mission_en, file.case.mission_fr) == ("Embassy of Example", "")
    for address in (
        "/statistics",
        f"/cases/{file.case.reference}",
        "/senders/entry?kind=subtree&value=mission.example",
    ):
        await rita.get(address)
        assert '<span lang="en">Embassy of Example</span>' in rita.page, address


async def test_what_a_process_does_is_said_in_french(gateway: Running, visit: Visit) -> None:
    otto = await visit(Role.OPERATOR, language="fr")
    await otto.get("/status")
    assert "Rôle all : reçoit le courriel, fait nos envois, affiche la console" in otto.text.replace(
        "\N{NO-BREAK SPACE}", " "
    )


async def test_who_decides_no_cases_is_not_told_that_none_waits(gateway: Running, visit: Visit) -> None:
    await gateway.send(
        "officer@mission.example", ["desk@police.example"], b"From: officer@mission.example\r\n\r\nHello\r\n"
    )
    otto = await visit(Role.OPERATOR)
    assert "no case" not in otto.text
    assert "nothing that your role can see waits" in otto.text


async def test_a_colon_between_two_words_stands_behind_a_no_break_space(gateway: Running, visit: Visit) -> None:
    await gateway.send(
        "officer@mission.example", ["desk@police.example"], b"From: officer@mission.example\r\n\r\nHi\r\n"
    )
    rita = await visit(Role.REVIEWER, language="fr")
    await rita.get("/cases")
    await rita.post("/bulk/confirm", verb="close", scope="all")
    assert "Fermer\N{NO-BREAK SPACE}: 1 dossier" in rita.page
