"""`liaison check` about the OpenID provider: what is written, and with --online whether it answers as itself."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from gateway.cli.checks.provider import ask_provider
from gateway.settings import load
from tests.gateway.cli.test_check import change, wrong
from tests.support.openid import CLIENT, SECRET, ScriptedProvider, openid_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.cli.conftest import CommandLine


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    """In a thread of its own: a command has the event loop to itself."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def run() -> None:
        async with openid_provider() as running:
            found.append(running)
            ready.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(30)
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


def sign_in_at(liaison: CommandLine, issuer: str, more: str = "") -> None:
    liaison.file("secret", SECRET)
    oidc = f'[oidc]\nissuer = "{issuer}"\nclient_id = "{CLIENT}"\nclient_secret_file = "secret"\n{more}\n'
    change(liaison, "[console]", f"{oidc}[console]")


def online(liaison: CommandLine) -> list[str]:
    return [str(line) for line in asyncio.run(ask_provider(load(liaison.config, {})))]


def test_without_a_provider_nothing_is_said_of_one(liaison: CommandLine) -> None:
    assert " oidc: " not in liaison("check").stdout
    assert online(liaison) == []


def test_a_provider_is_named_with_the_address_to_register(liaison: CommandLine) -> None:
    sign_in_at(liaison, "https://login.police.example")
    said = "people can sign in at https://login.police.example, which sends them back to"
    assert f"ok oidc: {said} http://127.0.0.1:8025/sign-in/provider/back" in liaison("check").stdout


def test_a_rule_without_a_role_and_an_empty_secret_are_wrong(liaison: CommandLine) -> None:
    sign_in_at(liaison, "https://login.police.example", 'roles_claim = "groups"\nroles = ["g=emperor", "reviewer"]')
    assert ["gives no role" in line for line in wrong(liaison, 2)] == [True, True]
    change(liaison, 'roles = ["g=emperor", "reviewer"]', 'roles = ["g=reviewer"]')
    liaison.file("secret", "\n")
    (line,) = wrong(liaison, 2)
    assert "is empty; write the secret alone into it" in line


def test_the_metadata_and_the_keys_are_asked_for(liaison: CommandLine, provider: ScriptedProvider) -> None:
    sign_in_at(liaison, provider.issuer)
    assert online(liaison) == [f"ok oidc: {provider.issuer} answers, and has 1 keys"]
    provider.metadata = {"issuer": "https://elsewhere.example"}
    (line,) = online(liaison)
    assert line.startswith("wrong oidc: the metadata are those of 'https://elsewhere.example'")
    assert "compare oidc.issuer with what the provider publishes" in line


def test_a_provider_without_keys_is_wrong_and_no_fault(liaison: CommandLine, provider: ScriptedProvider) -> None:
    sign_in_at(liaison, provider.issuer)
    provider.published = []
    (line,) = online(liaison)
    assert line.startswith("wrong oidc: the provider's keys can't be read: ")


@pytest.mark.parametrize(
    ("oidc", "says"),
    [
        ('issuer = "http://login.police.example"\nclient_id = "x"', "is said in clear, and could be anybody's"),
        ('issuer = "https://login.police.example"', "is set, but client_id is not"),
        ("create = true", "is true, but no claim says which roles"),
        ('roles_claim = "groups"', "is set, but no value of it gives a role"),
        ("passwords = false", "is false, but there is no other way in"),
    ],
)
def test_what_does_not_go_together_is_refused(liaison: CommandLine, oidc: str, says: str) -> None:
    change(liaison, "[console]", f"[oidc]\n{oidc}\n[console]")
    assert any(says in line for line in wrong(liaison, 2))
