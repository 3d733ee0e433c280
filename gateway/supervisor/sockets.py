"""Listening sockets: taken before anything is served, so that an address that can't be had refuses the start."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings import Endpoint


def bind(key: str, endpoints: Sequence[Endpoint], right: str) -> list[socket.socket]:
    """Listening sockets for what the key names; ConfigurationError says which can't be had, why, and what is right."""
    sockets: list[socket.socket] = []
    for endpoint in endpoints:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        try:
            sockets.append(socket.create_server((endpoint.host, endpoint.port), family=family, backlog=1024))
        except OSError as error:
            for opened in sockets:
                opened.close()
            raise ConfigurationError([f"{key}: {endpoint} can't be listened on: {error.strerror}{right}"]) from error
    return sockets


def address(listening: socket.socket) -> str:
    """Where it listens, `host:port`, the port being the real one."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
