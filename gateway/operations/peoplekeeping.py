"""Peoplekeeping: who may sign in, as what, and with which proofs. Every verb leaves an audit row.

A password that somebody else set is changed at the next sign-in. Whatever takes rights away ends the sessions.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.people import Person, Role, roles_with
from gateway.operations import passwords

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.clock import Clock
    from gateway.model.people import Verb
    from gateway.store.unit_of_work import Store, Work

RECOVERY_CODES = 10
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peoplekeeping:
    """The verbs."""

    store: Store
    clock: Clock

    async def people(self) -> list[Person]:
        """Everybody, by name."""
        async with self.store.reading() as work:
            return await work.people.list()

    async def person(self, name: str) -> Person:
        """The person of this name; RefusedError if there is none."""
        async with self.store.reading() as work:
            return await _person(work, name)

    async def check_login(self, login: str, verb: Verb) -> None:
        """RefusedError where the account of that name may not do this. Who has none holds the machine's keys anyway."""
        async with self.store.reading() as work:
            person = await work.people.get(login.casefold())
            if person is not None and not person.may(verb):
                raise _not_allowed(person, verb, await work.people.list())

    async def add(
        self,
        name: str,
        full_name: str,
        roles: Collection[Role],
        password: str,
        *,
        actor: str,
        language: str = "en",
        must_change_password: bool = True,
    ) -> Person:
        """A new person, who changes the password at the first sign-in: somebody else knows it."""
        name = account_name(name)
        if not roles:
            raise RefusedError("An account needs at least one role")
        passwords.check_new(password, name)
        person = Person(
            name=name,
            full_name=" ".join(full_name.split()) or name,
            roles=frozenset(roles),
            active=True,
            language=language,
            created_at=self.clock.now(),
            signed_in_at=None,
            second_factor=False,
            must_change_password=must_change_password,
        )
        hashed = await passwords.hash_of(password)
        async with self.store.begin() as work:
            if not await work.people.add(person, hashed):
                raise RefusedError("{name} has an account already", name=name)
            await work.audit.append(actor, "person-added", name, {"roles": _words(roles)})
        return person

    async def set_roles(self, name: str, roles: Collection[Role], *, actor: str) -> bool:
        """Give a person these roles and no others; False where it has them. The last administrator stays one."""
        if not roles:
            raise RefusedError("An account needs at least one role; disable it instead")
        async with self.store.begin() as work:
            person = await _person(work, name)
            if person.roles == frozenset(roles):
                return False
            if Role.ADMINISTRATOR not in roles:
                await _keep_an_administrator(work, person)
            await work.people.change(person.name, roles=tuple(sorted(roles)))
            await work.audit.append(actor, "person-roles", person.name, {"roles": _words(roles)})
            return True

    async def set_active(self, name: str, *, active: bool, actor: str) -> bool:
        """Let a person sign in again, or no longer, and end every session; False where it is so already."""
        async with self.store.begin() as work:
            person = await _person(work, name)
            if person.active == active:
                return False
            if not active:
                await _keep_an_administrator(work, person)
            await work.people.change(person.name, active=active)
            await work.sessions.end_all_of(person.name)
            await work.audit.append(actor, "person-enabled" if active else "person-disabled", person.name, {})
            return True

    async def reset_password(self, name: str, password: str, *, actor: str) -> None:
        """Another password, to be changed at the next sign-in; every session ends."""
        person = await self.person(name)
        passwords.check_new(password, person.name)
        hashed = await passwords.hash_of(password)
        async with self.store.begin() as work:
            await work.people.change(person.name, password_hash=hashed, must_change_password=True)
            await work.people.forget_failures(person.created_at, f"name:{person.name}")
            await work.sessions.end_all_of(person.name)
            await work.audit.append(actor, "password-reset", person.name, {})

    async def change_password(self, name: str, old: str, new: str, *, session: str, actor: str) -> None:
        """A person's own change; the other sessions end."""
        async with self.store.reading() as work:
            stored = await work.people.password_hash(name)
        if not await passwords.is_password(old, stored):
            raise RefusedError("The present password is another one")
        if old == new:
            raise RefusedError("The new password is the present one")
        passwords.check_new(new, name)
        hashed = await passwords.hash_of(new)
        async with self.store.begin() as work:
            await work.people.change(name, password_hash=hashed, must_change_password=False)
            await work.sessions.end_all_of(name, but=session)
            await work.audit.append(actor, "password-changed", name, {})

    async def reset_second_factor(self, name: str, *, actor: str) -> None:
        """Take it away, for somebody who lost it; every session ends."""
        async with self.store.begin() as work:
            person = await _person(work, name)
            if not person.second_factor:
                raise RefusedError("{name} has no second factor", name=person.name)
            await work.people.set_second_factor(person.name, None)
            await work.sessions.end_all_of(person.name)
            await work.audit.append(actor, "second-factor-reset", person.name, {})

    async def set_second_factor(self, name: str, secret: str, code: str, *, actor: str) -> tuple[str, ...]:
        """Put a second factor in place once its first code is right; the recovery codes, which are shown only now."""
        from gateway.operations import second_factor  # noqa: PLC0415 -- only where people sign in

        step = second_factor.step_of(secret, code, self.clock.now())
        if step is None:
            raise RefusedError("The code does not fit; is the clock of your device right?")
        return await self._put_in_place(name, secret, step, actor)

    async def give_second_factor(self, name: str, *, actor: str) -> tuple[str, tuple[str, ...]]:
        """One that an administrator hands over: its secret, and the recovery codes; both are shown only now."""
        from gateway.operations import second_factor  # noqa: PLC0415 -- only where people sign in

        person, secret = await self.person(name), second_factor.new_secret()
        return secret, await self._put_in_place(person.name, secret, 0, actor)

    async def _put_in_place(self, name: str, secret: str, step: int, actor: str) -> tuple[str, ...]:
        codes = tuple(tokens.recovery_code() for _ in range(RECOVERY_CODES))
        async with self.store.begin() as work:
            await work.people.set_second_factor(name, secret, [recovery_digest(name, one) for one in codes])
            await work.people.take_step(name, step)
            await work.audit.append(actor, "second-factor-set", name, {})
        return codes

    async def set_language(self, name: str, language: str) -> None:
        """The language of a person's pages."""
        async with self.store.begin() as work:
            await work.people.change(name, language=language)


