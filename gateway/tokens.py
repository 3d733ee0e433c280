"""The one source of randomness: references, identifiers, Message-IDs, keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O, which people mix up on the phone."""


def case_reference(secret: bytes, subject: str) -> str:
    """`LG-XXXXX-XXXXX`, drawn from `subject` by a keyed hash: the same intake key gives the same reference everywhere.

    Random-looking, because a counter would tell a mission how many approaches there are.
    """
    number = int.from_bytes(hmac.new(secret, b"reference:" + subject.encode(), hashlib.sha256).digest())
    letters = ""
    for _ in range(10):
        number, digit = divmod(number, len(_REFERENCE_ALPHABET))
        letters += _REFERENCE_ALPHABET[digit]
    return f"LG-{letters[:5]}-{letters[5:]}"


def item_id() -> str:
    """An opaque identifier of an outbox item."""
    return secrets.token_hex(8)


def trace_id() -> str:
    """What names one mail transaction in Received and in the log."""
    return secrets.token_hex(6)


def nonce() -> bytes:
    """12 random octets, for AES-GCM (NIST SP 800-38D §8.2.2)."""
    return secrets.token_bytes(12)


def secret_key() -> bytes:
    """32 random octets, for HMAC and AES-256."""
    return secrets.token_bytes(32)


def loop_token(secret: bytes, subject: str) -> str:
    """A token for `X-Liaison-Loop` that only holders of the secret can make: `subject.mac`."""
    mac = hmac.new(secret, subject.encode(), hashlib.sha256).hexdigest()[:32]
    return f"{subject}.{mac}"


def is_loop_token(secret: bytes, token: str) -> bool:
    """Whether the token was made with this secret."""
    subject, _, _ = token.strip().rpartition(".")
    return bool(subject) and hmac.compare_digest(
        loop_token(secret, subject).encode(), token.strip().encode(errors="replace")
    )
