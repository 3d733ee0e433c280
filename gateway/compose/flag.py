"""The two header fields that flagged mail gets when it is delivered: the flag, and the authentication results.

Nothing that is written here can end a field or smuggle in another result: results are of a closed list, domains are
tokens or quoted. RFC 8601 §2.2 (grammar), §2.7 (methods and their properties), §5; RFC 2045 §5.1 (tokens).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from filters.authentication import MethodResult
from gateway.compose.headers import field, token

if TYPE_CHECKING:
    from filters.authentication import Authentication
    from filters.disposition import Tier

_PROPERTIES = {"spf": "smtp.mailfrom", "dkim": "header.d", "dmarc": "header.from"}
"""The methods that we report, each with the property that names its domain (RFC 8601 §2.7)."""

_BARE = re.compile(r"[A-Za-z0-9.\-_]+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def flag_fields(*, tier: Tier, reference: str, hostname: str, authentication: Authentication) -> bytes:
    """`X-Liaison-Flag` and `Authentication-Results`, CRLF ended; `hostname` is the authserv-id."""
    flag = field(
        "X-Liaison-Flag",
        f"tier={tier};",
        f"ref={token('the reference', reference)};",
        f"auth={authentication.overall}",
    )
    checked = replace(authentication, dkim=authentication.dkim or (MethodResult(),))  # no signature is a result too
    resinfo = [_resinfo(method, result) for method, result in checked.results]
    ended = [f"{words};" for words in resinfo[:-1]] + resinfo[-1:]
    words = [word for result in ended for word in result.split(" ")]
    return flag + field("Authentication-Results", f"{token('the host name', hostname)};", *words)


def _resinfo(method: str, one: MethodResult) -> str:
    """`method=result property=domain`."""
    named = f" {_PROPERTIES[method]}={_value(one.domain)}" if one.domain else ""
    return f"{method}={one.result}{named}"


def _value(domain: str) -> str:
    """A domain as RFC 8601 §2.2 allows it: as it is, or as a quoted-string without what can't stand in one."""
    if _BARE.fullmatch(domain):
        return domain[:255]
    printable = _UNPRINTABLE.sub("?", domain[:255])
    return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", printable))
