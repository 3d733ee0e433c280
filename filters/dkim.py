"""DKIM signatures and key records, read, and the octets that a signature covers (RFC 6376). Pure, linear, total.

Reading follows the grammar of tag lists (§3.2) exactly; what it can't be read by is a `DkimSyntaxError`. The
arithmetic, and the DNS, are elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import canonical_domain
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from filters.content import HeaderField

MOST_SIGNATURES = 10
"""Signatures of one message that are looked at, from the top."""
LONGEST_FIELD = 16_384
"""Octets of a DKIM-Signature field; honest ones have a tenth of it."""


class DkimSyntaxError(ValueError):
    """What is wrong with a signature or a key record, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A DKIM-Signature field (RFC 6376 §3.5). Domains are canonical, times in seconds since 1970, names lower case."""

    domain: str
    selector: str
    algorithm: str
    header_canonicalization: str
    body_canonicalization: str
    signed_fields: tuple[str, ...]
    body_hash: bytes
    octets: bytes
    length: int | None
    identity_domain: str
    expires: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key record (RFC 6376 §3.6.1). `public` is empty for a revoked key; `hashes` empty for any."""

    algorithm: str
    public: bytes
    hashes: frozenset[str]
    services: frozenset[str]
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class RawField:
    """One header field as it came: all its octets without the last CRLF, folding kept."""

    name: str
    octets: bytes


_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FOLDING = re.compile(r"[ \t\r\n]+")
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
_DIGITS = re.compile(r"[0-9]{1,76}")


