"""Whether a signature was made with the private half of a public key: RSA (RFC 8301) and Ed25519 (RFC 8463).

The arithmetic alone, over cryptography: what else a DKIM signature needs to count is `gateway.verify.dkim`'s.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from filters.authentication import Result
from filters.sentence import Sentence

if TYPE_CHECKING:
    from filters.dkim import KeyRecord

SHORTEST_RSA, LONGEST_RSA = 1024, 8192
"""Bits: below, anybody can make the key (RFC 8301 §3.2); above, checking it would be work for nothing."""


def objection(key: KeyRecord, signature: bytes, covered: bytes) -> tuple[Result, str] | None:
    """The result and the reason why it does not count, or None where the signature fits the octets covered."""
    try:
        if key.algorithm == "ed25519":
            hashed = hashlib.sha256(covered).digest()  # RFC 8463 §3
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, hashed)
            return None
        public = load_der_public_key(key.public)
        if not isinstance(public, RSAPublicKey):
            return Result.PERMERROR, Sentence("its key is no RSA key")
        if not SHORTEST_RSA <= public.key_size <= LONGEST_RSA:
            return Result.POLICY, Sentence("its key has {bits} bits", bits=public.key_size)
        public.verify(signature, covered, PKCS1v15(), SHA256())
    except InvalidSignature:
        return Result.FAIL, Sentence("it does not verify: signed fields were changed, or the key is another")
    except (ValueError, UnsupportedAlgorithm):
        return Result.PERMERROR, Sentence("its key can't be used")
    return None
