"""The intake key: what makes a retry find the case that its first attempt made (decision 3).

Digest of the reverse-path and of the content from the first header field that no relay adds on the way: a retry
through a front relay carries new trace fields, and flagged mail of ours that comes back carries X-Liaison-Flag.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filters.address import Mailbox

_TRACE_FIELD = re.compile(
    rb"(?:Received|Return-Path|Received-SPF|Authentication-Results|X-Liaison-Flag|ARC-[A-Za-z-]+)[ \t]*:"
    rb"[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE,
)


def trace_length(header_section: bytes) -> int:
    """Octets of the trace fields at the very top of the header section."""
    position = 0
    while found := _TRACE_FIELD.match(header_section, position):
        position = found.end()
    return position


def intake_key(reverse_path: Mailbox, content: Iterable[bytes]) -> str:
    """SHA-256, hex; `content` are the chunks after the trace fields at the top."""
    digest = hashlib.sha256(reverse_path.key.encode() + b"\n")
    for chunk in content:
        digest.update(chunk)
    return digest.hexdigest()
