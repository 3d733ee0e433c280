"""Opening a connection to a next hop: connect, greeting, STARTTLS as the route's policy wants it (RFC 3207)."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from gateway.relay.connection import Connection, NextHopError, TlsRefusedError
from gateway.tls import harden

if TYPE_CHECKING:
    from gateway.settings import Endpoint


def tls_context(policy: str) -> ssl.SSLContext:
    """The client's context for a TLS policy; only `verified` looks at the certificate."""
    if policy == "verified":
        context = ssl.create_default_context()
    else:  # without the authorities, which take longer to load than a handshake
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return harden(context)


async def open_connection(endpoint: Endpoint, *, hostname: str, tls: str, timeout: float) -> Connection:
    """A connection ready for MAIL. `tls` is none, opportunistic, required or verified.

    NextHopError when it can't be had. Only `opportunistic` falls back to clear text.
    """
    connection = await _greeted(endpoint, hostname, timeout)
    if tls == "none":
        return connection
    try:
        await _secure(connection, tls, hostname)
    except TlsRefusedError:
        connection.close()
        if tls != "opportunistic":
            raise
        return await _greeted(endpoint, hostname, timeout)
    except (NextHopError, asyncio.CancelledError):
        connection.close()
        raise
    return connection


async def _secure(connection: Connection, tls: str, hostname: str) -> None:
    if "STARTTLS" in connection.capabilities:
        await connection.start_tls(tls_context(tls), hostname)
    elif tls != "opportunistic":
        raise TlsRefusedError(f"{connection.endpoint} does not offer STARTTLS, which tls = {tls!r} needs")


async def _greeted(endpoint: Endpoint, hostname: str, timeout: float) -> Connection:
    connection = Connection(endpoint, timeout)
    try:
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().create_connection(lambda: connection, endpoint.host, endpoint.port)
    except (OSError, TimeoutError) as error:
        raise NextHopError(f"{endpoint} can't be reached ({str(error) or 'no answer'})") from error
    try:
        await connection.greet(hostname)
    except (NextHopError, asyncio.CancelledError):  # cancelled: whoever wanted it can wait no longer
        connection.close()
        raise
    return connection
