"""The JSON of what people and the collation address add to a case: forwards, amendments, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from gateway.model.dossier import Dossier


class ForwardShape(TypedDict):
    """Who forwarded the message to the intake mailbox."""

    at: str
    by: str
    form: str
    said: str


class AmendmentShape(TypedDict):
    """What was added to the report after it left; `tier` is "" where the classification did not change."""

    at: str
    actor: str
    text: str
    tier: str
    item: str


class AnswerShape(TypedDict):
    """What the collation address answered; `seen` tells that no person has recorded it."""

    at: str
    actor: str
    on: str
    text: str
    their_reference: str
    seen: bool


def forwards_of(dossier: Dossier) -> list[ForwardShape]:
    """In the order in which they came."""
    return [
        {"at": one.at.isoformat(), "by": one.by, "form": str(one.form), "said": one.said} for one in dossier.forwards
    ]


def amendments_of(dossier: Dossier) -> list[AmendmentShape]:
    """In the order in which they were made."""
    return [
        {"at": one.at.isoformat(), "actor": one.actor, "text": one.text, "tier": one.tier or "", "item": one.item_id}
        for one in dossier.amendments
    ]


def answers_of(dossier: Dossier) -> list[AnswerShape]:
    """In the order in which they were written down."""
    return [
        {
            "at": one.at.isoformat(),
            "actor": one.actor,
            "on": one.on.isoformat(),
            "text": one.text,
            "their_reference": one.their_reference,
            "seen": one.was_seen,
        }
        for one in dossier.answers
    ]
