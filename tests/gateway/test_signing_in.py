"""Signing in: password, one-time code, sessions and their ends; on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest

from gateway.errors import RefusedError
from gateway.model.people import ALLOWED, Role, Stage, Verb, allowed
from gateway.operations.peoplekeeping import Peoplekeeping
from gateway.operations.signing_in import MOST_BY_CLIENT, MOST_BY_NAME, WINDOW, SigningIn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.model.people import Session
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock

PASSWORD = "correct horse battery staple"
CLIENT = "192.0.2.7"


@pytest.fixture
def keeping(store: Store, clock: StoppedClock) -> Peoplekeeping:
    return Peoplekeeping(store=store, clock=clock)


@pytest.fixture
def signing_in(store: Store, clock: StoppedClock) -> SigningIn:
    return SigningIn(store=store, clock=clock, idle=timedelta(minutes=30), longest=timedelta(hours=12))


@pytest.fixture
async def rita(keeping: Peoplekeeping) -> str:
    person = await keeping.add("rita", "Rita R.", [Role.REVIEWER], PASSWORD, actor="cli:root")
    return person.name


async def session_of(signing_in: SigningIn, name: str = "rita") -> Session:
    session = await signing_in.session(await signing_in.with_password(name, PASSWORD, CLIENT))
    assert session is not None
    return session


async def with_factor(keeping: Peoplekeeping, name: str) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    secret, codes = await keeping.give_second_factor(name, actor="cli:root")
    return pyotp.TOTP(secret), codes


async def test_a_password_opens_a_session_whose_token_the_store_does_not_hold(
    signing_in: SigningIn, rita: str, store: Store
) -> None:
    token = await signing_in.with_password(" Rita ", PASSWORD, CLIENT)
    session = await signing_in.session(token)
    assert session is not None
    assert (session.person.name, session.stage, session.digest != token) == (rita, Stage.SIGNED_IN, True)
    assert await signing_in.session("another token") is None
    async with store.reading() as work:
        assert [entry.action for entry in await work.audit.entries()] == ["person-added", "signed-in"]


@pytest.mark.parametrize(("name", "password"), [("rita", "wrong"), ("nobody", PASSWORD), ("rita", PASSWORD + " ")])
async def test_who_fails_learns_nothing(signing_in: SigningIn, rita: str, name: str, password: str) -> None:
    with pytest.raises(RefusedError, match=r"^Name or password is wrong, or the account is disabled$"):
        await signing_in.with_password(name, password, CLIENT)


async def test_what_is_typed_in_place_of_a_name_is_not_written_down(signing_in: SigningIn, store: Store) -> None:
    with pytest.raises(RefusedError):
        await signing_in.with_password("my secret password", "rita", CLIENT)
    async with store.reading() as work:
        assert [entry.action for entry in await work.audit.entries()] == []


async def test_the_second_factor_stands_between_the_password_and_the_pages(
    signing_in: SigningIn, keeping: Peoplekeeping, rita: str, clock: StoppedClock
) -> None:
    codes, _ = await with_factor(keeping, rita)
    half = await session_of(signing_in)
    assert half.stage is Stage.PASSWORD
    with pytest.raises(RefusedError, match="wrong, or was used"):
        await signing_in.with_code(half, "000000", CLIENT)
    token = await signing_in.with_code(half, codes.at(clock.now()), CLIENT)
    whole = await signing_in.session(token)
    assert whole is not None
    assert whole.stage is Stage.SIGNED_IN
    assert whole.digest != half.digest


async def test_a_code_that_was_used_is_used_up(
    signing_in: SigningIn, keeping: Peoplekeeping, rita: str, clock: StoppedClock
) -> None:
    codes, _ = await with_factor(keeping, rita)
    code = codes.at(clock.now())
    await signing_in.with_code(await session_of(signing_in), code, CLIENT)
    with pytest.raises(RefusedError, match="was used already"):
        await signing_in.with_code(await session_of(signing_in), code, CLIENT)


@pytest.mark.parametrize(("away", "right"), [(-60, False), (-30, True), (30, True), (60, False)])
async def test_a_clock_may_be_half_a_minute_off(
    signing_in: SigningIn, keeping: Peoplekeeping, rita: str, clock: StoppedClock, away: int, right: bool
) -> None:
    codes, _ = await with_factor(keeping, rita)
    code = codes.at(clock.now() + timedelta(seconds=away))
    if right:
        assert await signing_in.with_code(await session_of(signing_in), code, CLIENT)
    else:
        with pytest.raises(RefusedError):
            await signing_in.with_code(await session_of(signing_in), code, CLIENT)


async def test_a_recovery_code_works_once(
    signing_in: SigningIn, keeping: Peoplekeeping, rita: str, store: Store
) -> None:
    _, recovery = await with_factor(keeping, rita)
    typed = recovery[3].lower().replace("-", " ")
    assert await signing_in.with_code(await session_of(signing_in), typed, CLIENT)
    async with store.reading() as work:
        assert await work.people.recovery_codes_left(rita) == 9
    with pytest.raises(RefusedError):
        await signing_in.with_code(await session_of(signing_in), typed, CLIENT)


async def test_failures_under_one_name_close_it_for_a_while(
    signing_in: SigningIn, rita: str, clock: StoppedClock
) -> None:
    for number in range(MOST_BY_NAME):
        with pytest.raises(RefusedError, match="is wrong"):
            await signing_in.with_password(rita, "wrong", f"192.0.2.{number}")
    with pytest.raises(RefusedError, match="try again in 15 min"):
        await signing_in.with_password(rita, PASSWORD, CLIENT)
    clock.advance((WINDOW + timedelta(seconds=1)).total_seconds())
    assert await signing_in.with_password(rita, PASSWORD, CLIENT)


async def test_failures_from_one_address_close_the_door_to_it(signing_in: SigningIn, rita: str) -> None:
    for number in range(MOST_BY_CLIENT):
        with pytest.raises(RefusedError, match="is wrong"):
            await signing_in.with_password(f"nobody{number}", "wrong", CLIENT)
    with pytest.raises(RefusedError, match="Too many failed"):
        await signing_in.with_password(rita, PASSWORD, CLIENT)
    assert await signing_in.with_password(rita, PASSWORD, "192.0.2.8")


async def test_a_session_ends_when_nobody_is_there(signing_in: SigningIn, rita: str, clock: StoppedClock) -> None:
    token = await signing_in.with_password(rita, PASSWORD, CLIENT)
    for _ in range(3):
        clock.advance(29 * 60)
        assert await signing_in.session(token) is not None
    clock.advance(30 * 60)
    assert await signing_in.session(token) is None


async def test_a_session_ends_however_busy_somebody_is(signing_in: SigningIn, rita: str, clock: StoppedClock) -> None:
    token = await signing_in.with_password(rita, PASSWORD, CLIENT)
    for _ in range(12 * 3 - 1):
        clock.advance(20 * 60)
        assert await signing_in.session(token) is not None
    clock.advance(20 * 60)
    assert await signing_in.session(token) is None


async def test_signing_out_ends_the_session_in_the_store(signing_in: SigningIn, rita: str) -> None:
    token = await signing_in.with_password(rita, PASSWORD, CLIENT)
    session = await signing_in.session(token)
    assert session is not None
    await signing_in.sign_out(session)
    assert await signing_in.session(token) is None


async def test_whatever_takes_rights_away_ends_the_sessions(
    signing_in: SigningIn, keeping: Peoplekeeping, rita: str
) -> None:
    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: keeping.set_active(rita, active=False, actor="a"),
        lambda: keeping.reset_password(rita, PASSWORD, actor="a"),
        lambda: keeping.reset_second_factor(rita, actor="a"),
    ]
    for take_away in ways:
        await keeping.set_active(rita, active=True, actor="a")
        token = await signing_in.with_password(rita, PASSWORD, CLIENT)
        assert await signing_in.session(token) is not None
        await with_factor(keeping, rita)
        await take_away()
        assert await signing_in.session(token) is None


async def test_ones_own_password_is_changed_with_the_present_one(
    signing_in: SigningIn, keeping: Peoplekeeping, rita: str
) -> None:
    session, other = await session_of(signing_in), await signing_in.with_password(rita, PASSWORD, CLIENT)
    change = {"session": session.digest, "actor": session.person.actor}
    for old, new, wrong in (
        ("wrong", "another long password", "present password is another"),
        (PASSWORD, PASSWORD, "is the present one"),
        (PASSWORD, "short", "at least 12"),
        (PASSWORD, "rita has a long one", "account's name"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "so few different"),
        (PASSWORD, "x1y2" * 400, "at most 1024"),
    ):
        with pytest.raises(RefusedError, match=wrong):
            await keeping.change_password(rita, old, new, **change)
    await keeping.change_password(rita, PASSWORD, "another long password", **change)
    assert await signing_in.session(other) is None
    assert not (await keeping.person(rita)).must_change_password
    assert await signing_in.with_password(rita, "another long password", CLIENT)


async def test_the_last_administrator_stays(keeping: Peoplekeeping) -> None:
    await keeping.add("anna", "Anna", [Role.ADMINISTRATOR], PASSWORD, actor="a")
    with pytest.raises(RefusedError, match="only administrator"):
        await keeping.set_roles("anna", [Role.AUDITOR], actor="a")
    with pytest.raises(RefusedError, match="only administrator"):
        await keeping.set_active("anna", active=False, actor="a")
    await keeping.add("bert", "Bert", [Role.ADMINISTRATOR], PASSWORD, actor="a")
    assert await keeping.set_roles("anna", [Role.AUDITOR], actor="a")
    assert (await keeping.person("anna")).roles == {Role.AUDITOR}


@pytest.mark.parametrize("name", ["", "-x", "a b", "é", "x" * 65, "<b>", "a/b", "\x00"])
async def test_no_account_has_a_name_that_could_not_stand_in_an_address(keeping: Peoplekeeping, name: str) -> None:
    with pytest.raises(RefusedError, match="can't be an account's name"):
        await keeping.add(name, "", [Role.AUDITOR], PASSWORD, actor="a")


async def test_an_account_is_made_once(keeping: Peoplekeeping, rita: str) -> None:
    with pytest.raises(RefusedError, match="has an account already"):
        await keeping.add("RITA", "", [Role.AUDITOR], PASSWORD, actor="a")
    with pytest.raises(RefusedError, match="at least one role"):
        await keeping.add("new", "", [], PASSWORD, actor="a")


async def test_the_secrets_of_the_second_factor_are_sealed(keeping: Peoplekeeping, rita: str, store: Store) -> None:
    secret, _ = await keeping.give_second_factor(rita, actor="a")
    async with store.reading() as work:
        row = await work.people._row(rita)
        assert row is not None
        assert secret.encode() not in bytes(row["totp_blob"])
        assert await work.people.second_factor(rita) == secret


def test_every_role_is_in_the_table_and_only_the_administrator_keeps_people() -> None:
    assert set(ALLOWED) == set(Role)
    assert [role for role in Role if allowed([role], Verb.KEEP_PEOPLE)] == [Role.ADMINISTRATOR]
    assert not ALLOWED[Role.OPERATOR] & {Verb.SEE_CASES, Verb.SEE_CONTENT, Verb.DECIDE_CASES, Verb.EXPORT_CASES}
    assert not any(verb.startswith(("change", "decide", "set", "keep", "exempt")) for verb in ALLOWED[Role.AUDITOR])
    assert not allowed([], Verb.SEE_STATUS)
