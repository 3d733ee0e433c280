"""DKIM: whose signatures of a message verify (RFC 6376, RFC 8301, RFC 8463). Keys are asked for first, all together.

Stricter than the RFC where a signature is to speak for an author: it must cover every From field and the whole body.
A signature that verifies and is not accepted for such a reason is `policy` (RFC 8601 §2.7.1).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.authentication import DnsStatus, MethodResult, Result
from filters.content import header_length
from filters.dkim import (
    MOST_SIGNATURES,
    DkimSyntaxError,
    KeyRecord,
    RawField,
    Signature,
    canonical_body,
    covered_header,
    parse_key,
    parse_signature,
    raw_fields,
)
from filters.line_ends import with_clean_ends
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from filters.authentication import DnsAnswer
    from gateway.spool import Spool
    from gateway.verify.resolver import Inquiry

FEW_SIGNATURES, SMALL_CONTENT = 2, 64 * 1024
"""What is checked in a millisecond or two, sooner than a thread would answer; the second in octets."""


class _Rejected(Exception):  # noqa: N818 -- a result, not a fault
    """The signature doesn't count, for this reason."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Read:
    """A DKIM-Signature field, and the signature in it or why there is none."""

    field: RawField
    signature: Signature | None
    error: str = ""


async def verify_signatures(inquiry: Inquiry, content: Spool, now: datetime) -> tuple[MethodResult, ...]:
    """One result for each signature, from the top; long arithmetic runs in a thread. `now` is for `x=`."""
    section, start = _header_section(content)
    fields = raw_fields(with_clean_ends(section))
    read = [_read(field) for field in fields if field.name == "dkim-signature"][:MOST_SIGNATURES]
    names = {f"{one.signature.selector}._domainkey.{one.signature.domain}" for one in read if one.signature}
    answers = await asyncio.gather(*(inquiry.ask(name, "TXT") for name in sorted(names)))
    keys = {answer.name: answer for answer in answers}
    stop = threading.Event()
    message = _Message(fields, _Body(content, start, stop), read, int(now.timestamp()))
    # What the arithmetic needs takes longer to import than to use: the first time in the thread, whatever there is.
    brief = len(read) <= FEW_SIGNATURES and content.size <= SMALL_CONTENT and "gateway.verify.public_key" in sys.modules
    if brief or not any(answer.records for answer in answers):  # without a key there is nothing to reckon
        return tuple(message.check(one, keys) for one in read)
    return await _aside(lambda: tuple(message.check(one, keys) for one in read), stop)


async def _aside(work: Callable[[], tuple[MethodResult, ...]], stop: threading.Event) -> tuple[MethodResult, ...]:
    """In a thread. Who is cancelled waits until the thread has noticed: it reads the file that the message lies in."""
    checking = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(checking)
    except asyncio.CancelledError:
        stop.set()
        with suppress(_StoppedError):
            await checking
        raise


def _header_section(content: Spool) -> tuple[bytes, int]:
    """Its octets, and where the body begins behind the empty line."""
    looked_at = 64 * 1024
    while True:
        head = content.head(looked_at + 2)
        length = header_length(head)
        if length < looked_at or len(head) == content.size:
            break
        looked_at *= 4
    empty_line = b"\r\n" if head.startswith(b"\r\n", length) else b"\n"
    return head[:length], length + len(empty_line)


class _StoppedError(Exception):
    """Nobody waits for the result any more."""


@dataclass(frozen=True, slots=True)
class _Body:
    """The body of a message, in pieces; never whole in memory."""

    content: Spool
    start: int
    stop: threading.Event

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self.content.chunks(self.start):
            if self.stop.is_set():
                raise _StoppedError
            octets = rest + chunk
            kept = octets.removesuffix(b"\r")
            rest = octets[len(kept) :]
            yield with_clean_ends(kept)
        yield with_clean_ends(rest)


def _read(field: RawField) -> _Read:
    try:
        return _Read(field, parse_signature(field.octets.partition(b":")[2]))
    except DkimSyntaxError as error:
        return _Read(field, None, error.args[0])


