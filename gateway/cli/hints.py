"""Which command helps where an operation was refused. Operations name none: the console shows their sentences too."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.errors import RefusedError

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "There is no case {reference}": "`liaison cases list` shows the references",
        "There is no exemption {exemption} in force": "`liaison senders exempt` lists them",
        "There is no outbox item {item}": "`liaison outbox list` shows the ids",
        "{item} may have been delivered": "with --despite-uncertainty it is sent again, perhaps a second time",
        "{place} holds cases already": "with --force it is set aside, and not removed",
        "{reference} is on legal hold for several reasons; say which one is lifted: {numbers}": "with --hold NUMBER",
        "There is no certificate {certificate}": "`liaison audit certificates` lists them",
        "No data key is set": "`liaison db key` makes one, store.key_file names its file",
        "The outbox is paused already": "`liaison outbox resume` ends that",
        "{value} is not on the list": "`liaison senders list` shows what is",
        "{value} is on the list as {kinds}": "say which with --kind",
        "{sender} is not on the list, so there is nothing to exempt": "`liaison senders list` shows what is",
    }
)
"""By the template of the refusal."""


def with_hint(refusal: RefusedError) -> str:
    """The refusal's sentence, and what to do about it where a command can."""
    hint = HINTS.get(refusal.sentence.template)
    return f"{refusal}; {hint}" if hint else str(refusal)
