"""Signing in at an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636).

What it returns was said by the configured issuer, to us, in answer to this very request, and is signed with one of its
keys. It decides nothing about accounts. Authlib and its HTTP client are imported when the first person goes that way.
RFC 6749 §4.1, RFC 7636 §4.1, §4.2, RFC 8414 §3.3, RFC 8725 §3.1, RFC 9207 §2.4.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.settings import is_safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authlib.integrations.httpx_client import AsyncOAuth2Client
    from joserfc.jwk import KeySet

    from gateway.clock import Clock

Claims = dict[str, object]

TIMEOUT = 10.0
"""Seconds for each answer of the provider."""
KEPT = 3600.0
"""Seconds that its metadata and keys are believed without asking again."""
ASKED_AGAIN = 60.0
"""Seconds, at least, between two requests for keys because one was not known."""
LEEWAY = 60
"""Seconds that its clock may differ."""
MOST_OCTETS = 1024 * 1024
"""Of what it publishes."""
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA")
"""Signatures with the provider's own key. `none`, and those with our secret, are not among them (RFC 8725 §3.1)."""


class ProviderError(Exception):
    """The provider can't be used, or what came from it is not to be believed: why, for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Somebody on the way to the provider: what the browser brings back with them, and nobody else knows."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the provider knows us by. `secret` "": a public client, whom PKCE alone protects."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    scope: str
    redirect_uri: str
    acr: str = ""
    """The authentication context class that the provider has to assert; "" for any."""


class Provider:
    """One provider. Its metadata and keys are fetched when they are needed, and kept for a while."""

    def __init__(self, registration: Registration, clock: Clock) -> None:
        self._us = registration
        self._clock = clock
        self._metadata: Mapping[str, object] = {}
        self._keys: KeySet | None = None
        self._metadata_until = self._keys_until = self._keys_asked = 0.0

    async def address(self, departure: Departure) -> str:
        """Where the browser is sent. ProviderError if the provider can't say where."""
        endpoint = await self._endpoint("authorization_endpoint")
        more = {"acr_values": self._us.acr} if self._us.acr else {}
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=departure.state, nonce=departure.nonce, code_verifier=departure.verifier, **more
            )
        return str(url)

    async def probe(self) -> int:
        """The number of its keys, where everything that a sign-in needs is there. ProviderError says what is not."""
        for name in ("authorization_endpoint", "token_endpoint"):
            await self._endpoint(name)
        return len((await self._key_set()).keys)

    async def arrival(self, departure: Departure, brought: Mapping[str, str]) -> Claims:
        """The claims about who came back with this query. ProviderError if anything is not as it must be."""
        self._check_answer(departure, brought)
        token = await self._token(departure, brought["code"])
        claims = await self._verified(token, departure.nonce)
        if self._us.acr and claims.get("acr") != self._us.acr:
            raise ProviderError(f"the ID token says acr {claims.get('acr')!r}, not {self._us.acr!r}")
        return claims

    def _check_answer(self, departure: Departure, brought: Mapping[str, str]) -> None:
        state = brought.get("state", "")
        if not departure.state or not hmac.compare_digest(state.encode(), departure.state.encode()):
            raise ProviderError("the answer is not to a request of this browser (state)")
        if "error" in brought:
            raise ProviderError(f"the provider refused: {brought['error'][:200]!r}")
        if "iss" in brought and brought["iss"] != self._us.issuer:
            raise ProviderError(f"the answer is from another issuer: {brought['iss'][:200]!r}")
        if not brought.get("code"):
            raise ProviderError("the answer has no code")

    async def _token(self, departure: Departure, code: str) -> str:
        from authlib.integrations.base_client import OAuthError
        from httpx2 import HTTPError

        endpoint = await self._endpoint("token_endpoint")
        async with self._client() as client:
            try:
                answer = await client.fetch_token(endpoint, code=code, code_verifier=departure.verifier)
            except (OAuthError, HTTPError, ValueError) as error:
                raise ProviderError(f"the provider gave no token: {error}") from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderError("the provider gave no ID token")
        return token

    async def _verified(self, token: str, nonce: str) -> Claims:
        """OpenID Connect Core 1.0 §3.1.3.7: signature, issuer, audience, authorized party, times, nonce."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        try:
            try:
                read = jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:  # keys change: once more with those of today
                read = jwt.decode(token, await self._key_set(fresh=True), algorithms=ALGORITHMS)
            us = self._us
            options = {
                "iss": {"essential": True, "value": us.issuer},
                "aud": {"essential": True, "value": us.client_id},
                "nonce": {"essential": True, "value": nonce},
            }
            claims = CodeIDToken(read.claims, read.header, options, {"nonce": nonce, "client_id": us.client_id})
            claims.validate(now=int(self._clock.now().timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"the ID token is not to be believed: {type(error).__name__}: {error}") from error
        return dict(claims)

    async def _endpoint(self, name: str) -> str:
        """Of the provider's metadata, which is its own (RFC 8414 §3.3), and safe to be asked."""
        now = self._clock.now().timestamp()
        if now >= self._metadata_until:
            found = await self._get(f"{self._us.issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self._us.issuer:
                raise ProviderError(f"the metadata are those of {found.get('issuer')!r}, not of {self._us.issuer!r}")
            self._metadata, self._metadata_until = found, now + KEPT
        where = self._metadata.get(name)
        if not isinstance(where, str) or not is_safe(where):
            raise ProviderError(f"the metadata have no {name} with https")
        return where

    async def _key_set(self, *, fresh: bool = False) -> KeySet:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        now = self._clock.now().timestamp()
        if self._keys is None or now >= self._keys_until or (fresh and now >= self._keys_asked + ASKED_AGAIN):
            found = await self._get(await self._endpoint("jwks_uri"))
            keys = [key for key in _keys_in(found) if key.get("use") != "enc"]
            try:
                self._keys = KeySet.import_key_set({"keys": keys})
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise ProviderError(f"the provider's keys can't be read: {type(error).__name__}: {error}") from error
            self._keys_until, self._keys_asked = now + KEPT, now
        return self._keys

    async def _get(self, where: str) -> Mapping[str, object]:
        """A JSON object that the provider publishes. It is followed nowhere else."""
        import httpx2
        import orjson

        try:
            async with (
                httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client,
                client.stream("GET", where, headers={"accept": "application/json"}) as answer,
            ):
                answer.raise_for_status()
                octets = b""
                async for piece in answer.aiter_bytes():
                    octets += piece
                    if len(octets) > MOST_OCTETS:
                        raise ProviderError(f"{where} has more than {MOST_OCTETS} octets")
            found = orjson.loads(octets)
        except (httpx2.HTTPError, ValueError) as error:
            raise ProviderError(f"{where} can't be read: {type(error).__name__}: {error}") from error
        if not isinstance(found, dict):
            raise ProviderError(f"{where} is no JSON object")
        return found

    def _client(self) -> AsyncOAuth2Client:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        us = self._us
        return AsyncOAuth2Client(
            client_id=us.client_id,
            client_secret=us.secret or None,
            scope=us.scope,
            redirect_uri=us.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if us.secret else "none",
            timeout=TIMEOUT,
            follow_redirects=False,
        )


def _keys_in(found: Mapping[str, object]) -> list[dict[str, str | list[str]]]:
    keys = found.get("keys")
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
