"""The S/MIME envelope of what is written for collation: encrypted to one certificate (RFC 8551 §3.3).

The whole message goes inside, its header section too (RFC 9788): outside stands what carries it there, and a subject
that says nothing. It reads no file, asks no clock, and trusts no issuer: the agency pins the certificate itself.
RFC 5280 §4.2.1.3, §4.2.1.6; RFC 5652 §6.1; RFC 8551 §2.7, §3.1, §3.2, §3.3, §4.4; RFC 9788 §2.1, §2.2.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from cryptography.x509.oid import NameOID

from filters.address import AddressError, parse_path
from filters.content import header_length, parse_header, unfolded
from filters.sentence import Sentence
from gateway.compose.headers import field as header_field
from gateway.compose.headers import token, unstructured
from gateway.compose.text import ComposeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from filters.content import HeaderField
    from gateway.model.outbox import Post

BITS = range(2048, 16385)
"""Of the recipient's RSA key (RFC 8551 §4.4, and what OpenSSL will work with)."""

RIGHT = f"an X.509 certificate in PEM with an RSA key of at least {BITS[0]} bits that may encrypt keys"

SUBJECT = "Encrypted message / Message chiffré"
"""What everybody on the way may read; the reference follows."""

_PIECE = 57 * 4096
"""Octets that are encoded at a time: a whole number of base64 lines of 76."""


class CertificateError(ValueError):
    """The octets are no certificate that we could encrypt to: why."""


class CertificateOutOfDateError(ComposeError):
    """The certificate is not valid now: what should be encrypted to it waits until there is another."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Envelope:
    """Encrypts to one certificate, a PEM file's content; CertificateError if it is unfit for that.

    `not_before` and `not_after` are its validity, `addresses` the mailboxes that it names, as they are compared.
    """

    pem: bytes = field(repr=False)
    not_before: datetime = field(init=False)
    not_after: datetime = field(init=False)
    addresses: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        certificate = _usable(self.pem)
        object.__setattr__(self, "not_before", certificate.not_valid_before_utc)
        object.__setattr__(self, "not_after", certificate.not_valid_after_utc)
        object.__setattr__(self, "addresses", frozenset(map(_compared, _mailboxes(certificate))))

    def out_of_date(self, now: datetime) -> Sentence | None:
        """Why nothing can be encrypted to it at that time, or None."""
        if now > self.not_after:
            return Sentence("the S/MIME certificate expired on {date}", date=f"{self.not_after:%Y-%m-%d}")
        if now < self.not_before:
            return Sentence("the S/MIME certificate is not valid before {date}", date=f"{self.not_before:%Y-%m-%d}")
        return None

    def names(self, address: str) -> bool:
        """Whether the certificate is that mailbox's, or says nothing of mailboxes."""
        return not self.addresses or _compared(address) in self.addresses

    def seal(self, post: Post, reference: str, now: datetime) -> Post:
        """The post in its envelope. It needs no verified TLS any more. Takes processor time: call it in a thread.

        CertificateOutOfDateError if it can't be now.
        """
        expired = self.out_of_date(now)
        if expired is not None:
            raise CertificateOutOfDateError(expired)
        length = header_length(post.content)
        fields = parse_header(post.content[:length]).fields
        outer = [_outer(one, reference) for one in fields if not one.name.startswith(_STRUCTURAL)]
        der = _encrypted(b"".join((*_protected(fields, outer), post.content[length:])), self.pem)
        return replace(post, content=b"".join((*outer, _MIME, b"\r\n", *_encoded(der))), needs_verified_tls=False)


def is_enveloped(content: bytes) -> bool:
    """Whether that mail of ours is in an envelope."""
    value = parse_header(content[: header_length(content)]).first("content-type") or b""
    return value.strip().startswith(b"application/pkcs7-mime")


_STRUCTURAL = ("content-", "mime-version")
"""Fields that say how the body is to be read (RFC 9788 §1.8): those of the message go inside with it."""

_MIME = (
    header_field("MIME-Version", "1.0")
    + header_field("Content-Type", "application/pkcs7-mime;", "smime-type=enveloped-data;", 'name="smime.p7m"')
    + header_field("Content-Transfer-Encoding", "base64")
    + header_field("Content-Disposition", "attachment;", 'filename="smime.p7m"')
)
"""RFC 8551 §3.2, §3.3."""


def _outer(one: HeaderField, reference: str) -> bytes:
    """The field as everybody on the way sees it."""
    if one.name == "subject":
        return header_field("Subject", *unstructured(SUBJECT), f"[{token('the reference', reference)}]")
    return _spelled(one.name) + b":" + one.value + b"\r\n"


def _protected(fields: tuple[HeaderField, ...], outer: list[bytes]) -> Iterator[bytes]:
    """The header section inside: all fields, and beside them how they stand outside (RFC 9788 §2.2)."""
    for one in fields:
        value = one.value + b';\r\n hp="cipher"' if one.name == "content-type" else one.value
        yield _spelled(one.name) + b":" + value + b"\r\n"
    for line in outer:
        yield header_field("HP-Outer", *unfolded(line.removesuffix(b"\r\n")).split())


def _spelled(name: str) -> bytes:
    """A field's name as it is usually written."""
    known = {"message-id": "Message-ID", "mime-version": "MIME-Version"}
    return known.get(name, name.title()).encode()


def _encrypted(inner: bytes, pem: bytes) -> bytes:
    """EnvelopedData in DER (RFC 5652 §6.1), with AES-256 in CBC mode.

    RFC 8551 §2.7 would have GCM, which the library doesn't write and many readers don't open yet.
    """
    builder = PKCS7EnvelopeBuilder().set_data(inner).add_recipient(x509.load_pem_x509_certificate(pem))
    return builder.set_content_encryption_algorithm(AES256).encrypt(Encoding.DER, [PKCS7Options.Binary])


def _encoded(der: bytes) -> Iterator[bytes]:
    """Base64 in lines of 76 (RFC 2045 §6.8), piece by piece: a large original stands in memory often enough."""
    octets = memoryview(der)
    for start in range(0, len(octets), _PIECE):
        yield base64.encodebytes(octets[start : start + _PIECE]).replace(b"\n", b"\r\n")


def _usable(pem: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key, extensions = certificate.public_key(), certificate.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise CertificateError("holds no certificate in PEM that can be read") from None
    if not isinstance(key, RSAPublicKey):
        raise CertificateError("is for a key that is not RSA, the only kind that we encrypt to")
    if key.key_size not in BITS:
        raise CertificateError(f"is for an RSA key of {key.key_size} bits")
    usage = next((one.value for one in extensions if isinstance(one.value, x509.KeyUsage)), None)
    if usage is not None and not usage.key_encipherment:
        raise CertificateError("is for signatures alone: its key usage has no keyEncipherment")
    return certificate


def _mailboxes(certificate: x509.Certificate) -> Iterator[str]:
    """The addresses in it: rfc822Name, or the emailAddress of older ones (RFC 5280 §4.2.1.6, §4.1.2.6)."""
    for one in certificate.extensions:
        if isinstance(one.value, x509.SubjectAlternativeName):
            yield from one.value.get_values_for_type(x509.RFC822Name)
    yield from (str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS))


def _compared(address: str) -> str:
    try:
        return parse_path(address, smtputf8=True).key
    except AddressError:
        return address
