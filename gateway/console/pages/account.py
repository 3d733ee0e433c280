"""One's own account: password, second factor, language."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import segno

from gateway.console.doors import own
from gateway.console.navigation import N_
from gateway.console.visit import KEYS, KEYS_OFF, YEAR
from gateway.errors import RefusedError
from gateway.operations import second_factor
from gateway.operations.passwords import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from gateway.console.visit import Visit
    from gateway.model.people import Person

DIFFERENT = N_("The two new passwords differ")
CHANGED = N_("The password is changed. Your other sessions have ended.")
ON = N_("Single keys lead to verbs in this browser.")
OFF = N_("Single keys do nothing in this browser.")
KEY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "/": N_("the search"),
        "d": N_("Send the decline"),
        "r": N_("Report to the collation address"),
        "l": N_("Release to the recipients"),
        "s": N_("Silence"),
        "x": N_("Not a mission: dismiss"),
        "c": N_("Close as handled"),
        "o": N_("Take up again"),
        "a": N_("Assign"),
        "n": N_("Add a note"),
    }
)
"""Each key, and where it leads: on a case, the first of them on a list."""
ISSUER = "Liaison Gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The context of `account/account.html`."""

    person: Person
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """The context of `account/password.html`. `wrong` says what was."""

    required: bool
    shortest: int
    wrong: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """The context of `account/second_factor.html`: a new secret, as a QR code (SVG) and in letters."""

    required: bool
    secret: str
    spaced: str
    picture: str
    wrong: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodes:
    """The context of `account/recovery_codes.html`, which is shown once."""

    codes: tuple[str, ...]


async def show(visit: Visit) -> Response:
    """What there is to set."""
    return await visit.show("account/account.html", Account(person=visit.person, keys=KEY_NAMES))


async def set_keys(visit: Visit) -> Response:
    """Whether single keys lead to verbs, in this browser."""
    off = visit.field("keys", 3) == KEYS_OFF
    answer = await visit.go("/account", done=OFF if off else ON)
    answer.set_cookie(
        KEYS, KEYS_OFF if off else "on", max_age=YEAR, httponly=True, samesite="lax", secure=visit.is_secure
    )
    return answer


async def ask_password(visit: Visit) -> Response:
    """The form for another password."""
    return await _password_form(visit, "", 200)


async def change_password(visit: Visit) -> Response:
    """Another password; the other sessions of the person end."""
    old, new, again = (visit.typed(name) for name in ("old", "new", "again"))
    if new != again:
        return await _password_form(visit, visit.words.say(DIFFERENT), 400)
    try:
        await visit.office.peoplekeeping.change_password(
            visit.person.name, old, new, session=visit.session.digest if visit.session else "", actor=visit.actor
        )
    except RefusedError as error:
        return await _password_form(visit, visit.words.say(error.sentence), 400)
    first = visit.person.must_change_password  # who has just arrived goes on, perhaps to the second factor
    return await visit.go("/" if first else "/account", done=CHANGED)


async def ask_second_factor(visit: Visit) -> Response:
    """A new secret, to be read by an app."""
    return await _factor_form(visit, second_factor.new_secret(), "", 200)


async def set_second_factor(visit: Visit) -> Response:
    """In place once the app's first code is right; the recovery codes are shown then, and never again."""
    secret = visit.field("secret", 64)
    try:
        codes = await visit.office.peoplekeeping.set_second_factor(
            visit.person.name, secret, visit.field("code", 100), actor=visit.actor
        )
    except RefusedError as error:
        return await _factor_form(visit, secret, visit.words.say(error.sentence), 400)
    return await visit.show("account/recovery_codes.html", RecoveryCodes(codes=codes))


async def _password_form(visit: Visit, wrong: str, status: int) -> Response:
    required = visit.person.must_change_password
    page = Password(required=required, shortest=SHORTEST, wrong=wrong)
    return await visit.show("account/password.html", page, status=status)


async def _factor_form(visit: Visit, secret: str, wrong: str, status: int) -> Response:
    picture = segno.make(second_factor.address(secret, visit.person.name, ISSUER), error="m")
    page = SecondFactor(
        required=visit.office.second_factor_required and not visit.person.second_factor,
        secret=secret,
        spaced=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        picture=picture.svg_inline(scale=5, border=4, light="#fff"),
        wrong=wrong,
    )
    return await visit.show("account/second_factor.html", page, status=status)


ROUTES = [
    own("/account", show, "GET"),
    own("/account/keys", set_keys, "POST"),
    own("/account/password", ask_password, "GET"),
    own("/account/password", change_password, "POST"),
    own("/account/second-factor", ask_second_factor, "GET"),
    own("/account/second-factor", set_second_factor, "POST"),
]
