"""What the fixtures around configuration files are: functions that read a text as settings, or as problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings import Settings


class Reader(Protocol):
    """The settings of this text, with a route behind it unless it has its own."""

    def __call__(self, text: str = "", environ: Mapping[str, str] | None = None) -> Settings: ...


class Refusal(Protocol):
    """The problems of this text, each without the directory of the file."""

    def __call__(self, text: str = "", environ: Mapping[str, str] | None = None) -> list[str]: ...
