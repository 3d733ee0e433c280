"""What every TLS context of the gateway has in common, towards clients and towards servers (RFC 9325).

Versions from 1.2 on (RFC 9325 §3.1.1), no compression (RFC 9325 §3.3), no renegotiation (RFC 9325 §3.5). Nobody is
asked for a client certificate: mail comes from strangers.
"""

from __future__ import annotations

import ssl


def harden(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, without what is out of date."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context
