"""Who the client of a session is: the connection, then PROXY, then XCLIENT, then XFORWARD for one mail transaction.

Each is believed only from networks that the configuration names, and tested on the address of the connection (after
PROXY): what a client says of itself earns it nothing. What is not known stays unknown, for SPF would otherwise be
asked about a relay of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filters.envelope import Client, Origin
from gateway.model.networks import is_within, plain_address
from gateway.model.reply import Reply
from gateway.smtp import client_attributes, replies

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from gateway.settings import Smtp


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection; `hidden`: a proxy stands there, and does not say for whom."""

    address: str = ""
    port: str = ""
    hidden: bool = False


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """The connection's own peer; all unknown if it has left already."""
    name = transport.get_extra_info("peername")
    return Peer(plain_address(name[0]), str(name[1])) if name else Peer()


class ClientIdentity:
    """What one session knows of its client."""

    def __init__(self, peer: Peer, networks: Smtp) -> None:
        self._trusted = is_within(peer.address, networks.xclient_from)
        self._known = bool(networks.xclient_from)
        self._internal_networks = networks.internal_networks
        self._peer = peer
        self.begin_again()

    def begin_again(self) -> None:
        """Forget whatever the client told, as RFC 3207 §4.2 wants when TLS begins; the connection stays the same."""
        self._session = Client(address=self._peer.address, port=self._peer.port)
        self._origin: Origin | None = None
        self._forwarded: Client | None = None
        self._hidden = self._peer.hidden

    @property
    def address(self) -> str:
        """The outermost client that is known, for the log; "" when none is."""
        forwarded = self._forwarded.address if self._forwarded is not None else ""
        return forwarded or self._session.address

    def keywords(self) -> tuple[str, ...]:
        """What EHLO offers a client that may tell us about others."""
        if not self._trusted:
            return ()
        names = {"XCLIENT": client_attributes.XCLIENT, "XFORWARD": client_attributes.XFORWARD}
        return tuple(f"{verb} {' '.join(attributes)}" for verb, attributes in names.items())

    def xclient(self, line: bytes) -> Reply | None:
        """Become that client, for the rest of the session; None when done, else the refusal.

        Attributes that are not given keep their values. LOGIN is taken and means nothing: nobody has a login here.
        """
        attributes = self._attributes(line, client_attributes.XCLIENT)
        if isinstance(attributes, Reply):
            return attributes
        self._session = _changed(self._session, attributes)
        self._forwarded = self._origin = None
        self._hidden = self._hidden and "ADDR" not in attributes
        return None

    def xforward(self, line: bytes) -> Reply:
        """Know of a client further out, for one mail transaction. Several commands add up."""
        attributes = self._attributes(line, client_attributes.XFORWARD)
        if isinstance(attributes, Reply):
            return attributes
        self._origin = None
        client = _changed(self._forwarded or Client(), attributes)
        # A message that began on the relay itself came from no client; whatever else it says is its own.
        self._forwarded = Client() if attributes.get("SOURCE") == "LOCAL" else client
        return replies.OK

    def _attributes(self, line: bytes, known: tuple[str, ...]) -> Mapping[str, str] | Reply:
        if not self._known:
            return replies.UNKNOWN_COMMAND
        return client_attributes.read_attributes(line, known) if self._trusted else replies.NOT_AUTHORIZED

    def forget_forwarded(self) -> None:
        """The mail transaction is over: XFORWARD was about it alone."""
        if self._forwarded is not None:
            self._forwarded = self._origin = None

    def origin(self, helo: str, protocol: str, tls: str) -> Origin:
        """Where the mail transaction that begins now comes from; `helo` is what was said in this session."""
        last = self._origin
        if last is not None and (last.helo, last.protocol, last.tls) == (helo, protocol, tls):
            return last
        self._origin = self._make_origin(helo, protocol, tls)
        return self._origin

    def _make_origin(self, helo: str, protocol: str, tls: str) -> Origin:
        session = self._session
        forwarded = self._forwarded if self._forwarded is not None else Client() if self._hidden else None
        outermost = session if forwarded is None else forwarded
        return Origin(
            client_ip=session.address,
            helo=session.helo or helo,
            protocol=protocol,
            tls=tls,
            client_name=session.name,
            client_port=session.port,
            forwarded=forwarded,
            internal=is_within(outermost.address, self._internal_networks),
        )


_FIELDS = {"ADDR": "address", "NAME": "name", "HELO": "helo", "PORT": "port", "PROTO": "protocol"}


def _changed(client: Client, attributes: Mapping[str, str]) -> Client:
    """The client with these attributes. An address that is new takes the name and the port of the old one away."""
    if "ADDR" in attributes and attributes["ADDR"] != client.address and client.address:
        client = replace(client, name="", port="")
    return replace(client, **{field: attributes[name] for name, field in _FIELDS.items() if name in attributes})
