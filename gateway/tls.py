"""What every TLS context of the gateway has in common, towards clients and towards servers (RFC 9325).

Versions from 1.2 on (RFC 9325 §3.1.1), no compression (RFC 9325 §3.3), no renegotiation (RFC 9325 §3.5). Nobody is
asked for a client certificate: mail comes from strangers.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.x509 import Certificate


def harden(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, without what is out of date."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def server_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What a server of ours shows its clients; None without a certificate. OSError if the files are unusable."""
    if certificate is None:
        return None
    context = harden(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.load_cert_chain(certificate, key)
    return context


def certificate_end(certificate: Path) -> datetime:
    """Until when the first certificate of the file is good. OSError if it can't be read, ValueError if it is none."""
    from cryptography.x509 import load_pem_x509_certificate  # only who shows it needs that

    return load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def certificate_is_for(certificate: Path, host: str) -> bool:
    """Whether the first certificate of the file names this host. OSError, ValueError as above."""
    from cryptography.x509 import load_pem_x509_certificate  # only who shows it needs that

    return _names(load_pem_x509_certificate(certificate.read_bytes()), host)


def peer_certificate_end(der: bytes) -> datetime:
    """Until when the certificate that a server showed is good. ValueError if it is none."""
    from cryptography.x509 import load_der_x509_certificate  # only who shows it needs that

    return load_der_x509_certificate(der).not_valid_after_utc


def _names(certificate: Certificate, host: str) -> bool:
    """By its alternative names alone, where a star stands for one whole label (RFC 9525 §6.3)."""
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName  # only who shows it needs that

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return False
    wanted = host.lower()
    below = "*." + wanted.partition(".")[2]
    return any(name.lower() in {wanted, below} for name in names.get_values_for_type(DNSName))
