"""Signing in: a password, then a one-time code; and the session that follows, with its ends.

Whoever fails learns nothing: not whether there is such an account, and not which of the proofs was wrong. Failures
are counted by account and by client, in the store, so that all nodes count together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.people import Session, Stage
from gateway.operations import passwords
from gateway.operations.peoplekeeping import recovery_digest

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.clock import Clock
    from gateway.model.people import Person
    from gateway.store.unit_of_work import Store, Work

WINDOW = timedelta(minutes=15)
"""In which failures are counted."""
MOST_BY_NAME = 5
MOST_BY_CLIENT = 20
"""Failures in the window after which nobody gets in: under one name, from one address."""
SEEN_AGAIN = timedelta(minutes=1)
"""How exactly it is written down when somebody was last there."""
CODE_WITHIN = timedelta(minutes=10)
"""For the one-time code, after the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """The verbs. `idle` and `longest` end a session."""

    store: Store
    clock: Clock
    idle: timedelta
    longest: timedelta

    async def with_password(self, name: str, password: str, client: str) -> str:
        """The token of a new session: signed in, or waiting for the one-time code. RefusedError if it is not so."""
        name, now = name.strip().casefold(), self.clock.now()
        await self._refuse_many_failures(name, client, now)
        async with self.store.reading() as work:
            person, stored = await work.people.get(name), await work.people.password_hash(name)
        right = await passwords.is_password(password, stored)
        if not right or person is None or not person.active:
            await self._failed(name, client, now, known=person is not None)
            raise RefusedError("Name or password is wrong, or the account is disabled")
        await self._refuse_many_failures(name, client, now)  # of those who tried at the same moment
        async with self.store.begin() as work:
            stage = Stage.PASSWORD if person.second_factor else Stage.SIGNED_IN
            return await self._start(work, person, stage, client, now)

    async def with_code(self, session: Session, code: str, client: str) -> str:
        """The token of the session that replaces this one, after a one-time code or a recovery code."""
        from gateway.operations import second_factor  # noqa: PLC0415 -- only where people sign in

        person, now = session.person, self.clock.now()
        await self._refuse_many_failures(person.name, client, now)
        async with self.store.begin() as work:
            secret = await work.people.second_factor(person.name)
            step = second_factor.step_of(secret, code, now) if secret else None
            right = step is not None and await work.people.take_step(person.name, step)
            right = right or await work.people.use_recovery_code(person.name, recovery_digest(person.name, code))
            if right:
                await work.sessions.end(session.digest)
                return await self._start(work, person, Stage.SIGNED_IN, client, now)
        await self._failed(person.name, client, now, known=True)
        raise RefusedError("The code is wrong, or was used already")

    async def session(self, token: str) -> Session | None:
        """The session of this token, while it lasts."""
        digest, now = tokens.session_digest(token), self.clock.now()
        async with self.store.reading() as work:
            session = await work.sessions.find(digest)
        if session is None or not session.person.active or not self._lasts(session, now):
            return None
        if now - session.seen_at >= SEEN_AGAIN:
            async with self.store.begin() as work:
                await work.sessions.seen(digest, now)
        return session

    async def at_provider(self, person: Person, client: str) -> str:
        """The token of a new session of somebody whom the OpenID provider has let in."""
        async with self.store.begin() as work:
            return await self._start(work, person, Stage.AT_PROVIDER, client, self.clock.now())

    async def refuse_a_client_with_many_failures(self, client: str) -> None:
        """RefusedError if too many sign-ins from this address have failed."""
        await self._refuse_many_failures("", client, self.clock.now())

    async def failed_at_provider(self, client: str, name: str = "") -> None:
        """Count a failure by the address alone: who has an account is not shut out by whoever uses its name there."""
        async with self.store.begin() as work:
            await work.people.note_failure((f"client:{client}",), self.clock.now())
            if name:
                detail = {"client": client, "how": "provider"}
                await work.audit.append("gateway", "sign-in-failed", name, detail)

    async def tell(self, session: Session, told: tuple[str, ...]) -> None:
        """What the next page of the session says at its top."""
        async with self.store.begin() as work:
            await work.sessions.tell(session.digest, told)

    async def sign_out(self, session: Session) -> None:
        """End the session."""
        async with self.store.begin() as work:
            await work.sessions.end(session.digest)
            await work.audit.append(session.person.actor, "signed-out", session.person.name, {})

    def _lasts(self, session: Session, now: datetime) -> bool:
        longest = CODE_WITHIN if session.stage is Stage.PASSWORD else self.longest
        return now - session.seen_at < self.idle and now - session.started_at < longest

    async def _start(self, work: Work, person: Person, stage: Stage, client: str, now: datetime) -> str:
        """The token of a new session. Whoever has still to show a one-time code has not signed in yet."""
        token = tokens.session_token()
        await work.sessions.forget(seen_before=now - self.idle, started_before=now - self.longest)
        await work.sessions.start(tokens.session_digest(token), person.name, stage, now)
        if stage is not Stage.PASSWORD:
            how = {"how": "provider"} if stage is Stage.AT_PROVIDER else {}
            await work.people.change(person.name, signed_in_at=now)
            await work.people.forget_failures(now - WINDOW, f"name:{person.name}")
            await work.audit.append(person.actor, "signed-in", person.name, {"client": client} | how)
        return token

    async def _refuse_many_failures(self, name: str, client: str, now: datetime) -> None:
        async with self.store.reading() as work:
            by_name, first = await work.people.failures(f"name:{name}", now - WINDOW) if name else (0, None)
            by_client, first_of_client = await work.people.failures(f"client:{client}", now - WINDOW)
        too_many = [
            since
            for failures, since, most in ((by_name, first, MOST_BY_NAME), (by_client, first_of_client, MOST_BY_CLIENT))
            if since is not None and failures >= most
        ]
        if not too_many:
            return
        minutes = max(1, int((max(too_many) + WINDOW - now).total_seconds() / 60 + 0.99))
        raise RefusedError("Too many failed sign-ins; try again in {minutes} min", minutes=minutes)

    async def _failed(self, name: str, client: str, now: datetime, *, known: bool) -> None:
        async with self.store.begin() as work:
            await work.people.note_failure((f"name:{name[:64]}", f"client:{client}"), now)
            if known:  # what somebody types instead of a name may be a password
                await work.audit.append("gateway", "sign-in-failed", name, {"client": client})
