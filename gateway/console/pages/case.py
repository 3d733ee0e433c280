"""One case: why it is one, what the message says, what was done, and what can be done. The page only shows.

The verbs are `case_verbs`'. A message is shown as text, or as cleaned HTML in a frame that can do nothing; each view of
it is written down before anything is shown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from gateway.console.doors import action, page
from gateway.console.navigation import N_
from gateway.console.pages.case_facts import Moment, Why, deciders, timeline, whys
from gateway.console.safety import FRAME_POLICY, RAW_POLICY
from gateway.errors import RefusedError
from gateway.model.case import ActionState, CaseStatus, ContactKind, DeliveryState
from gateway.model.outbox import Purpose
from gateway.model.people import Verb
from gateway.preview.invisible import segments
from gateway.preview.message import preview

if TYPE_CHECKING:
    from gateway.console.visit import Visit
    from gateway.model.outbox import OutboxItem, Post
    from gateway.operations.casework import Dossier
    from gateway.preview.invisible import Segments
    from gateway.preview.message import Preview

MOST_SHOWN = 200_000
"""Octets of a source on a page; the download has all."""
_PURPOSES = frozenset({Purpose.DECLINE, Purpose.REPORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """The context of `cases/case.html`. `message` is None for those who may not read it, and for contacts by hand."""

    dossier: Dossier
    whys: tuple[Why, ...]
    message: Preview | None
    timeline: tuple[Moment, ...]
    held: tuple[str, ...]
    """Recipients whose copy is held."""
    people: tuple[tuple[str, str], ...]
    why_not: dict[str, str]
    """For each verb that can't be done, why; "" where it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The context of `cases/source.html`."""

    reference: str
    text: Segments
    size: int
    shown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """The context of `cases/outgoing.html`. `item` is None for a draft."""

    reference: str
    purpose: Purpose
    item: OutboxItem | None
    post: Post
    text: Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """The context of `cases/download.html`."""

    reference: str
    size: int
    sha256: str


async def show(visit: Visit) -> Response:
    """The page. Who may read messages has read this one by opening it."""
    reference = visit.part("reference")
    dossier = await visit.office.casework.show(reference, visit.office.rulebooks.current.index)
    message = None
    if dossier.contact is None and visit.may(Verb.SEE_CONTENT):
        raw = await visit.office.casework.view(reference, "text", actor=visit.actor)
        message = await asyncio.to_thread(preview, raw)
    held = tuple(one.recipient for one in dossier.file.deliveries if one.state is DeliveryState.HELD)
    context = CasePage(
        dossier=dossier,
        whys=whys(dossier.file.case),
        message=message,
        timeline=timeline(dossier, visit.words),
        held=held,
        people=await deciders(visit),
        why_not={name: visit.words.say(why) for name, why in _why_not(dossier, held).items()},
    )
    return await visit.show("cases/case.html", context)


