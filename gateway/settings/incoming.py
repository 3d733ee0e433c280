"""The settings of mail that comes in: `[smtp]`, the session and its limits, and `[screening]`, the reading of content.

A part of the tree, and like it only values. Limits of connections hold over all workers of a node; the two that bound
memory and files hold in each worker, for each has memory of its own.
"""

# The annotations are read at run time: no `from __future__ import annotations` here.
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from gateway.settings import kinds
from gateway.settings.key import OCTETS, Key
from gateway.settings.kinds import DAY
from gateway.settings.values import BareNewlines, Endpoint, IPNetwork

COUNT = kinds.whole(1, 1_000_000)
SECONDS = kinds.seconds(DAY)


def _read_own_name(value: object, directory: Path) -> str:
    """RFC 1123 §2.1: what we say in EHLO is a host name, and servers refuse one with an underscore."""
    name = str(kinds.DOMAIN.read(value, directory))
    if "_" in name:
        raise kinds.UnfitError(f"{kinds.quoted(name)} has an underscore, which no host name has")
    return name


OWN_NAME = kinds.Kind(kinds.DOMAIN.right, _read_own_name)


def _host_name() -> str:
    """The machine's own name, as it knows it without asking the DNS."""
    try:
        return str(OWN_NAME.read(socket.gethostname(), Path()))
    except kinds.UnfitError:
        return "localhost"


def _internal_networks() -> tuple[IPNetwork, ...]:
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")  # RFC 1918 §3, RFC 4193 §3.1
    return tuple(kinds.network(text) for text in ("127.0.0.0/8", "::1/128", *private))


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """How mail comes in, and the limits that hold there (RFC 5321 §4.5.3)."""

    hostname: Annotated[
        str,
        Key(
            OWN_NAME,
            "our name in EHLO, Received and Authentication-Results",
            shown="mx.police.example",
            default_words="the machine's own name",
        ),
    ] = field(default_factory=_host_name)
    listen: Annotated[
        tuple[Endpoint, ...], Key(kinds.LISTENERS, "host:port; an IPv6 host in brackets", at_start=True)
    ] = (Endpoint("127.0.0.1", 2525),)
    workers: Annotated[
        int, Key(kinds.whole(1, 256, "processes"), "processes that inherit the listening sockets", at_start=True)
    ] = 1
    max_message_size: Annotated[int, Key(OCTETS, "octets")] = 52428800
    max_recipients: Annotated[int, Key(COUNT, "in one mail transaction")] = 1000
    max_connections: Annotated[int, Key(COUNT, "in all, over all workers")] = 1000
    max_connections_per_client: Annotated[int, Key(COUNT, "from one IP address, over all workers")] = 100
    max_commands: Annotated[int, Key(COUNT, "in one session; a mail transaction in hand may end")] = 100_000
    max_errors: Annotated[int, Key(COUNT, "commands refused with 5yz in one session, recipients apart")] = 20
    max_command_line: Annotated[
        int, Key(kinds.whole(512, 65_536, "octets"), "octets before the line end")  # RFC 5321 §4.5.3.1.4
    ] = 2048
    max_text_line: Annotated[
        int, Key(kinds.whole(1000, 2**40, "octets"), "octets before the line end")  # RFC 5321 §4.5.3.1.6
    ] = 1048576
    max_memory: Annotated[
        int, Key(OCTETS, "octets of messages on their way that a worker holds in memory, not in files")
    ] = 33554432
    max_in_flight: Annotated[
        int,
        Key(OCTETS, "octets of them in memory and files; beyond it large ones wait for room"),
    ] = 1073741824
    idle_timeout: Annotated[float, Key(SECONDS, "seconds")] = 300
    session_timeout: Annotated[float, Key(SECONDS, "seconds of a session; a mail transaction in hand may end")] = 3600
    transaction_timeout: Annotated[float, Key(SECONDS, "seconds from MAIL to the final dot")] = 3600
    starttls_timeout: Annotated[float, Key(kinds.seconds(3600), "seconds for a TLS handshake")] = 30
    proxy_timeout: Annotated[float, Key(kinds.seconds(3600), "seconds for a PROXY header")] = 5
    stop_timeout: Annotated[
        float, Key(kinds.seconds(3600), "seconds for mail transactions in hand at SIGTERM; then 421")
    ] = 30
    bare_newlines: Annotated[BareNewlines, Key(kinds.one_of(*BareNewlines), "normalize | reject")] = (
        BareNewlines.NORMALIZE
    )
    tls_certificate: Annotated[
        Path | None, Key(kinds.optional(kinds.FILE, None), "PEM; both set: STARTTLS is offered")
    ] = None
    tls_key: Annotated[Path | None, Key(kinds.optional(kinds.FILE, None), "PEM")] = None
    proxy_protocol_from: Annotated[tuple[IPNetwork, ...], Key(kinds.NETWORKS, "CIDRs that must speak PROXY v1/v2")] = ()
    xclient_from: Annotated[tuple[IPNetwork, ...], Key(kinds.NETWORKS, "CIDRs that may use XCLIENT / XFORWARD")] = ()
    trusted_authserv_id: Annotated[str, Key(kinds.TEXT, "an upstream whose Authentication-Results are believed")] = ""
    trusted_received_by: Annotated[tuple[str, ...], Key(kinds.DOMAINS, "its hosts' names in Received")] = ()
    internal_networks: Annotated[
        tuple[IPNetwork, ...],
        Key(
            kinds.NETWORKS,
            "a client from here is not the sender's own server: SPF says nothing ([]: none is internal)",
        ),
    ] = field(default_factory=_internal_networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """How much of a message is read, and for how long.

    Nobody is refused for parts that are not looked at, nor for the time that it took to find out about a sender.
    """

    max_header_size: Annotated[
        int, Key(kinds.whole(1000, 2**30, "octets"), "octets of the header section; beyond: 554")
    ] = 262144
    max_header_fields: Annotated[int, Key(COUNT, "header fields; beyond: 554")] = 1000
    max_received: Annotated[int, Key(COUNT, "servers that a message has passed; beyond: 554, a routing loop")] = 100
    max_mime_parts: Annotated[int, Key(COUNT, "parts that are looked at for invitations, in all")] = 200
    max_mime_depth: Annotated[int, Key(kinds.whole(1, 1000), "multiparts inside each other that are opened")] = 10
    max_memory: Annotated[int, Key(OCTETS, "octets of messages that a worker reads whole at a time; others wait")] = (
        67108864
    )
    timeout: Annotated[
        float, Key(kinds.seconds(60), "seconds to find out about a sender; past it: unproven, as without a DNS")
    ] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where officers forward what reached them elsewhere. Without an address there is no such mailbox."""

    address: Annotated[
        str,
        Key(kinds.optional(kinds.ADDRESS), "exactly this recipient is ours, whatever the routes say; empty: nobody is"),
    ] = ""
    accept_from: Annotated[
        tuple[IPNetwork | str, ...],
        Key(
            kinds.NETWORKS_AND_DOMAINS,
            "beside smtp.internal_networks and the own domains: networks of clients, domains of senders",
        ),
    ] = ()