def parse_tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376 §3.2): values without the white space around them. A tag that stands twice is an error."""
    tags: dict[str, str] = {}
    for spec in text.removesuffix(";").rstrip().removesuffix(";").split(";"):
        name, equals, value = spec.partition("=")
        name = name.strip(" \t\r\n")
        if not equals or not _TAG_NAME.fullmatch(name):
            raise DkimSyntaxError(Sentence("{words} is not tag=value", words=repr(spec.strip()[:40])))
        if name in tags:
            raise DkimSyntaxError(Sentence("the tag {name}= stands twice", name=name))
        tags[name] = value.strip(" \t\r\n")
    return tags


def parse_signature(value: bytes) -> Signature:
    """The signature in the body of a DKIM-Signature field; DkimSyntaxError says why it is none."""
    if len(value) > LONGEST_FIELD:
        raise DkimSyntaxError(Sentence("the field has {number} octets", number=len(value)))
    tags = parse_tags(value.decode("latin-1"))
    missing = [name for name in ("v", "a", "b", "bh", "d", "h", "s") if not tags.get(name)]
    if missing:
        raise DkimSyntaxError(Sentence("{tag}= is missing", tag=missing[0]))
    if tags["v"] != "1":
        raise DkimSyntaxError(Sentence("v= is not 1"))
    if tags.get("q", "dns/txt").lower() != "dns/txt":
        raise DkimSyntaxError(Sentence("q= is not dns/txt"))
    header, _, body = tags.get("c", "simple").lower().partition("/")
    if header not in _CANONICALIZATIONS or (body or "simple") not in _CANONICALIZATIONS:
        raise DkimSyntaxError(Sentence("c= names no canonicalization"))
    domain = _domain(tags["d"], "d")
    identity = tags.get("i", f"@{tags['d']}")
    return Signature(
        domain=domain,
        selector=_domain(tags["s"], "s"),
        algorithm=tags["a"].lower(),
        header_canonicalization=header,
        body_canonicalization=body or "simple",
        signed_fields=tuple(name.strip(" \t\r\n").lower() for name in tags["h"].split(":")),
        body_hash=_base64(tags["bh"], "bh"),
        octets=_base64(tags["b"], "b"),
        length=_number(tags, "l"),
        identity_domain=_domain(_FOLDING.sub("", identity).rpartition("@")[2], "i"),
        expires=_number(tags, "x"),
    )


_CANONICALIZATIONS = frozenset({"simple", "relaxed"})


def parse_key(text: str) -> KeyRecord:
    """The key in a TXT record; DkimSyntaxError says why there is none."""
    tags = parse_tags(text)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise DkimSyntaxError(Sentence("the key record is not of the version DKIM1"))
    if "p" not in tags:
        raise DkimSyntaxError(Sentence("the key record has no p="))
    return KeyRecord(
        algorithm=tags.get("k", "rsa").lower(),
        public=_base64(tags["p"], "p"),
        hashes=_words(tags.get("h", "")),
        services=_words(tags.get("s", "*")),
        flags=_words(tags.get("t", "")),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip(" \t\r\n").lower() for word in text.split(":")) - {""}


def _domain(text: str, tag: str) -> str:
    if not _DOMAIN.fullmatch(text) or len(text) > 253:
        raise DkimSyntaxError(Sentence("{tag}= is not a domain name", tag=tag))
    return canonical_domain(text)


def _base64(text: str, tag: str) -> bytes:
    try:
        return base64.b64decode(_FOLDING.sub("", text), validate=True)
    except binascii.Error as error:
        raise DkimSyntaxError(Sentence("{tag}= is not base64", tag=tag)) from error


def _number(tags: dict[str, str], name: str) -> int | None:
    if name not in tags:
        return None
    if not _DIGITS.fullmatch(tags[name]):
        raise DkimSyntaxError(Sentence("{name}= is not a number", name=name))
    return int(tags[name])


# --- what is claimed ---------------------------------------------------------------------------------------------

_CLAIM = re.compile(rb"[ \t\r\n]*+d[ \t\r\n]*+=[ \t\r\n]*+([A-Za-z0-9_.-]{1,253})")
_LATER_CLAIM = re.compile(b";" + _CLAIM.pattern)


def claimed_signers(fields: Iterable[HeaderField]) -> tuple[str, ...]:
    """Every `d=` of the first signatures among these fields: a claim, and a reason to verify, no more."""
    signatures = [field.value for field in fields if field.name == "dkim-signature"]
    return tuple(dict.fromkeys(filter(None, map(claimed_signer, signatures[:MOST_SIGNATURES]))))


def claimed_signer(value: bytes) -> str:
    """The `d=` in the body of a DKIM-Signature field; "" without one."""
    claim = _CLAIM.match(value, 0, LONGEST_FIELD) or _LATER_CLAIM.search(value, 0, LONGEST_FIELD)
    return claim[1].decode("ascii") if claim is not None else ""


# --- what is covered ---------------------------------------------------------------------------------------------

_FIELD = re.compile(rb"[^\r\n]++(?:\r\n[ \t][^\r\n]*+)*+")
_SPACES = re.compile(rb"[ \t]+")


def raw_fields(section: bytes) -> list[RawField]:
    """The header fields of a section whose lines end with CRLF."""
    lines = _FIELD.findall(section)
    return [RawField(line.partition(b":")[0].rstrip(b" \t").decode("latin-1").lower(), line) for line in lines]


def covered_header(fields: Sequence[RawField], field: RawField, signature: Signature) -> bytes:
    """The octets of the header that are signed (RFC 6376 §3.7): `field` is the DKIM-Signature itself."""
    canonical = _relaxed_field if signature.header_canonicalization == "relaxed" else bytes
    below: dict[str, list[bytes]] = {}
    for one in fields:
        below.setdefault(one.name, []).append(one.octets)
    covered = []
    for name in signature.signed_fields:  # from the bottom up (§5.4.2); a field that isn't there adds nothing
        stack = below.get(name)
        if stack:
            covered.append(canonical(stack.pop()) + b"\r\n")
    return b"".join([*covered, canonical(_without_signature(field.octets))])


def _without_signature(octets: bytes) -> bytes:
    """The value of b= is taken out, with the white space around it."""
    name, _, value = octets.partition(b":")
    specs = value.split(b";")
    for at, spec in enumerate(specs):
        tag, equals, _ = spec.partition(b"=")
        if equals and tag.strip(b" \t\r\n") == b"b":
            specs[at] = tag + equals
            break
    return name + b":" + b";".join(specs)


def _relaxed_field(octets: bytes) -> bytes:
    """RFC 6376 §3.4.2."""
    name, _, value = octets.partition(b":")
    unfolded = _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + unfolded


PIECE = 32_768
"""Octets that are made canonical at a time: what stands between two white spaces is an object of its own meanwhile."""


def canonical_body(pieces: Iterable[bytes], canonicalization: str) -> Iterator[bytes]:
    """RFC 6376 §3.4.3 and §3.4.4, for a body whose lines end with CRLF, and which comes in pieces as it will.

    Linear, and no more than some pieces stand in memory, white space at their end apart.
    """
    relaxed = canonicalization == "relaxed"
    return _without_empty_end(_single_spaces(pieces) if relaxed else pieces, b"" if relaxed else b"\r\n")


def _single_spaces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """White space becomes one space, and none at the end of a line."""
    rest = b""
    for piece in pieces:
        for at in range(0, len(piece), PIECE):
            octets = rest + piece[at : at + PIECE]
            line = octets.removesuffix(b"\r")
            kept = line.rstrip(b" \t")  # whether a space stays, what follows it tells
            rest = (b" " if len(kept) < len(line) else b"") + octets[len(line) :]
            yield _SPACES.sub(b" ", kept).replace(b" \r\n", b"\r\n")
    yield rest if rest != b" " else b""


def _without_empty_end(pieces: Iterable[bytes], if_empty: bytes) -> Iterator[bytes]:
    """All empty lines at the end are left out, and what is left ends with one CRLF."""
    empty, lines, odd = True, 0, b""
    for piece in pieces:
        kept = piece.rstrip(b"\r\n")
        if kept:
            yield from _empty_lines(lines)
            yield odd + kept
            empty, lines, odd = False, 0, b""
        end = piece[len(kept) :]
        if odd or end != b"\r\n" * (len(end) // 2):
            odd += end  # a bare CR among them, which only a file can have
        else:
            lines += len(end) // 2
    yield if_empty if empty else b"\r\n"


def _empty_lines(number: int) -> Iterator[bytes]:
    """Megabytes of them in a message take no megabytes here."""
    for done in range(0, number, PIECE):
        yield b"\r\n" * min(PIECE, number - done)
