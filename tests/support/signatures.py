"""DKIM for tests: a key pair made when a test needs one, and the verifier at the other end."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

DOMAIN, SELECTOR = "police.example", "liaison1"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An RSA key pair whose public half is published for `DOMAIN` and `SELECTOR`, and nowhere else."""

    private: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return pem_of(self.private)

    def write(self, directory: Path) -> str:
        """The lines of a configuration that signs with it."""
        (directory / "dkim.pem").write_bytes(self.pem)
        return f'[dkim]\ndomain = "{DOMAIN}"\nselector = "{SELECTOR}"\nkey = "dkim.pem"\n'

    def verifies(self, content: bytes) -> bool:
        """Whether the first signature of the mail holds."""
        return bool(dkim.verify(content, dnsfunc=self._ask))

    @property
    def record(self) -> str:
        """The public half as a TXT record, in strings of a length that the DNS takes."""
        text = self._text.decode()
        return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))

    @property
    def _text(self) -> bytes:
        public = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    def _ask(self, name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG002 -- dkimpy's signature
        if name.decode() != f"{SELECTOR}._domainkey.{DOMAIN}.":
            return None
        return self._text


def pem_of(
    key: PrivateKeyTypes,
    *,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    passphrase: bytes = b"",
) -> bytes:
    """The private key in PEM."""
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, locked)


@pytest.fixture(scope="session")
def key_pair() -> KeyPair:
    return KeyPair(rsa.generate_private_key(65537, 2048))
