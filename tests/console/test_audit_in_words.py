"""The audit log in words: every row that the code writes has them, in the language of whoever reads."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from gateway.console.audit_words import OFFICE, detail, happened
from gateway.console.case_history import HAPPENED
from gateway.console.languages import Words
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Role
from tests.console.test_cases import received
from tests.support.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.support.gateway import Running
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]

FRENCH = Words("fr", ZoneInfo("UTC"))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is shown is the same on both databases."""
    return sqlite_url


def written_actions() -> Iterator[str]:
    """What stands as the action of `audit.append(actor, action, …)` somewhere, as far as it is no formula."""
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append"):
                continue
            if ast.unparse(node.func.value).endswith("audit") and len(node.args) > 1:
                codes = (getattr(one, "value", None) for one in ast.walk(node.args[1]))
                yield from (one for one in codes if isinstance(one, str) and not one.startswith("-"))


def test_every_action_that_the_code_writes_has_words() -> None:
    actions = set(written_actions()) - {"case-"}
    assert {"signed-in", "case-recorded", "person-disabled", "mode"} <= actions
    assert actions - {*HAPPENED, *OFFICE} == set()


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


async def test_the_filter_asks_by_code_and_shows_words(gateway: Running, visit: Visit) -> None:
    await received(gateway)
    adam = await visit(Role.AUDITOR)
    await adam.get("/audit")
    assert '<option value="signed-in">signed in</option>' in adam.page
    await adam.get("/audit?action=case-recorded")
    assert 'value="case-recorded" selected>recorded</option>' in adam.page
    assert "account added" not in adam.page.partition("<tbody>")[2]
