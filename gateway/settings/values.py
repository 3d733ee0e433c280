"""The values that only configuration has: endpoints, and the words that a key may hold.

Never reads anything; the words of policy (mode, delivery, handling) are `filters.disposition`'s.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A TCP address. `host` is a name or an IP address without brackets; `port` 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        """The form host:port of RFC 3986 §3.2.2: an IPv6 address stands in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def from_here(self) -> Endpoint:
        """Where this machine reaches such a listener: one on every address of its family is on loopback too."""
        return Endpoint(_EVERYWHERE.get(self.host, self.host), self.port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can be at the other end; of all names only `localhost` promises that."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- not bound here, but asked


def is_safe(where: str) -> bool:
    """Whether what is said at this URL stays between us and who answers: https, or this machine."""
    parts = urlsplit(where)
    return parts.scheme == "https" or (parts.scheme == "http" and Endpoint(parts.hostname or "", 0).is_loopback)


class BareNewlines(StrEnum):
    """What happens to content with a bare CR or LF (RFC 5321 §2.3.8 forbids both)."""

    NORMALIZE = "normalize"
    """A bare LF becomes CRLF, a bare CR a space."""
    REJECT = "reject"


class Tls(StrEnum):
    """How much encryption a connection that we open must have (RFC 3207)."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    """STARTTLS where it is offered, with any certificate."""
    REQUIRED = "required"
    """STARTTLS or nothing, with any certificate."""
    VERIFIED = "verified"
    """STARTTLS or nothing, with a certificate that proves the host's name."""


class ClientInfo(StrEnum):
    """How the next hop is told who the SMTP client was (Postfix's XFORWARD and XCLIENT)."""

    NONE = "none"
    XFORWARD = "xforward"
    XCLIENT = "xclient"


class ReportContent(StrEnum):
    """What a report carries."""

    ORIGINAL = "original"
    """Summary, `report.json` and the message as received."""
    SUMMARY = "summary"


class Marking(StrEnum):
    """What protection the Government of Canada's levels ask for a report."""

    NONE = "none"
    PROTECTED_A = "protected-a"
    PROTECTED_B = "protected-b"

    @property
    def words(self) -> str:
        """The mark as it stands on a document, in both languages; "" for none."""
        letter = self.value.rpartition("-")[2].upper()
        return "" if self is Marking.NONE else f"PROTECTED {letter} / PROTÉGÉ {letter}"


class Language(StrEnum):
    """A language that we write in (RFC 5646)."""

    EN = "en"
    FR = "fr"


class SecondFactor(StrEnum):
    """Whether a password alone opens the console."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class LogFormat(StrEnum):
    """For whom log lines are written: people or programs."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogAddresses(StrEnum):
    """How addresses of clean mail appear in the log."""

    HASHED = "hashed"
    PLAIN = "plain"
    NONE = "none"
