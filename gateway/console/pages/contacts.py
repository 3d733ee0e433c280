"""Contacts by hand: a call, a visit, a letter, a meeting, a message on a social network, written down as a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway import tokens
from gateway.console.doors import action, page
from gateway.console.words import KINDS
from gateway.errors import RefusedError
from gateway.model.case import ContactKind
from gateway.model.contact import Contact
from gateway.model.people import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from gateway.console.visit import Visit

TEXTS = ("who", "role", "mission", "approached", "asked", "answered", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The context of `cases/record.html`: what was typed, and what was wrong with it."""

    kinds: Mapping[ContactKind, str]
    kind: str
    at: str
    texts: Mapping[str, str]
    report: bool
    once: str
    """Names the form: what is sent twice by a double click is one contact."""
    missions: tuple[str, ...]
    """Names that the browser proposes."""
    wrong: str


async def ask(visit: Visit) -> Response:
    """The form, with the present moment in it."""
    now = visit.office.clock.now().astimezone(visit.office.zone)
    form = Form(
        kinds=_kinds(),
        kind=ContactKind.PHONE,
        at=f"{now:%Y-%m-%dT%H:%M}",
        texts=dict.fromkeys(TEXTS, ""),
        report=True,
        once=tokens.item_id(),
        missions=_missions(visit),
        wrong="",
    )
    return await visit.show("cases/record.html", form)


async def record(visit: Visit) -> Response:
    """A case, or the form again with what was wrong."""
    texts = {name: visit.field(name, 20_000) for name in TEXTS}
    report = visit.field("report") == "yes"
    try:
        contact = Contact(kind=_kind(visit.field("kind")), at=_moment(visit.field("at"), visit.office.zone), **texts)
        case = await visit.office.contacts.record(
            contact, visit.office.rulebooks.current, report=report, actor=visit.actor, form=visit.field("once", 64)
        )
    except RefusedError as error:
        form = Form(
            kinds=_kinds(),
            kind=visit.field("kind"),
            at=visit.field("at", 30),
            texts=texts,
            report=report,
            once=visit.field("once", 64),
            missions=_missions(visit),
            wrong=visit.words.say(error.sentence),
        )
        return await visit.show("cases/record.html", form, status=400)
    done = Sentence("The contact is recorded as {reference}.", reference=case.reference)
    return await visit.go(f"/cases/{case.reference}", done=done)


def _kinds() -> Mapping[ContactKind, str]:
    return {kind: words for kind, words in KINDS.items() if not kind.is_mail}


def _kind(word: str) -> ContactKind:
    if word not in set(ContactKind):
        raise RefusedError("Choose how they got in touch")
    return ContactKind(word)


def _moment(said: str, zone: ZoneInfo) -> datetime:
    """In that zone, unless another one was typed with it."""
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise RefusedError("{said} is no day and time; one looks like 2027-05-31 14:30", said=repr(said)) from error
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def _missions(visit: Visit) -> tuple[str, ...]:
    name = "mission_fr" if visit.words.language == "fr" else "mission_en"
    return tuple(sorted({getattr(entry, name) for entry in visit.office.rulebooks.current.index.entries} - {""}))


ROUTES = [
    page("/cases/record", ask, Verb.DECIDE_CASES),
    action("/cases/record", record, Verb.DECIDE_CASES),
]
