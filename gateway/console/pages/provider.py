"""The way to the agency's OpenID provider, and back.

Both are GETs, as the protocol wants it; the one thing that they do is to open a session. What belongs to the way is in
a cookie that only this browser has, and which is used up when somebody comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from starlette.responses import RedirectResponse

from gateway.console.doors import Trouble, public
from gateway.console.navigation import N_
from gateway.console.pages.sign_in import hand_over, inside
from gateway.errors import RefusedError
from gateway.identity.openid import Departure
from gateway.operations.provider_sign_in import departure

if TYPE_CHECKING:
    from starlette.responses import Response

    from gateway.console.visit import Visit

WAY = "liaison_way"
_MINUTES = 10
_NOT_SIGNED_IN = N_("You are not signed in")


async def leave(visit: Visit) -> Response:
    """To the provider."""
    if visit.office.provider is None:
        raise RefusedError("There is no such page")
    going = departure()
    try:
        where = await visit.office.provider.address(going)
    except RefusedError as error:
        return await visit.show("trouble.html", Trouble(_NOT_SIGNED_IN, error.sentence), status=503)
    answer = RedirectResponse(where, 303)
    kept = ".".join((going.state, going.nonce, going.verifier, quote(inside(visit.query("next"))[:1000], safe="")))
    answer.set_cookie(
        _cookie(visit), kept, max_age=60 * _MINUTES, httponly=True, samesite="lax", secure=visit.is_secure
    )
    return answer


async def come_back(visit: Visit) -> Response:
    """From the provider, with a session or with a sentence."""
    if visit.office.provider is None:
        raise RefusedError("There is no such page")
    going, onwards = _remembered(visit.request.cookies.get(_cookie(visit), ""))
    try:
        token = await visit.office.provider.arrived(going, dict(visit.request.query_params), visit.client)
    except RefusedError as error:
        answer = await visit.show("trouble.html", Trouble(_NOT_SIGNED_IN, error.sentence), status=403)
    else:
        answer = RedirectResponse(onwards or "/", 303)
        hand_over(visit, answer, token)
    answer.delete_cookie(_cookie(visit), secure=visit.is_secure, httponly=True, samesite="lax")
    return answer


def _cookie(visit: Visit) -> str:
    """With TLS a name that no other host of the domain can set (the prefix __Host- of the revised cookie standard)."""
    return f"__Host-{WAY}" if visit.is_secure else WAY


def _remembered(kept: str) -> tuple[Departure, str]:
    """The way, and where on it somebody wanted to go; an empty one, which nothing answers to, without a cookie."""
    parts = kept.split(".")
    if len(parts) != 4:
        return Departure(state="", nonce="", verifier=""), ""
    state, nonce, verifier, onwards = parts
    return Departure(state=state, nonce=nonce, verifier=verifier), inside(unquote(onwards))


ROUTES = [
    public("/sign-in/provider", leave, "GET"),
    public("/sign-in/provider/back", come_back, "GET"),
]
