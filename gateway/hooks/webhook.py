"""The web hook: an alert by POST, over HTTPS or on loopback (RFC 9112). Bounded in octets and in time.

Follows no redirection, keeps no connection and no cookie. What stands in its address behind the host is often a secret,
so nothing here ever says it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from gateway.tls import harden

ANSWER_LIMIT = 16 * 1024
"""Octets of the answer's head."""
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
_INTERIM = 200
"""Codes below are no answer yet (RFC 9110 §15.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address. `secret` signs the document; without one it goes unsigned. `seconds` are for all of it."""

    url: str
    secret: bytes
    seconds: float

    async def tell(self, document: bytes) -> str:
        """Why the document was not taken, "" if it was: by any code of success (RFC 9110 §15.3)."""
        try:
            async with asyncio.timeout(self.seconds):
                status = await self._post(document)
        except TimeoutError:
            return f"no answer within {self.seconds:g} s"
        except OSError as error:
            return _unreached(error)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return "the connection ended, or what came was no HTTP"
        return "" if 200 <= status < 300 else f"HTTP status {status}"

    async def _post(self, document: bytes) -> int:
        parts = urlsplit(self.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        context = await asyncio.to_thread(_context) if secure else None
        port = parts.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=ANSWER_LIMIT)
        try:
            writer.write(self._head(parts, document) + document)
            await writer.drain()
            while (status := _status(await reader.readuntil(b"\r\n\r\n"))) < _INTERIM:
                continue
            return status
        finally:
            writer.transport.abort()

    def _head(self, parts: SplitResult, document: bytes) -> bytes:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = [
            f"POST {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            "User-Agent: liaison-gateway",
            "Content-Type: application/json",
            f"Content-Length: {len(document)}",
            "Connection: close",
        ]
        if self.secret:
            fields.append(f"X-Liaison-Signature: sha256={hmac.new(self.secret, document, hashlib.sha256).hexdigest()}")
        return "\r\n".join([*fields, "", ""]).encode("ascii")


def _unreached(error: OSError) -> str:
    """In words of the system's: asyncio's name the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or 'no reason given'}"
    if isinstance(error, socket.gaierror):
        return "its name does not resolve"
    return os.strerror(error.errno) if error.errno else "it can't be reached"


def _status(head: bytes) -> int:
    found = _STATUS_LINE.match(head)
    if found is None:
        raise ValueError("no status line")
    return int(found[1])


def _context() -> ssl.SSLContext:
    """Reading the system's authorities takes milliseconds."""
    return harden(ssl.create_default_context())
