"""AES-256-GCM (NIST SP 800-38D): octets in, octets out. Where no key is configured, nobody imports this."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def encrypt(key: bytes, nonce: bytes, octets: bytes, associated_data: bytes) -> bytes:
    """The ciphertext with its tag; the nonce is never used twice with one key."""
    return AESGCM(key).encrypt(nonce, octets, associated_data)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, associated_data: bytes) -> bytes | None:
    """The octets, or None where ciphertext, nonce, associated data or key are not those of the encryption."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated_data)
    except (InvalidTag, ValueError):  # ValueError: cut so short that there is no nonce
        return None
