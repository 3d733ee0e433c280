"""Signing in and out, and the language before anybody has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse

from gateway.console.doors import public
from gateway.console.languages import LANGUAGES
from gateway.console.navigation import N_
from gateway.console.visit import LANGUAGE, SESSION, YEAR
from gateway.errors import RefusedError

if TYPE_CHECKING:
    from starlette.responses import Response

    from gateway.console.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The context of `sign_in/password.html`."""

    name: str
    next: str
    wrong: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The context of `sign_in/code.html`."""

    next: str
    wrong: str


async def ask_password(visit: Visit) -> Response:
    """The form, or straight on for who is signed in already."""
    if visit.session is not None and visit.session.is_signed_in:
        return RedirectResponse("/", 303)
    wrong = visit.words.say(ENDED) if visit.query("ended") else ""
    return await visit.show("sign_in/password.html", SignIn(name="", next=inside(visit.query("next")), wrong=wrong))


async def take_password(visit: Visit) -> Response:
    """A session, or the form again with what was wrong."""
    if not visit.office.passwords:
        raise RefusedError("Passwords don't open this console; sign in at your organization")
    name, onwards = visit.field("name", 100), inside(visit.field("next", 2000))
    try:
        token = await visit.office.signing_in.with_password(name, visit.typed("password"), visit.client)
    except RefusedError as error:
        wrong = visit.words.say(error.sentence)
        return await visit.show("sign_in/password.html", SignIn(name=name, next=onwards, wrong=wrong), status=403)
    answer = RedirectResponse(onwards or "/", 303)
    hand_over(visit, answer, token)
    return answer


async def ask_code(visit: Visit) -> Response:
    """The form for the one-time code."""
    if visit.session is None or visit.session.is_signed_in:
        return RedirectResponse("/", 303)
    return await visit.show("sign_in/code.html", Code(next=inside(visit.query("next")), wrong=""))


async def take_code(visit: Visit) -> Response:
    """The session that is signed in, or the form again."""
    if visit.session is None or visit.session.is_signed_in:
        return RedirectResponse("/", 303)
    onwards = inside(visit.field("next", 2000))
    try:
        token = await visit.office.signing_in.with_code(visit.session, visit.field("code", 100), visit.client)
    except RefusedError as error:
        wrong = visit.words.say(error.sentence)
        return await visit.show("sign_in/code.html", Code(next=onwards, wrong=wrong), status=403)
    answer = RedirectResponse(onwards or "/", 303)
    hand_over(visit, answer, token)
    return answer


async def sign_out(visit: Visit) -> Response:
    """The session ends, here and in the store."""
    if visit.session is not None:
        await visit.office.signing_in.sign_out(visit.session)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(SESSION)
    return answer


async def set_language(visit: Visit) -> Response:
    """The same page in the other language; the session goes on."""
    language = visit.field("language", 2)
    answer = RedirectResponse(visit.came_from, 303)
    if language in LANGUAGES:
        if visit.session is not None and visit.session.is_signed_in:
            await visit.office.peoplekeeping.set_language(visit.person.name, language)
        answer.set_cookie(LANGUAGE, language, max_age=YEAR, httponly=True, samesite="lax", secure=visit.is_secure)
    return answer


def hand_over(visit: Visit, answer: Response, token: str) -> None:
    """The session, to the browser."""
    answer.set_cookie(SESSION, token, httponly=True, samesite="lax", secure=visit.is_secure)


def inside(where: str) -> str:
    """An address of ours, or "": nobody is led elsewhere by a link to the sign-in page."""
    parts = urlsplit(where)
    inside = not parts.scheme and not parts.netloc and where.startswith("/") and not where.startswith(("//", "/\\"))
    return where if inside and "\\" not in where else ""


ENDED = N_("Your session has ended, and what you sent was not done. Sign in, and send it from its page again.")

ROUTES = [
    public("/sign-in", ask_password, "GET"),
    public("/sign-in", take_password, "POST"),
    public("/sign-in/code", ask_code, "GET"),
    public("/sign-in/code", take_code, "POST"),
    public("/sign-out", sign_out, "POST"),
    public("/language", set_language, "POST"),
]
