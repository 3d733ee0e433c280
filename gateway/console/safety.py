"""What every answer of the console carries, and what no request may be: headers against foreign content, and a limit.

Nothing is loaded but our own stylesheet and script, nothing frames a page of ours, and no page stays in a cache.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OCTETS = 4 * 1024 * 1024
"""Of a request: a list of ten thousand entries is a third of it."""

TOO_LARGE = f"""A form of more than {MOST_OCTETS} octets is not read.
Un formulaire de plus de {MOST_OCTETS} octets n'est pas lu.
"""
"""In both languages: whose form it is, and which they read, is not known yet."""

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy (W3C CSP3). A page that needs another one sets it itself: the frame of a message."""

FRAME_STYLE = (
    "body{margin:.75rem;font:1rem/1.5 system-ui,sans-serif;color:#1b1b1f;background:#fff;overflow-wrap:anywhere}"
    "table{border-collapse:collapse}pre{white-space:pre-wrap}.target{color:#555}"
    ".image,.invisible{border:1px dotted #555;padding:0 .25em}.invisible{background:#fff3cd;font:.85em monospace}"
)
"""Of the frame of a message, which has an origin of its own and can load no sheet: the policy names its digest."""
FRAME_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(FRAME_STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'self'; sandbox"
)
"""For the frame of a message: no script, no form, nothing loaded, an origin of its own."""
RAW_POLICY = "default-src 'none'; sandbox"
"""For a file that is to be saved, should a browser open it all the same."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Safety:
    """Around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST_OCTETS:
                raise TooLargeError
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        try:
            await self._app(scope, bounded, guarded)
        except TooLargeError:
            answer = PlainTextResponse(TOO_LARGE, 413)
            await answer(scope, receive, guarded)


class TooLargeError(Exception):
    """A request is larger than `MOST_OCTETS`."""
