"""Signing in at the agency's OpenID provider: from what it says of a person to a session of theirs.

The provider proves who somebody is; what they may do here is the account's, or follows from one claim where the
configuration says so. Nobody gets an account by signing in, unless a setting allows it. Whoever fails learns no more
than that they were not let in: the log says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from filters.address import canonical_domain
from gateway import tokens
from gateway.errors import ConfigurationError, RefusedError
from gateway.events import Event
from gateway.identity.openid import Departure, ProviderError
from gateway.model.people import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.identity.openid import Claims, Provider
    from gateway.model.people import Person
    from gateway.operations.peoplekeeping import Peoplekeeping
    from gateway.operations.signing_in import SigningIn
    from gateway.settings import Oidc

ACTOR = "oidc"
"""As the audit log names who gives roles at a sign-in."""
_LONGEST = 200

log = structlog.get_logger()


def departure() -> Departure:
    """What belongs to one way to the provider and back."""
    state, nonce = tokens.session_token(), tokens.session_token()
    return Departure(state=state, nonce=nonce, verifier=tokens.session_token() + tokens.session_token())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSignIn:
    """The verbs. `own` are the agency's domains: an address in one of them is the account before its @."""

    provider: Provider
    oidc: Oidc
    own: frozenset[str]
    signing_in: SigningIn
    peoplekeeping: Peoplekeeping

    async def address(self, going: Departure) -> str:
        """Where the browser is sent. RefusedError if the provider does not answer."""
        try:
            return await self.provider.address(going)
        except ProviderError as error:
            log.error(Event.PROVIDER_FAILED, reason=str(error))
            raise RefusedError("The sign-in service of your organization does not answer") from error

    async def arrived(self, going: Departure, brought: Mapping[str, str], client: str) -> str:
        """The token of a new session. RefusedError if it was not proven who came back, or they may not come in."""
        await self.signing_in.refuse_a_client_with_many_failures(client)
        try:
            claims = await self.provider.arrival(going, brought)
        except ProviderError as error:
            log.warning(Event.PROVIDER_REFUSED, client=client, reason=str(error)[:_LONGEST])
            await self.signing_in.failed_at_provider(client)
            raise RefusedError("The sign-in at your organization did not succeed") from error
        name = self._name(claims)
        person = await self._person(name, claims) if name else None
        if person is None or not person.active:
            log.warning(Event.PROVIDER_REFUSED, client=client, reason="no account that may come in", name=name)
            await self.signing_in.failed_at_provider(client, person.name if person is not None else "")
            raise RefusedError("You have no account here, or it is disabled")
        return await self.signing_in.at_provider(person, client)

    def _name(self, claims: Claims) -> str:
        """The name of the account that the claims are about, or "" if that can't be told for certain."""
        said = claims.get(self.oidc.name_claim)
        if not isinstance(said, str) or len(said) > _LONGEST:
            return ""
        if self.oidc.name_claim == "email" and claims.get("email_verified") is not True:
            return ""
        name, at, domain = said.strip().casefold().rpartition("@")
        if not at:
            return domain
        return name if canonical_domain(domain) in self.own else ""

    async def _person(self, name: str, claims: Claims) -> Person | None:
        """The account, with the roles of today, or None."""
        async with self.peoplekeeping.store.reading() as work:
            person = await work.people.get(name)
        if not self.oidc.roles_claim:
            return person
        roles = roles_of(claims, self.oidc)
        if not roles:
            return None
        if person is None:
            return await self._new(name, roles, claims) if self.oidc.create else None
        if person.active and person.roles != roles:
            await self.peoplekeeping.set_roles(name, roles, actor=ACTOR)
            return await self.peoplekeeping.person(name)
        return person

    async def _new(self, name: str, roles: frozenset[Role], claims: Claims) -> Person:
        """An account with a password that nobody knows."""
        full, language = claims.get("name"), str(claims.get("locale", "")).casefold()
        return await self.peoplekeeping.add(
            name,
            full[:_LONGEST] if isinstance(full, str) else name,
            roles,
            tokens.session_token(),
            actor=ACTOR,
            language="fr" if language.startswith("fr") else "en",
        )


def roles_of(claims: Claims, oidc: Oidc) -> frozenset[Role]:
    """What the values of the claim give: one text, or an array of them."""
    said = claims.get(oidc.roles_claim)
    values = said if isinstance(said, list) else [said]
    return frozenset(role for value, role in role_rules(oidc) if value in values)


def role_rules(oidc: Oidc) -> tuple[tuple[str, Role], ...]:
    """The rules of the configuration, read; ConfigurationError names those that are none."""
    rules, problems = [], []
    for rule in oidc.roles:
        value, _, word = rule.rpartition("=")
        if not value or word not in set(Role):
            known = ", ".join(Role)
            problems.append(f"oidc.roles: {rule!r} gives no role; write VALUE=ROLE, with one of {known}")
        else:
            rules.append((value, Role(word)))
    if problems:
        raise ConfigurationError(problems)
    return tuple(rules)
