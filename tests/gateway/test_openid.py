"""What the OpenID provider says is believed only as the standard has it: every lie is told once, over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gateway.clock import SystemClock
from gateway.identity.openid import ASKED_AGAIN, Provider, ProviderError, Registration
from gateway.operations.provider_sign_in import departure
from tests.support.openid import CLIENT, SECRET, ScriptedProvider, openid_provider, unsigned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from gateway.identity.openid import Claims


class Ahead:
    """The system's clock, and `seconds`."""

    seconds = 0.0

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(seconds=self.seconds)


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedProvider]:
    async with openid_provider() as running:
        yield running


def asked(scripted: ScriptedProvider, clock: Ahead | None = None, issuer: str = "", acr: str = "") -> Provider:
    registration = Registration(
        issuer=issuer or scripted.issuer, client_id=CLIENT, secret=SECRET, scope="openid",
        redirect_uri="http://127.0.0.1:1/back", acr=acr,
    )  # fmt: skip
    return Provider(registration, clock or Ahead())


async def travel(scripted: ScriptedProvider, provider: Provider) -> Claims:
    """There and back, as a browser would."""
    going = departure()
    where = await provider.address(going)
    _, back, _ = scripted.answer("GET", where, {}, "")
    return await provider.arrival(going, {name: one[0] for name, one in parse_qs(urlsplit(back).query).items()})


async def test_the_truth_is_believed(scripted: ScriptedProvider) -> None:
    assert (await travel(scripted, asked(scripted)))["preferred_username"] == "anna"


def now() -> int:
    return int(SystemClock().now().timestamp())


LIES = {
    "another nonce": lambda claims: {**claims, "nonce": "another"},
    "no nonce": lambda claims: {name: one for name, one in claims.items() if name != "nonce"},
    "another issuer": lambda claims: {**claims, "iss": "https://elsewhere.example"},
    "another audience": lambda claims: {**claims, "aud": "somebody-else"},
    "another party": lambda claims: {**claims, "aud": [CLIENT, "other"], "azp": "other"},
    "expired": lambda claims: {**claims, "exp": now() - 300, "iat": now() - 600},
    "no end": lambda claims: {name: one for name, one in claims.items() if name != "exp"},
    "of tomorrow": lambda claims: {**claims, "iat": now() + 86_400},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_says_the_wrong_thing_is_not_believed(scripted: ScriptedProvider, lie: str) -> None:
    scripted.forge = lambda claims: scripted.signed(LIES[lie](claims))
    with pytest.raises(ProviderError, match="the ID token is not to be believed"):
        await travel(scripted, asked(scripted))


FORGERIES = {
    "none at all": unsigned,
    "another key of the same name": lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "k1"}, claims, RSAKey.generate_key(2048, {"kid": "k1"})
    ),
    "our own secret": lambda claims: jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)),
    "no token": lambda _: "no token at all",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_token_with_the_wrong_signature_is_not_believed(scripted: ScriptedProvider, forgery: str) -> None:
    scripted.forge = FORGERIES[forgery]
    with pytest.raises(ProviderError, match="the ID token is not to be believed"):
        await travel(scripted, asked(scripted))


async def test_a_public_key_is_no_secret_to_sign_with(scripted: ScriptedProvider) -> None:
    """The oldest trick: the published key, taken for the key of an HMAC."""
    public = scripted.key.as_pem(private=False)
    scripted.forge = lambda claims: _hmac_with(public, claims)
    with pytest.raises(ProviderError, match="the ID token is not to be believed"):
        await travel(scripted, asked(scripted))


def _hmac_with(key: bytes, claims: dict[str, object]) -> str:
    import hashlib
    import hmac
    from base64 import urlsafe_b64encode

    unsigned_parts = unsigned(claims).split(".")
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').decode().rstrip("=")
    said = f"{head}.{unsigned_parts[1]}"
    return f"{said}.{urlsafe_b64encode(hmac.digest(key, said.encode(), hashlib.sha256)).decode().rstrip('=')}"


async def test_an_answer_of_another_issuer_or_without_a_code_is_not_followed(scripted: ScriptedProvider) -> None:
    scripted.brings["iss"] = "https://elsewhere.example"
    with pytest.raises(ProviderError, match="from another issuer"):
        await travel(scripted, asked(scripted))
    scripted.brings = {"code": ""}
    with pytest.raises(ProviderError, match="no code"):
        await travel(scripted, asked(scripted))
    assert "/token" not in scripted.asked


async def test_a_code_is_good_for_its_own_verifier_alone(scripted: ScriptedProvider) -> None:
    provider, going, other = asked(scripted), departure(), departure()
    _, back, _ = scripted.answer("GET", await provider.address(going), {}, "")
    brought = {name: one[0] for name, one in parse_qs(urlsplit(back).query).items()}
    with pytest.raises(ProviderError, match="gave no token"):
        await provider.arrival(other, {**brought, "state": other.state})


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"authorization_endpoint": "http://elsewhere.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "http://elsewhere.example/jwks"},
        {"padding": "x" * 1_100_000},
    ],
)
async def test_a_provider_that_can_not_be_trusted_is_not_used(
    scripted: ScriptedProvider, metadata: dict[str, object]
) -> None:
    scripted.metadata = metadata
    with pytest.raises(ProviderError, match=r"metadata|octets"):
        await travel(scripted, asked(scripted))


async def test_a_provider_that_is_not_there_is_told_of(scripted: ScriptedProvider) -> None:
    with pytest.raises(ProviderError, match="can't be read"):
        await travel(scripted, asked(scripted, issuer="http://127.0.0.1:9"))


async def test_keys_may_change_and_an_unknown_one_is_asked_for_once_a_minute(scripted: ScriptedProvider) -> None:
    clock = Ahead()
    provider = asked(scripted, clock)
    await travel(scripted, provider)
    scripted.key = RSAKey.generate_key(2048, {"kid": "k2"})
    for _ in range(3):
        with pytest.raises(ProviderError):
            await travel(scripted, provider)
    assert scripted.asked.count("/jwks") == 1
    clock.seconds = ASKED_AGAIN
    assert await travel(scripted, provider)
    assert scripted.asked.count("/jwks") == 2


async def test_the_class_of_authentication_is_asked_for_and_has_to_be_said(scripted: ScriptedProvider) -> None:
    provider = asked(scripted, acr="mfa")
    with pytest.raises(ProviderError, match="acr"):
        await travel(scripted, provider)
    scripted.claims["acr"] = "mfa"
    assert await travel(scripted, provider)
