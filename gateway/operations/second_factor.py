"""The second factor: one-time codes by the clock (RFC 6238), as every authenticator app makes them."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from datetime import datetime

STEP = 30
"""Seconds that a code stands for (RFC 6238 §4.1)."""
_AROUND = (0, -1, 1)
"""Steps that a device's clock may be off (RFC 6238 §5.2)."""


def new_secret() -> str:
    """160 random bits, base32 (RFC 4226 §4)."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, or None."""
    digits = "".join(code.split())
    present = int(now.timestamp()) // STEP
    codes = pyotp.TOTP(secret, interval=STEP)
    for away in _AROUND:
        if hmac.compare_digest(codes.generate_otp(present + away).encode(), digits.encode(errors="replace")):
            return present + away
    return None


def address(secret: str, name: str, issuer: str) -> str:
    """The `otpauth:` URI that an app reads from a QR code."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=issuer)
