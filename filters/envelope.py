"""The envelope: what the SMTP client said outside the content (RFC 5321 §2.3.1).

Not aiosmtpd's class of the same name: this one is complete and immutable, made when DATA ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from filters.address import Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An SMTP client as it is known; "" stands for what is not.

    `address` is a textual IP address, `name` what the DNS calls it, `helo` its EHLO/HELO argument, `port` decimal
    digits, `protocol` "SMTP" or "ESMTP".
    """

    address: str = ""
    name: str = ""
    helo: str = ""
    port: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a mail transaction came from.

    `client_ip` is the textual IP address of the SMTP client, or "" when it is not known; `helo` is the
    EHLO/HELO argument as given; `protocol` is the RFC 3848 name ("SMTP", "ESMTP", "ESMTPS", "UTF8SMTPS" ...);
    `tls` is "TLSv1.3 TLS_AES_256_GCM_SHA384" or "" for clear text.
    """

    client_ip: str
    helo: str
    protocol: str = "ESMTP"
    tls: str = ""
    client_name: str = ""
    client_port: str = ""
    forwarded: Client | None = None
    """The client further out of which ours told us (XFORWARD, or a proxy that knows none); None when it told nothing.
    Hearsay for evaluation and for the next hop, never for our own Received field."""
    internal: bool = False
    """`client.address` is in one of our own networks."""

    @property
    def client(self) -> Client:
        """The outermost client that is known: the one to tell the next hop of."""
        if self.forwarded is not None:
            return self.forwarded
        return Client(
            address=self.client_ip,
            name=self.client_name,
            helo=self.helo,
            port=self.client_port,
            protocol="SMTP" if self.protocol == "SMTP" else "ESMTP",
        )

    @property
    def outside(self) -> Client | None:
        """The first client outside, which SPF may be asked about (RFC 7208 §2.3, §2.4); None: SPF says nothing.

        None when it is not known, or is one of our own, which no sender's record can name.
        """
        client = self.client
        return client if client.address and not self.internal else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One mail transaction: reverse-path (`NULL_PATH` for `<>`), the accepted recipients in order, each once."""

    reverse_path: Mailbox
    recipients: tuple[Mailbox, ...]
    origin: Origin
    received_at: datetime
    smtputf8: bool = False
    body: str = ""
    """The BODY parameter as given, upper case: "", "7BIT" or "8BITMIME" (RFC 6152)."""
