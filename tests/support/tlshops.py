"""Mail servers whose TLS is wrong in one way each: what a man in the middle, a mistake or neglect make of it."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import Certificate, self_signed
from tests.support.mta import DROP, ScriptedMTA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mta import Link

NO_TLS = [
    "not offered", "454 4.7.0 Not now", "502 5.5.1 What", "501 5.5.4 No", DROP, "220 go\r\n250 injected", "outdated",
    "stripped the second time",
]  # fmt: skip
"""Servers with which there is no TLS that `required` or `verified` may take."""
NO_PROOF = ["unknown authority", "another name", "expired"]
"""Servers with which there is TLS, but nobody vouches for who they are."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """`good` is trusted and names localhost; `named` and `expired` are trusted, and not good; `unknown` is not."""

    good: Certificate
    named: Certificate
    expired: Certificate
    unknown: Certificate
    trusted: Path

    def hop(self, fault: str) -> ScriptedMTA:
        """A server with this fault, or with none, to be started."""
        chosen = {"unknown authority": self.unknown, "another name": self.named, "expired": self.expired}
        mta = ScriptedMTA(tls=None if fault == "not offered" else chosen.get(fault, self.good).server())
        if fault in NO_TLS and fault[:1].isdigit():
            mta.script = lambda said, _link: fault if said == "STARTTLS" else None
        elif fault == DROP:
            mta.script = lambda said, _link: DROP if said == "STARTTLS" else None
        elif fault == "outdated":
            mta.tls = outdated(self.good.server())
        elif fault == "stripped the second time":
            mta.script = strip
        return mta


def strip(said: str, link: Link) -> str | None:
    """From the second connection on STARTTLS is not announced, and not known."""
    if link.number == 0 or link.tls:
        return None
    return {"EHLO": "250-sink.example\r\n250 8BITMIME", "STAR": "502 5.5.1 What"}.get(said[:4])


def outdated(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same, as far as TLS 1.1."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def spoke_in_clear(mta: ScriptedMTA) -> bool:
    """Whether a mail transaction was begun without TLS."""
    return any(not link.tls and command.startswith("MAIL") for link in mta.links for command in link.commands)


@pytest.fixture(scope="session")
def certificates(localhost: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("bundle")
    named = self_signed(directory, "mail.elsewhere.example")
    (directory / "expired").mkdir()
    (directory / "unknown").mkdir()
    expired = self_signed(directory / "expired", "localhost", days=-1)
    trusted = directory / "trusted.pem"
    trusted.write_bytes(b"".join(one.certificate.read_bytes() for one in (localhost, named, expired)))
    return Certificates(localhost, named, expired, self_signed(directory / "unknown", "localhost"), trusted)


@pytest.fixture
def authorities(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """The certificates, and their authorities are those that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
    return certificates
