"""Addresses: the path grammar of SMTP and the keys that lists compare.

RFC 5321 §4.1.2 and §4.1.3 with the octets of RFC 6531 §3.3 where SMTPUTF8 was asked for; domains are compared
after UTS #46. Never looks anything up: whether an address exists is not a question that it can answer.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import NamedTuple

import idna

from filters.sentence import Sentence

MAX_LOCAL_PART = 64
"""Octets (RFC 5321 §4.5.3.1.1)."""
MAX_DOMAIN = 255
"""Octets (RFC 5321 §4.5.3.1.2)."""


class AddressError(ValueError):
    """The text is not a path that RFC 5321 §4.1.2 allows; `sentence` says what is wrong, in the middle of another."""

    def __init__(self, template: str, **values: object) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(self.sentence)


class NonAsciiAddressError(AddressError):
    """The path would need SMTPUTF8, which the client did not ask for (RFC 6531 §3.5: 553 5.6.7)."""


_ASCII_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


class Mailbox(NamedTuple):
    """An address as received: `local_part` keeps its quotes and case, `domain` its spelling.

    `NULL_PATH` is the empty reverse-path; a bare `postmaster` has an empty domain (RFC 5321 §4.1.1.3).
    """

    local_part: str
    domain: str

    def __str__(self) -> str:
        """The address without angle brackets: "" for the null path, "postmaster" for the bare one."""
        return f"{self.local_part}@{self.domain}" if self.domain else self.local_part

    @property
    def delivery_key(self) -> str:
        """What tells two recipients apart: the local part as sent, but for ASCII case, @ canonical domain.

        Not `key`, which folds what looks alike: two mailboxes of one domain may differ in just that (RFC 6531 §3.3).
        """
        local_part = self.local_part.translate(_ASCII_LOWER)
        return f"{local_part}@{canonical_domain(self.domain)}" if self.domain else local_part

    @property
    def key(self) -> str:
        """What is compared: canonical local part @ canonical domain; the null path and bare postmaster have no @."""
        local_part = canonical_local_part(self.local_part)
        return f"{local_part}@{canonical_domain(self.domain)}" if self.domain else local_part


NULL_PATH = Mailbox("", "")

# RFC 6531 §3.3 adds every character beyond ASCII; C1 controls and lone surrogates are no text in any script.
_UTF8 = "\u00a0-\ud7ff\ue000-\U0010ffff"
_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~" + _UTF8
_LABEL_ENDS = "A-Za-z0-9_" + _UTF8
# The underscore is no part of a host name, but it is in reverse-paths that agencies receive: refusing it loses mail.
_LABEL = rf"[{_LABEL_ENDS}](?:[{_LABEL_ENDS}\-]{{0,61}}[{_LABEL_ENDS}])?"
_DOT_STRING = rf"[{_ATEXT}]++(?:\.[{_ATEXT}]++)*+"
_QUOTED_STRING = rf'"(?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*+"'
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"

_ORDINARY = re.compile(r"([A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]++)@([A-Za-z0-9][A-Za-z0-9.-]*+)")
_LOCAL_PART = re.compile(rf"{_DOT_STRING}|{_QUOTED_STRING}")
_DOMAIN_NAME = re.compile(_DOMAIN)
_LITERAL = re.compile(r"\[(?:([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?):)?([!-Z^-~]+)\]")
_SOURCE_ROUTE = re.compile(rf"@{_DOMAIN}(?:,@{_DOMAIN})*:")
_MAX_ROUTED_PATH = 4096

ADDRESS_IN_WORDS = re.compile(r'(?:"(?:[^"\\]|\\.){0,100}"|[^\s<>()\[\],;:"@]{1,100})@[^\s<>()\[\],;:"@]{1,300}')
"""What a reader takes for an address in a sentence, quotes and brackets around it apart."""
_SPECIALS = re.compile(r'[\s()<>\[\]:;@\\,."\x00-\x1f\x7f]')
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FULL_STOPS = re.compile("[\u3002\uff0e\uff61\u2024\ufe52]")
_IGNORABLE = re.compile("[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
                        "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
                        "\ud800-\udfff\U000e0000-\U000e0fff]")  # fmt: skip
_LONGEST_COMPARED = 1000
"""Characters. What is longer is no name of anything; normalising it could cost quadratic time."""


def parse_path(text: str, *, smtputf8: bool = False) -> Mailbox:
    """A path in angle brackets, without them: `user@domain`, `` (null), `postmaster`, `@a,@b:user@domain`.

    A source route is dropped (RFC 5321 Appendix C). Raises `AddressError`, or `NonAsciiAddressError` where
    `smtputf8` would have made the difference.
    """
    if (ordinary := _ORDINARY.fullmatch(text)) is not None:
        local_part, domain = ordinary.groups()
        if _is_plain(local_part, domain):
            return Mailbox(local_part, domain)
    if not text:
        return NULL_PATH
    if text.lower() == "postmaster":
        return Mailbox(text, "")
    if not smtputf8 and not text.isascii():
        raise NonAsciiAddressError("the address has characters beyond ASCII, which need SMTPUTF8")
    return _parse_mailbox(_without_route(text))


def _is_plain(local_part: str, domain: str) -> bool:
    """The short way for what nearly every path looks like: anything doubtful takes the long one."""
    return (
        len(local_part) <= MAX_LOCAL_PART
        and len(domain) <= 63  # so that no label needs counting
        and ".." not in local_part
        and local_part[0] != "."
        and local_part[-1] != "."
        and domain[-1] not in ".-"
        and ".." not in domain
        and "-." not in domain
        and ".-" not in domain
    )


def _without_route(text: str) -> str:
    if not text.startswith("@"):
        return text
    if len(text) > _MAX_ROUTED_PATH:
        raise AddressError("the source route is too long")
    route = _SOURCE_ROUTE.match(text)
    if route is None:
        raise AddressError("the source route is malformed")
    return text[route.end() :]


def _parse_mailbox(text: str) -> Mailbox:
    local_part, at, domain = text.rpartition("@")
    if not at:
        raise AddressError("there is no @ in the address")
    if not local_part:
        raise AddressError("there is nothing before the @")
    if not domain:
        raise AddressError("there is nothing after the @")
    if _octets(local_part) > MAX_LOCAL_PART:
        raise AddressError("the part before the @ is longer than {most} octets", most=MAX_LOCAL_PART)
    if _octets(domain) > MAX_DOMAIN:
        raise AddressError("the domain is longer than {most} octets", most=MAX_DOMAIN)
    if _LOCAL_PART.fullmatch(local_part) is None:
        raise AddressError("the part before the @ is neither a dot-string nor a quoted string")
    _check_domain(domain)
    return Mailbox(local_part, domain)


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _check_domain(domain: str) -> None:
    if domain.startswith("["):
        _check_literal(domain)
    elif _DOMAIN_NAME.fullmatch(domain) is None:
        raise AddressError("the part after the @ is no domain name")


def _check_literal(domain: str) -> None:
    """RFC 5321 §4.1.3: an IPv4 address, `IPv6:` and an address, or any other registered tag and its content."""
    literal = _LITERAL.fullmatch(domain)
    if literal is None:
        raise AddressError("the address literal is malformed")
    tag, content = literal.groups()
    try:
        if tag is None:
            ipaddress.IPv4Address(content)
        elif tag.lower() == "ipv6" and "%" not in content:
            ipaddress.IPv6Address(content)
        elif tag.lower() == "ipv6":
            raise AddressError("an IPv6 address literal has no zone")
    except ipaddress.AddressValueError:
        raise AddressError("the address literal holds no {kind} address", kind=tag or "IPv4") from None


def canonical_domain(text: str) -> str:
    """The A-label form that is compared (UTS #46, lower case, empty labels dropped); "" if nothing is left.

    Total: what UTS #46 disallows is compared after NFKC and case folding, so that hostile text still has one value.
    """
    if not text.isascii():
        return _mapped_domain(text)
    folded = text.lower()
    return _without_empty_labels(folded) if ".." in folded or folded[:1] == "." or folded[-1:] == "." else folded


def _mapped_domain(text: str) -> str:
    text = _without_empty_labels(_FULL_STOPS.sub(".", without_ignorable(text)))
    if len(text) > _LONGEST_COMPARED:
        return text.casefold()
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
    except (idna.IDNAError, ValueError):
        mapped = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return ".".join(_a_label(label) for label in _without_empty_labels(mapped).split("."))


def _without_empty_labels(text: str) -> str:
    return ".".join(filter(None, text.split(".")))


def _a_label(label: str) -> str:
    # Without the checks of RFC 5891 §4.2: what registries refuse still has to be comparable. A label that is longer
    # than DNS allows stays as it is: it equals nothing that is listed.
    return label if label.isascii() or len(label) > 63 else "xn--" + label.encode("punycode").decode("ascii")


def unicode_domain(domain: str) -> str:
    """The domain with its A-labels as U-labels (RFC 5890 §2.3.2.1), for people; what is no A-label stays as it is."""
    return ".".join(map(_u_label, domain.split("."))) if "xn--" in domain else domain


def _u_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, ValueError):
        return label


def canonical_local_part(text: str) -> str:
    """NFKC and case folding; quotes that quote nothing are removed, quoted pairs resolved (RFC 5321 §4.1.2)."""
    folded = text.lower() if text.isascii() else _folded(text)
    return _unquoted(folded) if folded[:1] == '"' and folded[-1:] == '"' and len(folded) > 1 else folded


def _folded(text: str) -> str:
    if len(text) > _LONGEST_COMPARED:
        return text.casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _unquoted(quoted: str) -> str:
    content = _QUOTED_PAIR.sub(r"\1", quoted[1:-1])
    if all(atom and not _SPECIALS.search(atom) for atom in content.split(".")):
        return content
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def without_ignorable(text: str) -> str:
    """The text without the characters that readers drop or don't show: controls, zero-width, soft hyphens."""
    return _IGNORABLE.sub("", text)