class _Message:
    """What signatures are checked against."""

    def __init__(self, fields: list[RawField], body: _Body, read: Iterable[_Read], now: int) -> None:
        self._fields = fields
        self._body = body
        self._lengths = {one.signature.length for one in read if one.signature and one.signature.length is not None}
        self._now = now
        self._bodies: dict[str, _BodyDigests] = {}
        """By canonicalization."""

    def check(self, read: _Read, keys: dict[str, DnsAnswer]) -> MethodResult:
        """The result for one signature."""
        signature = read.signature
        if signature is None:
            return MethodResult(
                result=Result.PERMERROR, reason=Sentence("A DKIM signature can't be read: {error}.", error=read.error)
            )
        whose = Sentence(
            "The signature of {domain} (selector {selector}, {algorithm})",
            domain=signature.domain,
            selector=signature.selector,
            algorithm=signature.algorithm,
        )
        try:
            self._check_form(signature)
            key = _key(keys[f"{signature.selector}._domainkey.{signature.domain}"], signature)
            self._check_body(signature)
            _check_signature(key, signature, covered_header(self._fields, read.field, signature))
            self._check_coverage(signature, key)
        except _Rejected as rejected:
            return MethodResult(
                result=rejected.result,
                domain=signature.domain,
                reason=Sentence("{whose} does not count: {reason}.", whose=whose, reason=rejected.reason),
            )
        return MethodResult(
            result=Result.PASS, domain=signature.domain, reason=Sentence("{whose} verifies.", whose=whose)
        )

    def _check_form(self, signature: Signature) -> None:
        if signature.algorithm not in _ALGORITHMS:
            raise _Rejected(
                Result.POLICY, Sentence("{algorithm} proves nothing (RFC 8301)", algorithm=signature.algorithm)
            )
        if "from" not in signature.signed_fields:
            raise _Rejected(Result.PERMERROR, Sentence("it does not sign From (RFC 6376 §6.1.1)"))
        if not f".{signature.identity_domain}".endswith(f".{signature.domain}"):
            raise _Rejected(Result.PERMERROR, Sentence("its i= is outside its d="))
        if signature.expires is not None and signature.expires < self._now:
            raise _Rejected(Result.POLICY, Sentence("it has expired (x=)"))

    def _check_body(self, signature: Signature) -> None:
        body = self._digests(signature.body_canonicalization)
        if signature.length is not None and signature.length > body.size:
            raise _Rejected(Result.PERMERROR, Sentence("l= is longer than the body"))
        if body.of[signature.length] != signature.body_hash:
            raise _Rejected(Result.FAIL, Sentence("the body was changed"))

    def _check_coverage(self, signature: Signature, key: KeyRecord) -> None:
        """A signature that verifies, but covers less than what a reader takes for signed."""
        whole = self._digests(signature.body_canonicalization).size
        if signature.length is not None and signature.length < whole:
            raise _Rejected(
                Result.POLICY,
                Sentence("l= covers {length} of {whole} octets of the body", length=signature.length, whole=whole),
            )
        authors = sum(field.name == "from" for field in self._fields)
        if authors > signature.signed_fields.count("from"):
            raise _Rejected(
                Result.POLICY,
                Sentence("there are {authors} From fields, and it signs fewer (RFC 6376 §8.15)", authors=authors),
            )
        if "y" in key.flags:
            raise _Rejected(Result.POLICY, Sentence("its key says that it is only a test (t=y)"))

    def _digests(self, canonicalization: str) -> _BodyDigests:
        if canonicalization not in self._bodies:
            self._bodies[canonicalization] = _digests(canonical_body(self._body, canonicalization), self._lengths)
        return self._bodies[canonicalization]


@dataclass(frozen=True, slots=True)
class _BodyDigests:
    """SHA-256 of a canonical body of `size` octets: of all of it (None), and of its first octets by their number."""

    size: int
    of: Mapping[int | None, bytes]


def _digests(pieces: Iterable[bytes], lengths: Iterable[int]) -> _BodyDigests:
    """In one pass, however many signatures there are."""
    whole = hashlib.sha256()
    beginnings = {length: hashlib.sha256() for length in lengths}
    size = 0
    for piece in pieces:
        whole.update(piece)
        for length, digest in beginnings.items():
            if size < length:
                digest.update(piece[: length - size])
        size += len(piece)
    return _BodyDigests(size, {None: whole.digest()} | {length: one.digest() for length, one in beginnings.items()})


_ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}


def _key(answer: DnsAnswer, signature: Signature) -> KeyRecord:
    """The one key record at the name (RFC 6376 §3.6.2.2, §6.1.2)."""
    if answer.status is DnsStatus.FAILED:
        raise _Rejected(
            Result.TEMPERROR,
            Sentence("the DNS does not answer: TXT {name} ({reason})", name=answer.name, reason=answer.reason),
        )
    if not answer.records:
        raise _Rejected(Result.PERMERROR, Sentence("there is no key at {name}", name=answer.name))
    if len(answer.records) > 1:
        raise _Rejected(
            Result.PERMERROR,
            Sentence("there are {number} records at {name}", number=len(answer.records), name=answer.name),
        )
    try:
        key = parse_key(answer.records[0])
    except DkimSyntaxError as error:
        raise _Rejected(Result.PERMERROR, Sentence("its key can't be read: {error}", error=error.args[0])) from error
    if not key.public:
        raise _Rejected(Result.PERMERROR, Sentence("its key was revoked"))
    if key.algorithm != _ALGORITHMS[signature.algorithm]:
        raise _Rejected(Result.PERMERROR, Sentence("its key is for {algorithm}", algorithm=key.algorithm))
    if (key.hashes and "sha256" not in key.hashes) or not key.services & {"*", "email"}:
        raise _Rejected(Result.PERMERROR, Sentence("its key is not for this use"))
    if "s" in key.flags and signature.identity_domain != signature.domain:
        raise _Rejected(Result.PERMERROR, Sentence("its key is for d= itself alone (t=s)"))
    return key


def _check_signature(key: KeyRecord, signature: Signature, covered: bytes) -> None:
    from gateway.verify.public_key import objection  # 7 MB: at the first suspect, in the thread of its arithmetic

    found = objection(key, signature.octets, covered)
    if found is not None:
        raise _Rejected(*found)
