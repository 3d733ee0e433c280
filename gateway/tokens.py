"""The one source of randomness: references, identifiers, Message-IDs, keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I and O, which people mix up on the phone."""


def case_reference() -> str:
    """`LG-XXXX-XXXX`: random, because a counter would tell a mission how many approaches there are."""
    letters = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(8))
    return f"LG-{letters[:4]}-{letters[4:]}"


def item_id() -> str:
    """An opaque identifier of an outbox item."""
    return secrets.token_hex(8)


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