async def frame(visit: Visit) -> Response:
    """One HTML body, cleaned, for a frame: it has no script, loads nothing, and leads nowhere."""
    reference, number = visit.part("reference"), visit.part("number")
    raw = await visit.office.casework.view(reference, "html", actor=visit.actor)
    pages = (await asyncio.to_thread(preview, raw)).pages
    if not number.isdigit() or int(number) >= len(pages):
        raise RefusedError("The message has no such page")
    html = f'<!doctype html><html><head><meta charset="utf-8"><title>-</title></head><body>{pages[int(number)].html}'
    headers = {"Content-Security-Policy": FRAME_POLICY, "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(html, media_type="text/html", headers=headers)


async def source(visit: Visit) -> Response:
    """The message as it came in, as text."""
    reference = visit.part("reference")
    raw = await visit.office.casework.view(reference, "source", actor=visit.actor)
    context = Source(
        reference=reference,
        text=segments(raw[:MOST_SHOWN].decode("utf-8", "replace").replace("\r\n", "\n")),
        size=len(raw),
        shown=min(len(raw), MOST_SHOWN),
    )
    return await visit.show("cases/source.html", context)


async def ask_download(visit: Visit) -> Response:
    """What a download means, before it is one."""
    dossier = await visit.office.casework.show(visit.part("reference"), visit.office.rulebooks.current.index)
    case = dossier.file.case
    return await visit.show(
        "cases/download.html", Download(reference=case.reference, size=case.size, sha256=case.sha256)
    )


async def download(visit: Visit) -> Response:
    """The original, as a file that no browser opens by itself."""
    reference = visit.part("reference")
    raw = await visit.office.casework.view(reference, "download", actor=visit.actor)
    return _file(raw, f"{reference}.eml")


async def export(visit: Visit) -> Response:
    """The case as an archive."""
    reference = visit.part("reference")
    return _file(await visit.office.exporting.archive(reference, actor=visit.actor), f"{reference}.zip")


async def draft(visit: Visit) -> Response:
    """What would be sent."""
    reference, word = visit.part("reference"), visit.part("purpose")
    if word not in _PURPOSES:
        raise RefusedError("There is no such mail")
    post = await visit.office.outgoing_text.draft(reference, Purpose(word))
    return await _outgoing(visit, reference, Purpose(word), None, post)


async def sent(visit: Visit) -> Response:
    """What was sent, or is about to be."""
    reference, wanted = visit.part("reference"), visit.part("item")
    dossier = await visit.office.casework.show(reference, visit.office.rulebooks.current.index)
    item = next((one for one in dossier.items if one.id == wanted), None)
    if item is None:
        raise RefusedError("There is no such mail")
    post = await visit.office.outgoing_text.of_item(item.id)
    return await _outgoing(visit, reference, item.purpose, item, post)


async def _outgoing(visit: Visit, reference: str, purpose: Purpose, item: OutboxItem | None, post: Post) -> Response:
    text = segments(post.content[:MOST_SHOWN].decode("utf-8", "replace").replace("\r\n", "\n"))
    context = Outgoing(reference=reference, purpose=purpose, item=item, post=post, text=text)
    return await visit.show("cases/outgoing.html", context)


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": RAW_POLICY}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _why_not(dossier: Dossier, held: tuple[str, ...]) -> dict[str, str]:
    """Why a verb can't be done now, in words."""
    case = dossier.file.case
    closed = case.status is CaseStatus.CLOSED
    return {
        "decline": _no_decline(dossier),
        "report": "" if case.report in _REPORTABLE else ALREADY_REPORTED,
        "release": "" if held else NOTHING_HELD,
        "silence": ALREADY_SILENCED if case.silenced else BY_HAND if case.kind is not ContactKind.MAIL else "",
        "exempt": BY_HAND if case.kind is not ContactKind.MAIL else "",
        "dismiss": ALREADY_CLOSED if closed else "",
        "close": ALREADY_CLOSED if closed else "",
        "reopen": "" if closed else STILL_OPEN,
    }


def _no_decline(dossier: Dossier) -> str:
    if dossier.file.case.kind is not ContactKind.MAIL:
        return BY_HAND
    if any(item.purpose is Purpose.DECLINE for item in dossier.items):
        return HAS_DECLINE
    return dossier.objections[0] if dossier.objections else ""


_REPORTABLE = frozenset({ActionState.NONE, ActionState.REVIEW, ActionState.CANCELLED, ActionState.FAILED})
ALREADY_REPORTED = N_("There is a report already.")
ALREADY_SILENCED = N_("It is silenced already.")
ALREADY_CLOSED = N_("The case is closed.")
STILL_OPEN = N_("The case is open.")
HAS_DECLINE = N_("There is a decline already; a case has one.")
NOTHING_HELD = N_("No copy is held.")
BY_HAND = N_("There was no mail.")

ROUTES = [
    page("/cases/{reference}", show, Verb.SEE_CASES),
    page("/cases/{reference}/frame/{number}", frame, Verb.SEE_CONTENT),
    page("/cases/{reference}/source", source, Verb.SEE_CONTENT),
    page("/cases/{reference}/download", ask_download, Verb.SEE_CONTENT),
    action("/cases/{reference}/download", download, Verb.SEE_CONTENT),
    action("/cases/{reference}/export", export, Verb.EXPORT_CASES),
    page("/cases/{reference}/draft/{purpose}", draft, Verb.SEE_CONTENT),
    page("/cases/{reference}/sent/{item}", sent, Verb.SEE_CONTENT),
]
