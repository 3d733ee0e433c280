"""The class of a server's engines: what aiosmtpd's constructor sets, as attributes that all of them begin with.

That constructor inspects classes, and costs more than a whole mail transaction: it is called once for a server. The
private attributes of aiosmtpd 1.4.6 that the engine relies on are asserted here.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import aiosmtpd

from gateway.smtp.borrowed import Hooks
from gateway.smtp.engine import Engine

if TYPE_CHECKING:
    import asyncio

    from gateway.smtp.server import SmtpServer

_PRIVATE = (
    "_handle_client", "_smtp_methods", "_handle_hooks", "_handler_coroutine", "_create_session", "_create_envelope",
    "_call_handler_hook", "_tls_handshake_okay", "_proxy_timeout", "_enforce_call_limit", "_ehlo_hook_ver",
)  # fmt: skip


def engine_class(server: SmtpServer, loop: asyncio.AbstractEventLoop) -> type[Engine]:
    """What this server's engines are instances of; each is made by `cls.__new__(cls)`, without the constructor.

    RuntimeError if aiosmtpd is not what this was written against.
    """
    first = Engine(Hooks(), hostname=server.hostname, ident="ESMTP", data_size_limit=None, loop=loop)
    missing = [name for name in _PRIVATE if not hasattr(first, name)]
    if missing or aiosmtpd.__version__ != "1.4.6":
        raise RuntimeError(f"aiosmtpd {aiosmtpd.__version__} is not 1.4.6, or lacks {missing}")
    # No limits of aiosmtpd's own on a line: ours was kept before it sees one.
    unlimited = {"command_size_limit": sys.maxsize, "command_size_limits": defaultdict(lambda: sys.maxsize)}
    return type("Engine", (Engine,), vars(first) | unlimited | {"_server": server})
