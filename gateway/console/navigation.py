"""The rooms of the console, in the order of the menu, and who may enter each."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.people import Verb


def N_(message: str) -> str:  # noqa: N802 -- gettext's own name for what is only marked
    """Mark a text for the catalogue; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class Room:
    """An item of the menu."""

    address: str
    label: str
    verb: Verb


ROOMS = (
    Room("/", N_("Today"), Verb.SEE_STATUS),
    Room("/cases", N_("Cases"), Verb.SEE_CASES),
    Room("/senders", N_("Sender lists"), Verb.SEE_SENDERS),
    Room("/exemptions", N_("Exemptions"), Verb.SEE_EXEMPTIONS),
    Room("/outbox", N_("Outbox"), Verb.SEE_OUTBOX),
    Room("/statistics", N_("Statistics"), Verb.SEE_STATISTICS),
    Room("/status", N_("Status"), Verb.SEE_STATUS),
    Room("/audit", N_("Audit"), Verb.SEE_AUDIT),
    Room("/people", N_("People"), Verb.KEEP_PEOPLE),
)
