"""Telling a next hop who the client was: XFORWARD before each mail transaction, or XCLIENT once (as Postfix does).

Only what the next hop's EHLO names is told. A next hop that won't hear of it gets the mail all the same, as if
`client = "none"`, and the log says so; one that refuses *that client* refuses its recipients.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

import structlog

from gateway.events import Event
from gateway.relay.connection import parse_capabilities
from gateway.settings import ClientInfo

if TYPE_CHECKING:
    from filters.envelope import Client
    from gateway.model.reply import Reply
    from gateway.relay.connection import Connection

NOT_KNOWN = "[UNAVAILABLE]"
MAX_VALUE = 255
"""Octets of a value as it is sent."""

_NOT_XTEXT = re.compile(rb"[^!-*,-<>-~]")
_HELLO_NAME = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}\Z")
_WONT_HEAR = frozenset({500, 501, 502, 503, 504, 550})
"""About the command, or about us. Any other refusal is about the client: XCLIENT may be answered as a connection is."""

log = structlog.get_logger()


async def introduce(connection: Connection, client: Client, how: ClientInfo, hostname: str) -> Reply | None:
    """Tell it; None when MAIL may follow, else what the next hop has against the client.

    After XCLIENT the connection is that client's for good (`connection.introduced`): a next hop that lets us say
    XCLIENT need not let the client say it, so the name of another could stay on it.
    """
    match how:
        case ClientInfo.NONE:
            return None
        case ClientInfo.XFORWARD:
            return await _xforward(connection, client)
        case ClientInfo.XCLIENT:
            return None if connection.introduced else await _xclient(connection, client, hostname)
        case unreachable:
            assert_never(unreachable)


async def _xforward(connection: Connection, client: Client) -> Reply | None:
    line = _line("XFORWARD", connection, client)
    answer = await connection.command(line) if line else None
    return None if answer is None or answer.positive else _objection(connection, "XFORWARD", answer)


async def _xclient(connection: Connection, client: Client, hostname: str) -> Reply | None:
    line = _line("XCLIENT", connection, client)
    if not line:
        return None
    answer = await connection.command(line)
    if not answer.positive:
        return _objection(connection, "XCLIENT", answer)
    connection.introduced = True
    name = client.helo if _HELLO_NAME.match(client.helo) else hostname
    answer = await connection.command(b"EHLO " + name.encode())
    if not answer.positive:
        return answer
    connection.capabilities = parse_capabilities(answer)
    return None


def _objection(connection: Connection, verb: str, answer: Reply) -> Reply | None:
    if answer.code not in _WONT_HEAR:
        return answer
    log.warning(Event.NEXT_HOP_FAILED, reason=f"{connection.endpoint} refused {verb}: {answer}")
    return None


def _line(verb: str, connection: Connection, client: Client) -> bytes:
    """The command with every attribute that is announced; empty when it is not, or lacks the address.

    HELO and PROTO come before ADDR: once Postfix has the address, what follows may not be believed any more.
    """
    if verb not in connection.capabilities:
        log.warning(Event.NEXT_HOP_FAILED, reason=f"{connection.endpoint} does not offer {verb}")
        return b""
    announced = connection.capabilities.keywords[verb].upper().split()
    values = {
        "HELO": client.helo,
        "PROTO": client.protocol,
        "NAME": client.name,
        "PORT": client.port,
        "SOURCE": "REMOTE" if verb == "XFORWARD" else "",
        "ADDR": f"IPV6:{client.address}" if ":" in client.address else client.address,
    }
    told = [f"{name}={_xtext(value)}" for name, value in values.items() if name in announced]
    return f"{verb} {' '.join(told)}".encode() if "ADDR" in announced else b""


def _xtext(value: str) -> str:
    """RFC 3461 §4; the word for a value that is not known, also for one that is too long to be passed on."""
    encoded = _NOT_XTEXT.sub(lambda found: b"+%02X" % found[0][0], value.encode("utf-8", "replace")).decode("ascii")
    return encoded if 0 < len(encoded) <= MAX_VALUE else NOT_KNOWN
