"""The two header fields that flagged mail gets when it is delivered: the flag, and the authentication results.

Nothing that is written here can end a field or smuggle in another result: results are of a closed list, domains are
tokens or quoted. RFC 8601 §2.2 (grammar), §2.7 (methods and their properties), §5; RFC 2045 §5.1 (tokens).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from filters.authentication import Result
from gateway.compose.headers import field, token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from filters.disposition import Tier

_PROPERTIES = {"spf": "smtp.mailfrom", "dkim": "header.d", "dmarc": "header.from"}
"""The methods that we report, each with the property that names its domain (RFC 8601 §2.7)."""

_BARE = re.compile(r"[A-Za-z0-9.\-_]+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_RESULTS = frozenset(Result)
_AUTH = frozenset({"pass", "fail", "none", "error"})


def flag_fields(*, tier: Tier, reference: str, auth: str, hostname: str, authentication: Mapping[str, str]) -> bytes:
    """`X-Liaison-Flag` and `Authentication-Results`, CRLF ended.

    `auth` is the case's pass, fail, none or error; `authentication` its spf, dkim and dmarc as "pass example.org"
    (several DKIM results separated by commas); `hostname` is the authserv-id. A result that is not one of
    RFC 8601's is written as none.
    """
    flag = field(
        "X-Liaison-Flag",
        f"tier={tier};",
        f"ref={token('the reference', reference)};",
        f"auth={auth if auth in _AUTH else 'none'}",
    )
    resinfo = [words for method in _PROPERTIES for words in _resinfo(method, authentication.get(method, ""))]
    ended = [f"{words};" for words in resinfo[:-1]] + resinfo[-1:]
    words = [word for result in ended for word in result.split(" ")]
    return flag + field("Authentication-Results", f"{token('the host name', hostname)};", *words)


def _resinfo(method: str, text: str) -> Iterator[str]:
    """Each result of a method as `method=result property=domain`."""
    for single in text.split(","):
        result, _, domain = single.strip().partition(" ")
        named = f" {_PROPERTIES[method]}={_value(domain.strip())}" if domain.strip() else ""
        yield f"{method}={result}{named}" if result in _RESULTS else f"{method}=none"


def _value(domain: str) -> str:
    """A domain as RFC 8601 §2.2 allows it: as it is, or as a quoted-string without what can't stand in one."""
    if _BARE.fullmatch(domain):
        return domain[:255]
    printable = _UNPRINTABLE.sub("?", domain[:255])
    return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", printable))
