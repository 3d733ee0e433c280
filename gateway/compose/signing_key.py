"""A DKIM key: made, and its public half as the TXT record that verifiers look for (RFC 6376 §3.6.1).

Reads and writes no file: whoever asks keeps the key.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.compose.signing import BITS

EXPONENT = 65537
"""The one that every verifier takes (RFC 6376 §3.3.1)."""
LONGEST_STRING = 255
"""Octets in one string of a TXT record (RFC 1035 §3.3); verifiers join them without a space (RFC 6376 §3.6.2.2)."""


def new_key() -> bytes:
    """An RSA key of 2048 bits in PEM: what signers should use, and what fits into one UDP answer (RFC 8301 §3.2)."""
    key = generate_private_key(EXPONENT, BITS[0])
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_half(pem: bytes) -> bytes:
    """The public key in DER, as `p=` holds it. `pem` is a private key that `Signer` has taken."""
    public = load_pem_private_key(pem, password=None).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def record_text(pem: bytes) -> str:
    """What the TXT record says, as one text."""
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public_half(pem)).decode('ascii')}"


def record_strings(pem: bytes) -> tuple[str, ...]:
    """The same in strings of a length that the DNS takes."""
    text = record_text(pem)
    return tuple(text[at : at + LONGEST_STRING] for at in range(0, len(text), LONGEST_STRING))
