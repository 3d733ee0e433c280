"""Who gets in: sign-in, sessions, roles, forms; and what every answer carries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyotp
import pytest

from gateway.clock import SystemClock
from gateway.console.app import create_app
from gateway.console.safety import MOST_OCTETS
from gateway.model.people import ALLOWED, Role, Verb
from tests.support.gateway import running_gateway, write_configuration
from tests.support.visitors import PASSWORD, Visitor, account

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.routing import Route

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

    Visit = Callable[..., Awaitable[Visitor]]


def routes() -> list[Route]:
    def nowhere() -> None:  # never called: only the routes are looked at
        raise NotImplementedError

    return [one for one in create_app(nowhere).routes if hasattr(one, "methods")]  # type: ignore[arg-type,misc]


async def test_nobody_sees_a_page_without_signing_in(stranger: Visitor) -> None:
    for route in routes():
        if route.path.startswith(("/sign-", "/language")):
            continue
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        answer = await stranger.client.request(max(route.methods or ()), path, follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in"), path


async def test_after_signing_in_one_is_where_one_wanted_to_be(gateway: Running, stranger: Visitor) -> None:
    await account(gateway.desk, "anna", [Role.ADMINISTRATOR])
    await stranger.get("/people?x=1")
    assert stranger.address == "/sign-in?next=%2Fpeople%3Fx%3D1"
    await stranger.post("/sign-in", name="anna", password=PASSWORD, next="/people?x=1")
    assert (stranger.status, stranger.address) == (200, "/people?x=1")


@pytest.mark.parametrize("database_url", ["postgres_url"], indirect=True)
async def test_who_sends_a_form_while_the_database_is_away_loses_no_word(
    visit: Visit, gateway: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    anna = await visit(Role.REVIEWER)
    contact = {"kind": "phone", "at": "2020-01-01T10:00", "who": "Mr. X", "asked": "To see <the file>"}
    await anna.get("/cases/record")
    postgres.shut(postgres_database)
    await anna.post("/cases/record", contact)
    assert (anna.status, anna.heading) == (503, "The database can't be reached")
    assert "What you had typed: To see <the file> Mr. X" in anna.text
    postgres.reopen(postgres_database)
    assert await gateway.cases() == []


async def test_who_sends_a_form_after_the_session_has_ended_is_told_so_and_loses_no_word(
    visit: Visit, gateway: Running
) -> None:
    anna = await visit(Role.REVIEWER)
    contact = {"kind": "phone", "at": "2020-01-01T10:00", "who": "Mr. X", "asked": "To see <the file>"}
    other = {"origin": "https://evil.example"}
    await anna.get("/cases/record")
    await anna.client.post("/sign-out", data={"form_token": anna.form_token}, follow_redirects=False)
    await anna.post("/cases/record", contact)
    assert (anna.status, anna.heading) == (403, "Your session has ended")
    assert "What you had typed: To see <the file> Mr. X" in anna.text
    (sign_in,) = re.findall(r'href="(/sign-in[^"]*)"', anna.page)
    await anna.get(sign_in.replace("&amp;", "&"))
    assert anna.told.startswith("Not done: Your session has ended, and what you sent was not done.")
    assert 'name="next" value="/cases/record"' in anna.page
    answer = await anna.client.post("/cases/record", data=contact, headers=other, follow_redirects=False)
    assert (answer.status_code, "To see" in answer.text) == (303, False)
    await anna.get("/cases/record")
    await anna.post("/cases/record")
    assert (anna.status, anna.told.startswith("Not done: Your session has ended")) == (200, True)
    secrets = {"old": PASSWORD, "new": "another long secret", "again": "another long secret", "code": "123456"}
    assert "secret" not in await anna.post("/account/password", secrets)
    await anna.sign_in()
    await anna.get("/cases/record")
    await anna.post("/cases/record", contact, form_token="0" * 64)
    assert (anna.status, "To see <the file>" in anna.text) == (403, True)
    assert await gateway.cases() == []


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example/", "/\\evil.example", "evil", "javascript:x"]
)
async def test_nobody_is_led_elsewhere_by_the_sign_in_page(gateway: Running, stranger: Visitor, where: str) -> None:
    await account(gateway.desk, "anna", [Role.ADMINISTRATOR])
    await stranger.get("/sign-in")
    answer = await stranger.client.post(
        "/sign-in", data={"name": "anna", "password": PASSWORD, "next": where}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_the_cookie_is_for_the_server_alone(gateway: Running, stranger: Visitor) -> None:
    await account(gateway.desk, "anna", [Role.ADMINISTRATOR])
    answer = await stranger.client.post(
        "/sign-in", data={"name": "anna", "password": PASSWORD, "next": ""}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_a_form_from_elsewhere_is_not_obeyed(visit: Visit, gateway: Running) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get("/people/add")
    fields = {"name": "mallory", "full_name": "", "role": "administrator"}
    for wrong in (
        {"data": fields},
        {"data": {**fields, "form_token": "0" * 64}},
        {"data": {**fields, "form_token": anna.form_token}, "headers": {"origin": "https://evil.example"}},
    ):
        answer = await anna.client.post("/people/add", **wrong)  # type: ignore[arg-type]
        assert answer.status_code == 403
    assert [person.name for person in await gateway.desk.peoplekeeping.people()] == [anna.name]


async def test_what_a_role_does_not_allow_is_refused_at_the_door(visit: Visit) -> None:
    keepers = [role for role in Role if Verb.KEEP_PEOPLE in ALLOWED[role]]
    for role in Role:
        somebody = await visit(role)
        assert ("People" in somebody.text) is (role in keepers)
        await somebody.get("/people")
        assert somebody.status == (200 if role in keepers else 403)


async def test_a_role_that_was_taken_away_is_gone_at_the_next_page(visit: Visit, gateway: Running) -> None:
    await visit(Role.ADMINISTRATOR)
    bert = await visit(Role.ADMINISTRATOR)
    await bert.get("/people")
    await gateway.desk.peoplekeeping.set_roles(bert.name, [Role.AUDITOR], actor="test")
    await bert.get("/people")
    assert bert.status == 403
    await gateway.desk.peoplekeeping.set_active(bert.name, active=False, actor="test")
    await bert.get("/people")
    assert bert.address == "/sign-in?next=%2Fpeople"


async def test_who_has_a_password_of_somebody_elses_changes_it_first(visit: Visit, gateway: Running) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get("/people/add")
    page = await anna.post("/people/add", name="rita", full_name="Rita", role="reviewer")
    password = re.findall(r'class="secret"[^>]*>([^<]+)', page)[0]
    async with Visitor(gateway.console, "rita") as rita:
        await rita.sign_in(password)
        assert rita.address == "/account/password"
        await rita.get("/people")
        assert rita.address == "/account/password"
        await rita.post("/account/password", old=password, new="a long one of her own", again="another one than that")
        assert (rita.status, rita.told) == (400, "Not done: The two new passwords differ")
        new = "a long one of her own"
        await rita.post("/account/password", old=password, new=new, again=new)
        assert rita.told == "Done: The password is changed. Your other sessions have ended."
        assert rita.address == "/"


async def test_where_a_second_factor_is_required_it_is_set_up_first_and_asked_for_then(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    path = write_configuration(
        tmp_path,
        next_hop=next_hop.port,
        smarthost=smarthost.port,
        url=database_url,
        console='listen = "127.0.0.1:0"',
    )
    async with (
        running_gateway(path, SystemClock(), next_hop, smarthost) as gateway,
        Visitor(gateway.console, "anna") as anna,
    ):
        await account(gateway.desk, "anna", [Role.ADMINISTRATOR])
        await anna.sign_in()
        assert anna.address == "/account/second-factor"
        assert 'action="/sign-out"' in anna.page
        await anna.get("/people")
        assert anna.address == "/account/second-factor"
        secret = re.findall(r'name="secret" value="([A-Z2-7]{32})"', anna.page)[0]
        await anna.post("/account/second-factor", secret=secret, code="000000")
        assert (anna.status, secret in anna.page) == (400, True)
        await anna.post("/account/second-factor", secret=secret, code=pyotp.TOTP(secret).now())
        codes = re.findall(r"<code>([0-9A-Z-]{14})</code>", anna.page)
        assert len(codes) == 10
        await anna.get("/people")
        assert anna.address == "/people"
        await anna.post("/sign-out")
        await anna.sign_in()
        assert anna.address == "/sign-in/code"
        await anna.get("/people")
        assert anna.address == "/sign-in/code?next=%2Fpeople"
        await anna.post("/sign-in/code", code="wrong", next="/people")
        assert (anna.status, anna.told) == (403, "Not done: The code is wrong, or was used already")
        await anna.post("/sign-in/code", code=codes[0], next="/people")
        assert anna.address == "/people"


async def test_every_answer_forbids_what_is_not_ours(visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    for path in ("/", "/people", "/sign-in", "/nothing", "/static/console.css"):
        answer = await anna.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


async def test_no_page_has_script_or_style_of_its_own(visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    for path in ("/", "/people", "/people/add", "/account", "/account/password", "/account/second-factor", "/sign-in"):
        page = await anna.get(path)
        assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|style=", page), path


async def test_a_request_that_is_too_large_is_not_read(visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await anna.client.post("/people/add", content=b"x" * (MOST_OCTETS + 1), headers=kind)
    assert answer.status_code == 413
    assert "n'est pas lu" in answer.text


async def test_a_page_that_is_not_there_says_so_in_the_readers_language(stranger: Visitor, gateway: Running) -> None:
    await stranger.get("/nothing")
    assert (stranger.status, stranger.heading) == (404, "There is no such page")
    async with Visitor(gateway.console, language="fr-CA,fr;q=0.9") as lecteur:
        await lecteur.get("/sign-in")
        assert '<html lang="fr">' in lecteur.page


async def test_the_language_is_switched_without_signing_out(visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    await anna.get("/people")
    await anna.post("/language", language="fr")
    assert anna.address == "/people"
    assert '<html lang="fr">' in anna.page
    await anna.post("/language", language="xx")
    assert '<html lang="fr">' in anna.page


async def test_hostile_requests_break_nothing(gateway: Running, visit: Visit) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    for path in ("/people/%00", "/people/%ff%fe", "/people/" + "x" * 3000, "/people/..%2f..%2fetc", "//x//", "/?a=%00"):
        assert (await anna.client.get(path)).status_code in {200, 404}
    await anna.get("/people/add")
    token = anna.form_token
    for content, kind in (
        (b"%ff=%fe&form_token=" + token.encode(), "application/x-www-form-urlencoded"),
        (b"a=1&" * 5000, "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (b"\x00\xff", "multipart/form-data"),
    ):
        answer = await anna.client.post("/people/add", content=content, headers={"content-type": kind})
        assert answer.status_code in {400, 403}, (content[:20], answer.status_code)
    async with Visitor(gateway.console) as somebody:
        await somebody.get("/sign-in")
        assert somebody.status == 200


@pytest.mark.parametrize("number", ["²", "٣", "-1", "0", "9" * 15, "9" * 400])
async def test_a_number_that_is_none_breaks_no_page(visit: Visit, number: str) -> None:
    anna = await visit(Role.ADMINISTRATOR)
    for address in ("/senders?page=", "/cases?page=", "/audit?before=", "/statistics?months="):
        await anna.get(f"{address}{number}")
        assert anna.status == 200, address
    await anna.get(f"/senders/history/{number}")
    assert anna.status == 404
