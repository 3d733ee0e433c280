"""`[oidc]`: signing in to the console at the agency's OpenID provider."""

# The annotations are read at run time: no `from __future__ import annotations` here.
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from gateway.settings import kinds
from gateway.settings.key import Key

RULES = kinds.several(kinds.TEXT, 'an array of "VALUE=ROLE" such as ["liaison-review=reviewer"]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """The provider, and how what it says of a person becomes an account of the console."""

    issuer: Annotated[
        str,
        Key(kinds.optional(kinds.PUBLIC_URL), "its issuer identifier; with client_id: people can sign in there"),
    ] = ""
    client_id: Annotated[str, Key(kinds.TEXT, "what it knows the console by")] = ""
    client_secret_file: Annotated[
        Path | None, Key(kinds.optional(kinds.FILE, None), "holds the secret alone; unset: a public client with PKCE")
    ] = None
    scope: Annotated[str, Key(kinds.filled('scopes such as "openid profile email"'), "asked for")] = (
        "openid profile email"
    )
    name_claim: Annotated[
        str,
        Key(
            kinds.filled('a claim such as "preferred_username"'),
            "the account's name; of an address in an own domain, what stands before the @",
        ),
    ] = "preferred_username"
    roles_claim: Annotated[str, Key(kinds.TEXT, "set: roles are what it says at each sign-in, by `roles`")] = ""
    roles: Annotated[tuple[str, ...], Key(RULES, 'which of its values gives which role: "VALUE=ROLE"')] = ()
    create: Annotated[bool, Key(kinds.BOOLEAN, "whether who has a role by roles_claim gets an account at once")] = False
    acr: Annotated[str, Key(kinds.TEXT, "the authentication context class that it has to assert; empty: any")] = ""
    passwords: Annotated[
        bool, Key(kinds.BOOLEAN, "whether local passwords open the console too, for when the provider is away")
    ] = True
