"""Signing in at the agency's OpenID provider: who gets in, as what, and every lie that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import ConfigurationError
from gateway.model.people import Role
from tests.support.openid import ScriptedProvider, configure, openid_provider, trusting, unsigned
from tests.support.visitors import PASSWORD, Visitor, account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

START = "/sign-in/provider"


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with openid_provider() as running:
        yield running


@pytest.fixture
async def gateway(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, provider: ScriptedProvider
) -> AsyncIterator[Running]:
    async with trusting(provider, tmp_path, sqlite_url, next_hop, smarthost) as running:
        await account(running.desk, "anna", [Role.REVIEWER])
        yield running


@pytest.fixture
async def browser(gateway: Running) -> AsyncIterator[Visitor]:
    async with Visitor(gateway.console) as visitor:
        yield visitor


async def audited(gateway: Running) -> list[tuple[str, str, str]]:
    async with gateway.desk.store.reading() as work:
        return [(one.actor, one.action, one.subject) for one in await work.audit.entries()]


async def test_who_has_an_account_gets_in_where_they_wanted_to_go(gateway: Running, browser: Visitor) -> None:
    await browser.get("/cases?q=x")
    assert f'href="{START}?next=%2Fcases%3Fq%3Dx"' in browser.page.replace("%3f", "%3F").replace("/cases", "%2Fcases")
    await browser.get(f"{START}?next=%2Fcases%3Fq%3Dx")
    assert (browser.status, browser.address) == (200, "/cases?q=x")
    assert ("console:anna", "signed-in", "anna") in await audited(gateway)
    await browser.get("/people")
    assert browser.status == 403


async def test_the_session_ends_as_any_other(gateway: Running, browser: Visitor) -> None:
    await browser.get(START)
    assert browser.address == "/"
    await gateway.desk.peoplekeeping.set_active("anna", active=False, actor="test")
    await browser.get("/cases")
    assert browser.address.startswith("/sign-in")
    await browser.get(START)
    assert browser.status == 403
    assert "You have no account here, or it is disabled" in browser.text


async def test_nobody_is_led_elsewhere(browser: Visitor) -> None:
    for where in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        answer = await browser.client.get(START, params={"next": where})
        assert (answer.url.host, answer.url.path) == ("127.0.0.1", "/")


async def test_nobody_gets_an_account_by_signing_in(
    gateway: Running, browser: Visitor, provider: ScriptedProvider
) -> None:
    provider.claims["preferred_username"] = "bert"
    await browser.get(START)
    assert (browser.status, browser.heading) == (403, "You are not signed in")
    assert [one.name for one in await gateway.desk.peoplekeeping.people()] == ["anna"]


async def test_it_is_said_in_french_too(gateway: Running, provider: ScriptedProvider) -> None:
    provider.refuses = "access_denied"
    async with Visitor(gateway.console, language="fr") as browser:
        await browser.get(START)
        assert "La connexion auprès de votre organisation n'a pas réussi" in browser.text


async def test_a_token_that_is_not_to_be_believed_opens_nothing(
    gateway: Running, browser: Visitor, provider: ScriptedProvider
) -> None:
    provider.forge = unsigned
    await browser.get(START)
    assert browser.status == 403
    await browser.get("/cases")
    assert browser.address.startswith("/sign-in")


async def test_a_way_back_is_good_for_one_browser_and_once(gateway: Running, browser: Visitor) -> None:
    leaving = await browser.client.get(START, follow_redirects=False)
    assert "HttpOnly" in leaving.headers["set-cookie"]
    returning = await browser.client.get(leaving.headers["location"], follow_redirects=False)
    back = returning.headers["location"]
    async with Visitor(gateway.console) as another:
        assert (await another.client.get(back)).status_code == 403
    assert (await browser.client.get(back)).status_code == 200
    assert (await browser.client.get(back)).status_code == 403
    changed = parse_qs(urlsplit(back).query)["state"][0]
    assert (await browser.client.get(back.replace(changed, changed[::-1]))).status_code == 403


async def test_a_provider_that_can_not_be_asked_is_no_way_in(browser: Visitor, provider: ScriptedProvider) -> None:
    provider.metadata = {"authorization_endpoint": None}
    await browser.get(START)
    assert browser.status == 503
    assert "The sign-in service of your organization does not answer" in browser.text


async def test_many_failures_of_an_address_shut_it_out_and_nobody_else(
    gateway: Running, browser: Visitor, provider: ScriptedProvider
) -> None:
    provider.refuses = "access_denied"
    for _ in range(20):
        await browser.get(START)
    provider.refuses = ""
    await browser.get(START)
    assert "Too many failed sign-ins" in browser.text


async def test_roles_are_those_that_the_claim_gives_at_each_sign_in(
    gateway: Running, browser: Visitor, provider: ScriptedProvider
) -> None:
    configure(gateway, roles_claim="groups", roles=("g-audit=auditor", "g-lists=list-administrator"))
    await browser.get(START)
    assert browser.status == 403
    provider.claims["groups"] = ["g-audit", "other"]
    await browser.get(START)
    assert (browser.status, browser.address) == (200, "/")
    assert (await gateway.desk.peoplekeeping.person("anna")).roles == {Role.AUDITOR}
    assert ("oidc", "person-roles", "anna") in await audited(gateway)


async def test_an_account_is_made_where_a_setting_allows_it(
    gateway: Running, browser: Visitor, provider: ScriptedProvider
) -> None:
    provider.claims = {"preferred_username": "Bert@POLICE.example", "name": "Bert", "locale": "fr-CA", "groups": "g"}
    configure(gateway, roles_claim="groups", roles=("g=operator",))
    await browser.get(START)
    assert browser.status == 403
    configure(gateway, roles_claim="groups", roles=("g=operator",), create=True)
    await browser.get(START)
    assert browser.address == "/"
    bert = await gateway.desk.peoplekeeping.person("bert")
    assert (bert.full_name, bert.language, sorted(bert.roles)) == ("Bert", "fr", [Role.OPERATOR])


async def test_an_address_elsewhere_is_nobody_here(browser: Visitor, provider: ScriptedProvider) -> None:
    provider.claims["preferred_username"] = "anna@elsewhere.example"
    await browser.get(START)
    assert browser.status == 403


async def test_an_email_counts_only_verified(gateway: Running, browser: Visitor, provider: ScriptedProvider) -> None:
    configure(gateway, name_claim="email")
    for verified, status in ((None, 403), (False, 403), ("true", 403), (True, 200)):
        provider.claims = {"email": "anna@police.example", "email_verified": verified}
        await browser.get(START)
        assert browser.status == status


async def test_the_class_of_authentication_can_be_demanded(
    gateway: Running, browser: Visitor, provider: ScriptedProvider
) -> None:
    configure(gateway, acr="mfa")
    await browser.get(START)
    assert browser.status == 403
    provider.claims["acr"] = "mfa"
    await browser.get(START)
    assert browser.status == 200


async def test_passwords_open_the_console_beside_it_until_a_setting_ends_that(
    gateway: Running, browser: Visitor
) -> None:
    browser.name = "anna"
    await browser.sign_in()
    assert browser.address == "/account/second-factor"
    configure(gateway, passwords=False)
    async with Visitor(gateway.console, "anna") as another:
        await another.get("/sign-in")
        assert 'name="password"' not in another.page
        assert "gives a new password" not in another.text
        await another.client.post("/sign-in", data={"name": "anna", "password": PASSWORD})
        await another.get("/cases")
        assert another.address.startswith("/sign-in")


async def test_where_passwords_open_nothing_no_account_is_offered_one(gateway: Running, browser: Visitor) -> None:
    await browser.get(START)
    await browser.get("/account")
    assert "Change the password" in browser.text
    await gateway.desk.peoplekeeping.set_roles("anna", [Role.ADMINISTRATOR], actor="test")
    for passwords in (True, False):
        configure(gateway, passwords=passwords)
        await browser.get("/account")
        assert ("Change the password" in browser.text) is passwords
        await browser.get("/people/add")
        assert ("show the first password" in browser.text) is passwords
        await browser.post("/people/add", {"name": f"bert{passwords:d}", "full_name": "Bert", "role": "auditor"})
        assert ("The first password" in browser.text, "first password:" in browser.text) == (passwords, passwords)
        assert ("second factor" in browser.text.lower()) is passwords


async def test_a_rule_that_gives_no_role_leaves_the_old_configuration_in_force(gateway: Running) -> None:
    with pytest.raises(ConfigurationError, match="gives no role; write VALUE=ROLE"):
        configure(gateway, roles_claim="groups", roles=("g=emperor",))
