"""The DKIM signature of mail that we originate: rsa-sha256, relaxed/relaxed, over the whole body (RFC 6376).

It never signs what somebody else wrote, asks no DNS and reads no file. The only module that knows dkimpy.
RFC 6376 §3.5, §5.4.1, §5.4.2, §8.15; RFC 8301 §3.1, §3.2.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from filters.content import header_length, parse_header
from filters.dkim import canonical_body
from gateway.compose.text import ComposeError
from gateway.model.outbox import Purpose

if TYPE_CHECKING:
    from gateway.model.outbox import Post

SIGNED = frozenset(Purpose) - {Purpose.RELEASE}
"""What we write ourselves. A release is somebody else's message, and our name doesn't stand behind it."""

BITS = range(2048, 4097)
"""RFC 8301 §3.2: what a signer should use at least, and the most that every verifier can check."""

RIGHT = f"an RSA private key of {BITS[0]} to {BITS[-1]} bits in PEM, without a passphrase"

_FIELDS = (
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted",
    "x-auto-response-suppress", "x-liaison-loop", "content-language", "mime-version", "content-type",
    "content-transfer-encoding",
)  # fmt: skip
"""Each is named once more than it occurs, so that none can be added on the way (RFC 6376 §5.4.2, §8.15)."""


class SigningKeyError(ValueError):
    """The octets are no key that we could sign with: why, without a word of the key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs as `domain` (d=) with `selector` (s=). `key` is a PEM file's content; SigningKeyError if unfit."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _canonical(self.key))

    @property
    def record(self) -> str:
        """The name of the TXT record that verifiers look for (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    def sign(self, post: Post) -> Post:
        """The post behind its DKIM-Signature. Takes processor time: a large one is signed in a thread.

        The signature is over the octets as they leave: nothing may change them after this.
        """
        section = post.content[: header_length(post.content)]
        header = parse_header(section)
        occurring = Counter(one.name for one in header.fields)
        names = [name.encode() for name in _FIELDS for _ in range(occurring[name] + 1)]
        date = header.first("date")
        if date is None:
            raise ComposeError("a mail without a Date can't be signed")
        at = int(parsedate_to_datetime(date.decode("ascii")).timestamp())
        try:
            signature: bytes = _Signature(section, post.content[len(section) + 2 :], at).sign(
                self.selector.encode(),
                self.domain.encode(),
                self.key,
                canonicalize=(b"relaxed", b"simple"),  # the body has been relaxed already
                include_headers=names,
            )
        except dkim.DKIMException as error:
            raise ComposeError(f"the mail can't be signed: {error}") from error
        return replace(post, content=signature + post.content)


class _Signature(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """dkimpy's, but for two things.

    t= is the mail's own time, where dkimpy looks at the wall clock. And the body is canonicalized piece by piece, where
    dkimpy makes an object of each word and each line: forty times its size.
    """

    def __init__(self, section: bytes, body: bytes, at: int) -> None:
        super().__init__(section + b"\r\n")
        self.body = b"".join(canonical_body((body,), "relaxed"))
        self._tags = {b"t": str(at).encode(), b"c": b"relaxed/relaxed"}

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: object, **named: object) -> bytes:
        """The value of the field, from its tags."""
        true = [(tag, self._tags.get(tag, value)) for tag, value in fields]
        value: bytes = super().gen_header(true, *rest, **named)
        return value


def _canonical(pem: bytes) -> bytes:
    """The key as dkimpy reads it: PKCS #1, with LF for line ends; whatever else the file held is left out."""
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise SigningKeyError("is locked with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError("holds no private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise SigningKeyError("holds a key that is not RSA, the only kind that we sign with")
    if key.key_size not in BITS:
        raise SigningKeyError(f"holds an RSA key of {key.key_size} bits")
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
