"""People: who may sign in, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway import tokens
from gateway.console.audit_words import role_name
from gateway.console.doors import action, page
from gateway.console.words import ROLES, VERBS
from gateway.errors import RefusedError
from gateway.model.people import ALLOWED, Role, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from gateway.console.visit import Visit
    from gateway.model.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleList:
    """The context of `people/list.html`."""

    people: tuple[Person, ...]
    names: Mapping[Role, str]
    """What each role is called."""
    table: tuple[tuple[str, tuple[bool, ...]], ...]
    """What each role may do: a verb in words, and for each role whether it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """The context of `people/add.html`."""

    name: str
    full_name: str
    chosen: tuple[str, ...]
    roles: Mapping[Role, str]
    wrong: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePerson:
    """The context of `people/person.html`. `password` is one that was just set, and is shown this once."""

    person: Person
    roles: Mapping[Role, str]
    password: str


async def show_all(visit: Visit) -> Response:
    """Everybody, and the table of roles."""
    table = tuple((VERBS[verb], tuple(verb in ALLOWED[role] for role in Role)) for verb in Verb)
    people = tuple(await visit.office.peoplekeeping.people())
    names = {role: role_name(role, visit.words) for role in Role}
    return await visit.show("people/list.html", PeopleList(people=people, names=names, table=table))


async def ask_new(visit: Visit) -> Response:
    """The form."""
    return await visit.show("people/add.html", NewPerson(name="", full_name="", chosen=(), roles=ROLES, wrong=""))


async def add(visit: Visit) -> Response:
    """A new account, and its first password, which is shown once."""
    name, full_name, password = visit.field("name", 100), visit.field("full_name", 200), tokens.passphrase()
    try:
        person = await visit.office.peoplekeeping.add(
            name, full_name, _roles(visit), password, actor=visit.actor, language=visit.words.language
        )
    except RefusedError as error:
        page = NewPerson(
            name=name,
            full_name=full_name,
            chosen=tuple(visit.fields("role")),
            roles=ROLES,
            wrong=visit.words.say(error.sentence),
        )
        return await visit.show("people/add.html", page, status=400)
    return await visit.show("people/person.html", OnePerson(person=person, roles=ROLES, password=password))


async def show(visit: Visit) -> Response:
    """One person."""
    person = await visit.office.peoplekeeping.person(visit.part("name"))
    return await visit.show("people/person.html", OnePerson(person=person, roles=ROLES, password=""))


async def set_roles(visit: Visit) -> Response:
    """These roles and no others."""
    name = visit.part("name")
    changed = await visit.office.peoplekeeping.set_roles(name, _roles(visit), actor=visit.actor)
    if not changed:
        return await visit.go(_page(name), done=Sentence("{name} has these roles already.", name=name))
    return await visit.go(_page(name), done=Sentence("The roles of {name} are changed.", name=name))


async def enable(visit: Visit) -> Response:
    """May sign in again."""
    name = visit.part("name")
    if not await visit.office.peoplekeeping.set_active(name, active=True, actor=visit.actor):
        return await visit.go(_page(name), done=Sentence("{name} is enabled already.", name=name))
    return await visit.go(_page(name), done=Sentence("{name} may sign in again.", name=name))


async def disable(visit: Visit) -> Response:
    """May not sign in any more."""
    name = visit.part("name")
    if not await visit.office.peoplekeeping.set_active(name, active=False, actor=visit.actor):
        return await visit.go(_page(name), done=Sentence("{name} is disabled already.", name=name))
    done = Sentence("{name} can't sign in any more; every session has ended.", name=name)
    return await visit.go(_page(name), done=done)


async def reset_password(visit: Visit) -> Response:
    """A new first password, which is shown once."""
    name, password = visit.part("name"), tokens.passphrase()
    await visit.office.peoplekeeping.reset_password(name, password, actor=visit.actor)
    person = await visit.office.peoplekeeping.person(name)
    return await visit.show("people/person.html", OnePerson(person=person, roles=ROLES, password=password))


async def reset_second_factor(visit: Visit) -> Response:
    """For somebody who lost it."""
    name = visit.part("name")
    await visit.office.peoplekeeping.reset_second_factor(name, actor=visit.actor)
    done = Sentence("The second factor of {name} is taken away; a new one is set up at the next sign-in.", name=name)
    return await visit.go(_page(name), done=done)


def _roles(visit: Visit) -> tuple[Role, ...]:
    """Those of the form; a word that is no role comes from no form of ours."""
    known = {str(role) for role in Role}
    return tuple(Role(word) for word in visit.fields("role") if word in known)


def _page(name: str) -> str:
    return f"/people/{name}"


ROUTES = [
    page("/people", show_all, Verb.KEEP_PEOPLE),
    page("/people/add", ask_new, Verb.KEEP_PEOPLE),
    action("/people/add", add, Verb.KEEP_PEOPLE),
    page("/people/{name}", show, Verb.KEEP_PEOPLE),
    action("/people/{name}/roles", set_roles, Verb.KEEP_PEOPLE),
    action("/people/{name}/enable", enable, Verb.KEEP_PEOPLE),
    action("/people/{name}/disable", disable, Verb.KEEP_PEOPLE),
    action("/people/{name}/password", reset_password, Verb.KEEP_PEOPLE),
    action("/people/{name}/second-factor", reset_second_factor, Verb.KEEP_PEOPLE),
]
