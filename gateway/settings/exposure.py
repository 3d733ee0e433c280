"""Files with secrets in them that anybody on the machine may read: they are named, and served all the same.

Looks at permissions, and changes none. A group is left to the administrator: it is how services share a key.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.tree import Settings

_FOR_ALL = stat.S_IROTH | stat.S_IWOTH
_SQLITE = ("sqlite", "sqlite+aiosqlite")


@dataclass(frozen=True, slots=True)
class Exposed:
    """The key that names the file, and the file."""

    key: str
    file: Path


def exposed_files(settings: Settings) -> tuple[Exposed, ...]:
    """Those that are there and that others than owner and group may read or write."""
    return tuple(Exposed(key, file) for key, file in _with_secrets(settings) if _is_for_all(file))


def _with_secrets(settings: Settings) -> Iterator[tuple[str, Path]]:
    named = {
        "smtp.tls_key": settings.smtp.tls_key,
        "outbound.password_file": settings.outbound.password_file,
        "dkim.key": settings.dkim.key,
        "oidc.client_secret_file": settings.oidc.client_secret_file,
        "store.key_file": settings.store.key_file,
        "alerts.webhook_secret_file": settings.alerts.webhook_secret_file,
    }
    yield from ((key, file) for key, file in named.items() if file is not None)
    if settings.alerts.webhook and settings.alerts.webhook in _text(settings.file):
        yield "alerts.webhook", settings.file
    url = urlsplit(settings.store.url)
    if url.scheme in _SQLITE:
        yield "store.url", Path(unquote(url.path.removeprefix("/")))
    elif url.password and url.password in _text(settings.file):  # it may come from the environment instead
        yield "store.url", settings.file


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def _is_for_all(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & _FOR_ALL)
    except OSError:
        return False  # whoever needs it says that it is not there
