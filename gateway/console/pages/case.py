"""One case: why it is one, what the message says, what was done, and what can be done. The page only shows.

The verbs are `case_verbs`'. A message is shown as text, or as cleaned HTML in a frame that can do nothing; each view of
it is written down before anything is shown.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from filters.disposition import Tier
from gateway.console.case_query import CaseQuery
from gateway.console.doors import action, page
from gateway.console.numbers import whole_number
from gateway.console.pages.case_facts import Moment, Why, deciders, proof, timeline, whys
from gateway.console.pages.case_limits import why_not
from gateway.console.pages.case_typed import NOTHING_TYPED
from gateway.console.safety import FRAME_POLICY, FRAME_STYLE, RAW_POLICY
from gateway.console.words import TIERS
from gateway.errors import RefusedError
from gateway.model.outbox import Purpose
from gateway.model.people import Verb
from gateway.preview.invisible import segments
from gateway.preview.message import attached_message, preview

if TYPE_CHECKING:
    from filters.sentence import Sentence
    from gateway.compose.stretches import Stretch
    from gateway.console.pages.case_typed import Typed
    from gateway.console.visit import Visit
    from gateway.model.dossier import Dossier
    from gateway.model.outbox import OutboxItem, Post
    from gateway.operations.outgoing_text import Seen
    from gateway.preview.invisible import Segments
    from gateway.preview.message import Preview

MOST_SHOWN = 200_000
"""Octets of a source on a page; the download has all."""
_PURPOSES = frozenset({Purpose.DECLINE, Purpose.REPORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """The context of `cases/case.html`. `message` is None for those who may not read it, and for contacts by hand."""

    dossier: Dossier
    may_read: bool
    whys: tuple[Why, ...]
    proof: Sentence
    """Whether the sender is who it says it is."""
    message: Preview | None
    attached: str
    """The number of the attached message that `message` is; "" where it is the whole."""
    timeline: tuple[Moment, ...]
    people: tuple[tuple[str, str], ...]
    tiers: tuple[tuple[str, str], ...]
    """As what an amendment may classify the contact."""
    why_not: dict[str, str]
    """For each verb that can't be done, why; "" where it can."""
    trail: str
    """What its address keeps of the list in which it was found; "" without one."""
    list_address: str
    typed: Typed
    """Of the form that was refused, if one was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The context of `cases/source.html`."""

    reference: str
    text: Segments
    size: int
    shown: int
    """Octets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """The context of `cases/outgoing.html`: as its reader sees it, and octet for octet. `item` is None for a draft."""

    reference: str
    purpose: Purpose
    item: OutboxItem | None
    post: Post
    side: str
    message: Preview
    stretches: tuple[Stretch, ...]
    """The first text of the message by its languages; () where something invisible is marked in it."""
    text: Segments
    size: int
    shown: int
    """Octets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """The context of `cases/download.html`."""

    reference: str
    size: int
    sha256: str


async def show(visit: Visit) -> Response:
    """The page."""
    return await show_with(visit, NOTHING_TYPED)


async def show_with(visit: Visit, typed: Typed) -> Response:
    """The page, with a form that was refused. Who may read messages has read this one by opening it."""
    reference = visit.part("reference")
    dossier = await visit.office.casework.show(reference, visit.office.rulebooks.current.index)
    may_read = visit.may(Verb.SEE_CONTENT)
    raw = await _read(visit, "text") if may_read and dossier.unreadable is None else b""
    query = CaseQuery.of_trail(visit.field("trail")) or CaseQuery.read(visit.request.query_params)
    context = CasePage(
        dossier=dossier,
        may_read=may_read,
        whys=whys(dossier.file.case),
        proof=proof(dossier.file.case),
        message=await asyncio.to_thread(preview, raw) if raw and dossier.contact is None else None,
        attached=visit.query("message"),
        timeline=timeline(dossier, visit.words),
        people=await deciders(visit),
        tiers=tuple((tier.value, visit.words.say(TIERS[tier])) for tier in Tier if tier is not Tier.CLEAR),
        why_not={name: visit.words.say(why) for name, why in why_not(dossier).items()},
        trail=query.trail if query.sort else "",
        list_address=query.address(),
        typed=typed,
    )
    return await visit.show("cases/case.html", context, status=400 if typed.form else 200)


async def frame(visit: Visit) -> Response:
    """One HTML body, cleaned, for a frame: it has no script, loads nothing, and leads nowhere."""
    number = _number(visit.part("number"))
    pages = (await asyncio.to_thread(preview, await _read(visit, "html"))).pages
    if number >= len(pages):
        raise RefusedError("The message has no such page")
    head = f'<!doctype html><html><head><meta charset="utf-8"><title>-</title><style>{FRAME_STYLE}</style></head>'
    headers = {"Content-Security-Policy": FRAME_POLICY}
    html = f'{head}<body dir="auto">{pages[number].html}</body></html>'
    return Response(html, media_type="text/html", headers=headers)


async def source(visit: Visit) -> Response:
    """The message as it came in, as text."""
    raw = await _read(visit, "source")
    context = Source(
        reference=visit.part("reference"),
        text=_octets(raw),
        size=len(raw),
        shown=min(len(raw), MOST_SHOWN),
    )
    return await visit.show("cases/source.html", context)


async def _read(visit: Visit, part: str) -> bytes:
    """The message, or the one attached to it that the address names; that it is looked at is written down first."""
    raw = await visit.office.casework.view(visit.part("reference"), part, actor=visit.actor)
    if not visit.query("message"):
        return raw
    attached = await asyncio.to_thread(attached_message, raw, _number(visit.query("message")))
    if attached is None:
        raise RefusedError("No such message is attached")
    return attached


def _number(said: str) -> int:
    """Of a page or a part; larger than any where it is no number."""
    number = whole_number(said)
    return sys.maxsize if number is None else number


def _octets(content: bytes) -> Segments:
    return segments(content[:MOST_SHOWN].decode("utf-8", "replace").replace("\r\n", "\n"))


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
    seen = await visit.office.outgoing_text.draft(reference, Purpose(word), actor=visit.actor)
    return await _outgoing(visit, reference, Purpose(word), None, seen)


async def sent(visit: Visit) -> Response:
    """What was sent, or is about to be."""
    reference, wanted = visit.part("reference"), visit.part("item")
    dossier = await visit.office.casework.show(reference, visit.office.rulebooks.current.index)
    item = next((one for one in dossier.items if one.id == wanted), None)
    if item is None:
        raise RefusedError("There is no such mail")
    seen = await visit.office.outgoing_text.of_item(item, actor=visit.actor)
    return await _outgoing(visit, reference, item.purpose, item, seen)


async def _outgoing(visit: Visit, reference: str, purpose: Purpose, item: OutboxItem | None, seen: Seen) -> Response:
    post = seen.post
    message = await asyncio.to_thread(preview, post.content)
    context = Outgoing(
        reference=reference,
        purpose=purpose,
        item=item,
        post=post,
        side=seen.side.value,
        message=message,
        stretches=visit.office.outgoing_text.by_language(purpose, post, text) if (text := _plain(message)) else (),
        text=_octets(post.content),
        size=len(post.content),
        shown=min(len(post.content), MOST_SHOWN),
    )
    return await visit.show("cases/outgoing.html", context)


def _plain(message: Preview) -> str:
    """Its first text, if nothing in it had to be marked; else ""."""
    shown = message.texts[0].segments if message.texts else ()
    return shown[0] if len(shown) == 1 and isinstance(shown[0], str) else ""


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": RAW_POLICY}
    return Response(content, media_type="application/octet-stream", headers=headers)


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
