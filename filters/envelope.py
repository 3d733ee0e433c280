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
