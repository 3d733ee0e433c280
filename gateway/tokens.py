"""The one source of randomness: references, identifiers, Message-IDs, keys."""

from __future__ import annotations

import hashlib
import hmac
import random
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


def derived_id(secret: bytes, subject: str) -> str:
    """The same for an item that is due once for `subject`, however often it is asked for."""
    return hmac.new(secret, b"item:" + subject.encode(), hashlib.sha256).hexdigest()[:16]


def trace_id() -> str:
    """What names one mail transaction in Received and in the log: a name, not a secret, so it costs no system call."""
    return f"{random.getrandbits(48):012x}"


def session_token() -> str:
    """What a browser holds while somebody is signed in: 256 bits, for a cookie."""
    return secrets.token_urlsafe(32)


def session_digest(token: str) -> str:
    """What the store holds of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def form_token(session_token: str) -> str:
    """What a form of this session carries, so that no other site can send it (CSRF)."""
    return hmac.new(session_token.encode(), b"form", hashlib.sha256).hexdigest()


def is_form_token(session_token: str, token: str) -> bool:
    """Whether the form was made for this session."""
    return hmac.compare_digest(form_token(session_token).encode(), token.encode(errors="replace"))


def recovery_code() -> str:
    """`XXXX-XXXX-XXXX`: 60 bits, for paper."""
    letters = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(12))
    return "-".join((letters[:4], letters[4:8], letters[8:]))


def passphrase() -> str:
    """A password that a person types once: 80 bits."""
    letters = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


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
