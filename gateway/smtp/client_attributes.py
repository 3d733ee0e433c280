"""What XCLIENT and XFORWARD say: a command line in, its attributes or the reply to it out (Postfix's two READMEs).

Values are xtext (RFC 1891 §5, now RFC 3461 §4) and end up in logs, in evidence and at the next hop: what is decoded is
bounded and holds no control character.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.model.networks import parse_address
from gateway.model.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

XCLIENT = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")
XFORWARD = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")

MAX_VALUE = 255
"""Octets of a value, decoded: the longest domain."""

_NOT_KNOWN = frozenset({b"[UNAVAILABLE]", b"[TEMPUNAVAIL]"})
_XTEXT = re.compile(rb"(?:[!-*,-~]|\+[0-9A-Fa-f]{2})*\Z")
_ENCODED = re.compile(rb"\+([0-9A-Fa-f]{2})")


def read_attributes(line: bytes, known: tuple[str, ...]) -> Mapping[str, str] | Reply:
    """`VERB NAME=value ...`: upper-case name to decoded value, "" for what the client says it doesn't know."""
    words = line.split()[1:]
    found: dict[str, str] = {}
    for word in words:
        keyword, equals, value = word.partition(b"=")
        name = keyword.upper().decode("ascii", "replace")
        if not equals or name not in known or name in found:
            return Reply(501, "5.5.4", f"The attributes are {' '.join(known)}, each once, as NAME=value")
        read = _value(name, value)
        if read is None:
            return Reply(501, "5.5.4", f"Bad value of {name}")
        found[name] = read
    return MappingProxyType(found) if found else Reply(501, "5.5.4", "At least one attribute is needed")


def _value(name: str, xtext: bytes) -> str | None:
    """The decoded value, or None when it is none that this attribute can have."""
    if xtext.upper() in _NOT_KNOWN:
        return ""
    if not _XTEXT.match(xtext):
        return None
    octets = _ENCODED.sub(lambda found: bytes([int(found[1], 16)]), xtext)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    if not text or len(octets) > MAX_VALUE or not text.isprintable():
        return None
    return _FORMS.get(name, str)(text)


def _address(text: str) -> str | None:
    """`192.0.2.1`, `IPV6:2001:db8::1`, or IPv6 without its prefix, as some proxies write it."""
    address = parse_address(text[5:] if text[:5].upper() == "IPV6:" else text)
    return None if address is None else str(address)


def _port(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= 0xFFFF else None


def _word(*words: str) -> Callable[[str], str | None]:
    return lambda text: text.upper() if text.upper() in words else None


_FORMS: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {
        "ADDR": _address,
        "DESTADDR": _address,
        "PORT": _port,
        "DESTPORT": _port,
        "PROTO": _word("SMTP", "ESMTP"),
        "SOURCE": _word("LOCAL", "REMOTE"),
    }
)
