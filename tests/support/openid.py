"""An OpenID provider for tests: real HTTP on loopback, real RS256 keys, PKCE checked, and lies where a test wants them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from gateway.clock import SystemClock
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

CLIENT, SECRET = "liaison-console", "s3cret:with/signs"
_KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


@dataclass
class ScriptedProvider:
    """`claims` are said of whoever comes; the other fields are what a test changes to have it lie."""

    port: int = 0
    key: RSAKey = field(default_factory=lambda: _KEY)
    published: list[RSAKey] | None = None
    claims: dict[str, object] = field(default_factory=lambda: {"preferred_username": "anna", "name": "Anna"})
    metadata: dict[str, object] = field(default_factory=dict)
    forge: Callable[[dict[str, object]], str] | None = None
    refuses: str = ""
    brings: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def signed(self, claims: Mapping[str, object]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid or ""}, dict(claims), self.key)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> tuple[int, str, str]:
        """Status, Location, body."""
        where = urlsplit(target)
        self.asked.append(where.path)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        if where.path == "/.well-known/openid-configuration":
            return 200, "", json.dumps(self._metadata())
        if where.path == "/jwks":
            keys = [key.as_dict(private=False) for key in ([self.key] if self.published is None else self.published)]
            return 200, "", json.dumps({"keys": keys})
        if where.path == "/authorize":
            return 302, self._back(query), ""
        if where.path == "/token" and method == "POST":
            return self._token({name: values[0] for name, values in parse_qs(body).items()}, headers)
        return 404, "", ""

    def _metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **self.metadata,
        }

    def _back(self, query: dict[str, str]) -> str:
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        answer = {"error": self.refuses} if self.refuses else {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state'], **self.brings})}"

    def _token(self, form: dict[str, str], headers: Mapping[str, str]) -> tuple[int, str, str]:
        asked = self.codes.pop(form["code"], None)
        basic = base64.b64decode(headers.get("authorization", "").removeprefix("Basic ")).decode()
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"] or basic != f"{CLIENT}:{SECRET}":
            return 400, "", json.dumps({"error": "invalid_grant"})
        now = int(SystemClock().now().timestamp())
        claims: dict[str, object] = {
            "iss": self.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            **self.claims,
        }  # fmt: skip
        token = (self.forge or self.signed)(claims)
        return 200, "", json.dumps({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, target, _ = (await reader.readline()).decode().split()
            headers: dict[str, str] = {}
            while line := (await reader.readline()).decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
            status, location, content = self.answer(method, target, headers, body)
            head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            head += f"Location: {location}\r\n" if location else ""
            writer.write(f"{head}Connection: close\r\n\r\n{content}".encode())
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def openid_provider() -> AsyncIterator[ScriptedProvider]:
    provider = ScriptedProvider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    async with server:
        yield provider


def unsigned(claims: Mapping[str, object]) -> str:
    """alg none."""
    parts = [{"alg": "none", "typ": "JWT"}, dict(claims)]
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts) + "."


@asynccontextmanager
async def trusting(
    provider: ScriptedProvider, directory: Path, url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    """A gateway whose console lets in whom the provider knows. The console's port is known once it listens."""
    (directory / "secret").write_text(SECRET + "\n")
    path = write_configuration(
        directory, next_hop=next_hop.port, smarthost=smarthost.port, url=url, console='listen = "127.0.0.1:0"',
        more=f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\nclient_secret_file = "secret"\n',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        configure(running)
        yield running


def configure(gateway: Running, **oidc: object) -> None:
    """Other values of `[oidc]`, put in force as by SIGHUP."""
    now = gateway.settings
    console = replace(now.console, public_url=f"http://127.0.0.1:{gateway.console}")
    gateway.service.obey(replace(now, console=console, oidc=replace(now.oidc, **oidc)))  # type: ignore[arg-type]
