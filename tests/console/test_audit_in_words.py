"""The audit log in words: every row that the code writes has them, in the language of whoever reads."""

from __future__ import annotations

import ast
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from filters.lists import EntryKind, ListEntry
from gateway.console.audit_words import OFFICE, OFFICE_DETAILS, detail, happened
from gateway.console.case_history import DETAILS, HAPPENED
from gateway.console.languages import LANGUAGES, Words
from gateway.model.audit import AuditFilter
from gateway.model.case import DeliveryState
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Role
from gateway.model.retention import RetentionClass
from tests.console.test_cases import received
from tests.support.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

FRENCH = Words("fr", ZoneInfo("UTC"))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is shown is the same on both databases."""
    return sqlite_url


def written_rows() -> Iterator[tuple[Mapping[str, ast.AST], ast.AST, list[ast.expr]]]:
    """Every `audit.append(actor, action, subject, detail)`: what its module defines, the function around, arguments."""
    for path in (ROOT / "gateway").rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        known = definitions(module)
        for around in (one for one in ast.walk(module) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)):
            for node in ast.walk(around):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("audit.append"):
                    yield known, around, node.args


def definitions(module: ast.Module) -> Mapping[str, ast.AST]:
    """The functions and constants of a module, by name."""
    functions = {one.name: one for one in module.body if isinstance(one, ast.FunctionDef)}
    constants = {ast.unparse(one.targets[0]): one.value for one in module.body if isinstance(one, ast.Assign)}
    return {**constants, **functions}


def named(inside: ast.AST, known: Mapping[str, ast.AST]) -> list[ast.AST]:
    """It, and what it names of its module."""
    return [inside, *(known[one.id] for one in ast.walk(inside) if isinstance(one, ast.Name) and one.id in known)]


def written_actions() -> Iterator[str]:
    """What stands as the action of a row somewhere, as far as it is no formula."""
    for known, _, arguments in written_rows():
        for part in named(arguments[1], known):
            codes = (getattr(one, "value", None) for one in ast.walk(part))
            yield from (one for one in codes if isinstance(one, str) and not one.startswith("-"))


def written_details() -> Iterator[str]:
    """The keys of the details, as far as they are no formula; with them all other keys of the function around."""
    for known, around, arguments in written_rows():
        for part in [around, *named(arguments[3], known)]:
            for table in (one for one in ast.walk(part) if isinstance(one, ast.Dict)):
                yield from (str(key.value) for key in table.keys if isinstance(key, ast.Constant))


def test_every_action_that_the_code_writes_has_words() -> None:
    actions = set(written_actions()) - {"case-"}
    assert {"signed-in", "case-recorded", "person-disabled", "mode", "database-restored"} <= actions
    assert actions - {*HAPPENED, *OFFICE} == set()


def test_every_detail_that_the_code_writes_has_words() -> None:
    written = set(written_details())
    assert {"client", "in_doubt", "was", "held", "reason"} <= written
    answers, filters = set(DeliveryState), {field.name for field in fields(AuditFilter)}
    assert (written | answers | filters | set(RetentionClass)) - {*DETAILS, *OFFICE_DETAILS} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_actions_have_the_same_words(language: str) -> None:
    said = [happened(action, Words(language, ZoneInfo("UTC"))) for action in (*HAPPENED, *OFFICE)]
    assert sorted(said) == sorted(set(said))


@pytest.mark.parametrize("purpose", Purpose)
def test_every_fate_of_a_mail_of_ours_has_words(purpose: Purpose) -> None:
    ends = set(OutboxState) - {OutboxState.SENDING, OutboxState.WAITING}
    fates = {f"{purpose}-{end}" for end in (*ends, "retried", "returned")}
    if purpose is not Purpose.DECLINE:  # which a crash leaves uncertain
        fates.add(f"{purpose}-waiting")
    assert fates - {*HAPPENED, *OFFICE} == set()


def test_what_has_no_words_is_shown_as_it_stands() -> None:
    assert happened("never-heard-of", FRENCH) == "never-heard-of"
    assert detail("never", "heard of", FRENCH) == "never: heard of"


def test_a_sentence_of_ours_is_translated_and_a_servers_is_not() -> None:
    assert detail("reply", "the gateway stopped during the attempt", FRENCH).endswith("pendant la tentative")
    assert detail("reply", "250 2.0.0 Kept", FRENCH).endswith("250 2.0.0 Kept")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("how", "provider", "par\N{NO-BREAK SPACE}: le fournisseur OpenID"),
        ("class", "handled", "conservé comme\N{NO-BREAK SPACE}: courriel sans signalement"),
        ("certificate", "DC-1", "certificat DC-1"),
    ],
)
def test_details_of_sign_ins_and_disposals_are_said_in_french(name: str, value: str, said: str) -> None:
    assert detail(name, value, FRENCH) == said


async def test_the_page_of_the_audit_log_speaks_french(gateway: Running, visit: Visit) -> None:
    (case,) = await received(gateway)
    rita, aude = await visit(Role.REVIEWER), await visit(Role.AUDITOR, language="fr")
    await rita.get(f"/cases/{case}")
    await rita.get(f"/cases/{case}/source")
    await aude.get("/audit")
    for words in ("message consulté", "ce qui a été consulté : source brute", "connexion", "rôles : Examen"):
        assert words in aude.text.replace("\N{NO-BREAK SPACE}", " ")
    rows = aude.page.partition("<tbody>")[2]
    assert [code for code in ("content-viewed", "signed-in", "person-added", "part:", "roles:") if code in rows] == []


async def test_changes_of_the_lists_are_said_in_french_in_the_audit_log_and_in_their_history(
    gateway: Running, visit: Visit
) -> None:
    lise = await visit(Role.LIST_ADMINISTRATOR, Role.AUDITOR, language="fr")
    desk = gateway.desk
    await desk.listkeeping.add(ListEntry(kind=EntryKind.SUBTREE, value="custom.example"), actor="lise")
    until = desk.exempting.clock.now() + timedelta(days=9)
    exemption = await desk.exempting.grant(
        "custom.example", [], until=until, approver="Chief", reason="liaison", actor="lise"
    )
    await desk.exempting.end(exemption.id, actor="lise")
    for page in ("/audit", "/senders/history"):
        await lise.get(page)
        assert "ajouter custom.example" in lise.text
    assert "exempter custom.example" in lise.text
    assert f"mettre fin à l'exemption {exemption.id}" in lise.text


async def test_the_filter_asks_by_code_and_shows_words(gateway: Running, visit: Visit) -> None:
    await received(gateway)
    adam = await visit(Role.AUDITOR)
    await adam.get("/audit")
    assert '<option value="signed-in">signed in</option>' in adam.page
    await adam.get("/audit?action=case-recorded")
    assert 'value="case-recorded" selected>recorded</option>' in adam.page
    assert "account added" not in adam.page.partition("<tbody>")[2]
