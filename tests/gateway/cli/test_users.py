"""`liaison users`, and what an account's roles mean for the commands of whoever has that login."""

from __future__ import annotations

import json
import os
import pwd
from typing import TYPE_CHECKING

import pyotp
import pytest

from gateway.model.people import Role

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

LOGIN = pwd.getpwuid(os.getuid()).pw_name
PASSWORD = "correct horse battery staple"


def test_an_account_is_made_and_listed(liaison: CommandLine) -> None:
    made = liaison("users", "add", "Rita", "--role", "reviewer", "--role", "auditor", "--full-name", "Rita  R.")
    assert made.exit_code == 0
    assert "rita may sign in as auditor, reviewer." in made.stdout
    assert "Password, shown only now: " in made.stdout
    (row,) = json.loads(liaison("users", "list", "--json").stdout)
    assert (row["name"], row["full_name"], row["roles"]) == ("rita", "Rita R.", ["auditor", "reviewer"])
    assert (row["active"], row["second_factor"], row["must_change_password"]) == (True, False, True)


def test_a_password_from_standard_input_is_not_shown_and_a_second_factor_is(liaison: CommandLine) -> None:
    made = liaison(
        "users", "add", "rita", "--role", "reviewer", "--password-stdin", "--second-factor", "--json",
        stdin=f"{PASSWORD}\n".encode(),
    )  # fmt: skip
    shown = json.loads(made.stdout)
    assert PASSWORD not in made.stdout
    assert "password" not in shown
    assert len(pyotp.TOTP(shown["totp_secret"]).now()) == 6
    assert len(shown["recovery_codes"]) == 10


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", "rita"), 2, "Missing option '--role'"),
        (("add", "rita", "--role", "chief"), 2, "is not one of"),
        (("add", "../x", "--role", "auditor"), 1, "can't be an account's name"),
        (("disable", "nobody"), 1, "There is no account nobody"),
        (("second-factor", "anna"), 1, "anna has no second factor"),
        (("disable", "anna"), 1, "only administrator"),
    ],
)
def test_what_is_wrong_is_said(liaison: CommandLine, words: tuple[str, ...], code: int, says: str) -> None:
    liaison("users", "add", "anna", "--role", "administrator")
    done = liaison("users", *words)
    assert done.exit_code == code
    assert says in done.stderr


def test_who_has_an_account_may_do_with_commands_what_its_roles_allow(liaison: CommandLine) -> None:
    liaison("users", "add", "anna", "--role", "administrator")
    assert liaison("users", "add", LOGIN, "--role", "auditor").exit_code == 0
    assert liaison("cases", "list").exit_code == 0
    assert liaison("senders", "exempt").exit_code == 0
    for refused, right, roles in (
        (("senders", "remove", "mission.example"), "change-senders", "administrator, list-administrator"),
        (("users", "list"), "keep-people", "administrator"),
        (("mode", "observe"), "set-mode", "administrator, operator"),
        (("outbox", "pause"), "change-outbox", "administrator, operator, reviewer"),
    ):
        done = liaison(*refused)
        assert done.exit_code == 1
        assert f"{LOGIN} may not do this: the account's roles are auditor; it takes {right}, which " in done.stderr
        assert f"which {roles} have; accounts that have it: anna" in done.stderr


def test_an_account_of_the_login_that_runs_the_command_is_warned_about(liaison: CommandLine) -> None:
    assert liaison("users", "add", "anna", "--role", "administrator").stderr == ""
    warned = liaison("users", "add", LOGIN, "--role", "auditor", "--json").stderr
    assert f"{LOGIN} is also the login that runs this command." in warned
    assert "refused: decide-cases, hold-cases" in warned


def test_a_disabled_account_is_told_so(liaison: CommandLine) -> None:
    liaison("users", "add", "anna", "--role", "administrator")
    liaison("users", "add", LOGIN, "--role", "administrator")
    liaison("users", "disable", LOGIN)
    assert "may not do this: the account is disabled" in liaison("users", "list").stderr


def test_what_is_so_already_is_said_and_leaves_no_audit_row(liaison: CommandLine) -> None:
    liaison("users", "add", "anna", "--role", "administrator")
    liaison("users", "add", "bert", "--role", "auditor")
    for words, says in (
        (("enable", "bert"), "bert is enabled already.\n"),
        (("disable", "bert"), "bert is disabled already.\n"),
        (("roles", "bert", "--role", "operator"), "bert is operator already.\n"),
    ):
        liaison.ok("users", *words)
        before = liaison.ok("audit", "show", "--json")
        assert liaison.ok("users", *words) == says
        assert liaison.ok("audit", "show", "--json") == before


def test_every_role_can_be_given(liaison: CommandLine) -> None:
    for role in Role:
        assert liaison("users", "add", f"a-{role}", "--role", role).exit_code == 0
    assert "operator now" in liaison("users", "roles", "a-auditor", "--role", "operator").stdout
    assert liaison("users", "disable", "a-auditor").exit_code == 0
    assert "disabled" in liaison("users", "list").stdout
    assert liaison("users", "enable", "a-auditor").exit_code == 0
    assert "Password, shown only now: " in liaison("users", "password", "a-auditor").stdout