def recovery_digest(name: str, code: str) -> str:
    """What the store holds of a recovery code; upper and lower case, hyphens and spaces are all the same."""
    plain = re.sub(r"[^0-9A-Z]", "", code.upper())
    return hashlib.sha256(f"recovery:{name}:{plain}".encode()).hexdigest()


def account_name(name: str) -> str:
    """The name as it is kept; RefusedError if it can't be one."""
    folded = name.strip().casefold()
    if not _NAME.fullmatch(folded):
        raise RefusedError(
            "{name} can't be an account's name: letters a to z, digits, and . _ - inside, 64 at most", name=repr(name)
        )
    return folded


def _not_allowed(person: Person, verb: Verb, people: Collection[Person]) -> RefusedError:
    """What right is missing, and who has it."""
    if not person.active:
        return RefusedError("{name} may not do this: the account is disabled", name=person.name)
    who = [one.name for one in people if one.may(verb)]
    return RefusedError(
        "{name} may not do this: the account's roles are {roles}; it takes {right}, which {roles_with} have; "
        "accounts that have it: {who}",
        name=person.name,
        roles=_words(person.roles),
        right=verb.value,
        roles_with=_words(roles_with(verb)),
        who=", ".join(who) if who else Sentence("none"),
    )


async def _person(work: Work, name: str) -> Person:
    person = await work.people.get(name.strip().casefold())
    if person is None:
        raise RefusedError("There is no account {name}", name=name)
    return person


async def _keep_an_administrator(work: Work, person: Person) -> None:
    if Role.ADMINISTRATOR not in person.roles or not person.active:
        return
    others = [one for one in await work.people.list() if Role.ADMINISTRATOR in one.roles and one.active]
    if len(others) == 1:
        raise RefusedError("{name} is the only administrator; make another one first", name=person.name)


def _words(roles: Collection[Role]) -> str:
    return ", ".join(sorted(roles))
