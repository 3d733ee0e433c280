"""S/MIME for tests: a reader with a key and a certificate made when a test needs one, who opens what we enveloped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der
from cryptography.x509.oid import NameOID

from gateway.compose.enveloping import Envelope

if TYPE_CHECKING:
    from email.message import EmailMessage

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

ADDRESS = "collation@ildc.example"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who has the private key."""

    certificate: x509.Certificate
    private: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return pem_of(self.certificate)

    def envelope(self) -> Envelope:
        return Envelope(self.pem)

    def opens(self, content: bytes) -> bytes:
        """The octets inside of a mail."""
        outside = parsed(content)
        assert outside.get_content_type() == "application/pkcs7-mime"
        der = outside.get_payload(decode=True)
        assert isinstance(der, bytes)
        return pkcs7_decrypt_der(der, self.certificate, self.private, [])


def parsed(content: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(content)


def a_certificate(
    key: CertificateIssuerPrivateKeyTypes,
    *,
    address: str | None = ADDRESS,
    encrypts: bool | None = True,
    start: datetime = datetime(2025, 1, 1, tzinfo=UTC),
    days: int = 3650,
) -> x509.Certificate:
    """Self-signed; `encrypts` None leaves the key usage out, `address` None the mailbox."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Collation")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(start + timedelta(days=days))
    )  # fmt: skip
    if address is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
    if encrypts is not None:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=encrypts, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256())


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def reader() -> Reader:
    key = rsa.generate_private_key(65537, 2048)
    return Reader(a_certificate(key), key)
