"""The SPF record, read (RFC 7208 §3, §4.6, §5, §6, §12), and the expansion of its macros (§7). Pure.

A record is wrong as a whole or not at all: any error of syntax, also in a term that would never be reached, is a
`SpfSyntaxError`. Evaluation, which asks the DNS, is elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError
from typing import TYPE_CHECKING
from urllib.parse import quote

from filters.authentication import Result
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

Network = IPv4Network | IPv6Network

MOST_TERMS = 1000
"""In one record; the DNS allows more octets than anybody needs."""
LONGEST_NAME = 253
"""Characters of a domain name (RFC 7208 §7.3)."""


class SpfSyntaxError(ValueError):
    """What is wrong with a record, in words: the permerror of RFC 7208 §2.6.7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One directive. `name` is lower case; `domain` is the domain-spec before macro expansion, "" for none.

    `prefixes` are the lengths for IPv4 and IPv6 addresses of `a` and `mx`; `network` belongs to `ip4` and `ip6`.
    """

    text: str
    qualifier: Result
    name: str
    domain: str = ""
    prefixes: tuple[int, int] = (32, 128)
    network: Network | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfRecord:
    """The directives in order, and the domain-spec of `redirect=` ("" for none)."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""


def is_spf_record(text: str) -> bool:
    """Whether a TXT record is meant as an SPF record (RFC 7208 §4.5)."""
    return text[:6].lower() == "v=spf1" and text[6:7] in {"", " "}


_QUALIFIERS = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_DIRECTIVE = re.compile(r"([-+~?]?)([A-Za-z0-9][A-Za-z0-9._-]*)(?::(.*?))?((?:/[0-9]+)?(?://[0-9]+)?)")
_WITH_DOMAIN = frozenset({"include", "exists"})
_WITH_LENGTHS = frozenset({"a", "mx"})
_MACRO = r"%\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[-.+,/_=]*\}"
_MACRO_STRING = re.compile(rf"(?:{_MACRO}|%[%_-]|[!-$&-~])*+")
_MACRO_EXPANSION = re.compile(r"%(?:\{([A-Za-z])([0-9]*)([rR]?)([-.+,/_=]*)\}|([%_-]))")
_ZERO_LABELS = re.compile(r"%\{[A-Za-z]0+[rR}.+,/_=-]")
_ONLY_IN_EXPLANATIONS = re.compile(r"%\{[crtCRT]")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_ENDS_IN_MACRO = re.compile(rf".*(?:{_MACRO}|%[%_-])")


def parse_spf_record(text: str) -> SpfRecord:
    """The record; SpfSyntaxError says which term is wrong."""
    if not (text.isascii() and text.isprintable()):
        raise SpfSyntaxError(Sentence("the record has characters that are not printable ASCII"))
    terms = [term for term in text[6:].split(" ") if term]
    if len(terms) > MOST_TERMS:
        raise SpfSyntaxError(Sentence("the record has {number} terms", number=len(terms)))
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in terms:
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            mechanisms.append(_directive(term))
            continue
        name, value = modifier[1].lower(), modifier[2]
        if name not in {"redirect", "exp"}:
            _check_macro_string(term, value)
            continue
        if name in modifiers:
            raise SpfSyntaxError(Sentence("{name}= stands twice", name=name))
        modifiers[name] = _domain_spec(term, value)
    return SpfRecord(mechanisms=tuple(mechanisms), redirect=modifiers.get("redirect", ""))


def _directive(term: str) -> Mechanism:
    match = _DIRECTIVE.fullmatch(term)
    if match is None:
        raise _wrong(term)
    sign, name, argument, lengths = match[1], match[2].lower(), match[3], match[4]
    qualifier = _QUALIFIERS[sign or "+"]
    if name in {"ip4", "ip6"}:
        return Mechanism(text=term, qualifier=qualifier, name=name, network=_network(term, name, argument, lengths))
    if name == "all":
        if argument is not None or lengths:
            raise _wrong(term)
        return Mechanism(text=term, qualifier=qualifier, name=name)
    if name not in _WITH_DOMAIN and name not in _WITH_LENGTHS and name != "ptr":
        raise SpfSyntaxError(Sentence("there is no mechanism {name}", name=repr(name)))
    if (argument is None and name in _WITH_DOMAIN) or (lengths and name not in _WITH_LENGTHS):
        raise _wrong(term)
    domain = "" if argument is None else _domain_spec(term, argument)
    return Mechanism(text=term, qualifier=qualifier, name=name, domain=domain, prefixes=_prefixes(term, lengths))


def _prefixes(term: str, lengths: str) -> tuple[int, int]:
    """RFC 7208 §5.6's dual-cidr-length."""
    four, _, six = lengths.partition("//")
    return _length(term, four[1:], 32), _length(term, six, 128)


def _length(term: str, digits: str, most: int) -> int:
    if not digits:
        return most
    if len(digits) > 3 or int(digits) > most or (digits[0] == "0" and digits != "0"):
        raise _wrong(term)
    return int(digits)


def _network(term: str, name: str, address: str | None, lengths: str) -> Network:
    kind, most = (IPv4Network, 32) if name == "ip4" else (IPv6Network, 128)
    if lengths.startswith("//"):
        raise _wrong(term)
    try:
        return kind(f"{address or ''}/{_length(term, lengths[1:], most)}", strict=False)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise _wrong(term) from error


def _domain_spec(term: str, text: str) -> str:
    _check_macro_string(term, text)
    if _ONLY_IN_EXPLANATIONS.search(text) or not (_ends_in_top_label(text) or _ENDS_IN_MACRO.fullmatch(text)):
        raise _wrong(term)
    return text


def _ends_in_top_label(text: str) -> bool:
    """RFC 7208 §7.1's `toplabel`: after a dot, letters, digits and hyphens inside, and not digits alone."""
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot) and _LABEL.fullmatch(label) is not None and not label.isdigit()


def _check_macro_string(term: str, text: str) -> None:
    if _MACRO_STRING.fullmatch(text) is None or _ZERO_LABELS.search(text):
        raise _wrong(term)


def _wrong(term: str) -> SpfSyntaxError:
    return SpfSyntaxError(Sentence("the term {term} is not written as RFC 7208 says", term=repr(term[:80])))


def expand(text: str, values: Mapping[str, str]) -> str:
    """Macros of a domain-spec replaced; `values` maps the lower-case letters of RFC 7208 §7.2 to their values.

    What is longer than a domain name can be loses labels from the left (§7.3). Without a final dot.
    """

    def replaced(match: re.Match[str]) -> str:
        letter, digits, reverse, delimiters, escape = match.groups()
        if escape:
            return {"%": "%", "_": " ", "-": "%20"}[escape]
        parts = re.split(f"[{re.escape(delimiters or '.')}]", values[letter.lower()])
        if reverse:
            parts.reverse()
        kept = ".".join(parts[-int(digits) :] if digits and int(digits[:4]) < len(parts) else parts)
        return quote(kept, safe="-._~") if letter.isupper() else kept

    expanded = _MACRO_EXPANSION.sub(replaced, text)
    expanded = expanded.removesuffix(".")
    if len(expanded) > LONGEST_NAME:
        expanded = expanded[-LONGEST_NAME - 1 :].partition(".")[2]
    return expanded
