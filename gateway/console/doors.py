"""The doors: before a page is shown or a form is obeyed, who comes in, whether they may, and whether it is our form.

A GET shows and changes nothing. A POST does one operation and sends the browser on (303), so that "reload" does it not
again. A refusal of the operation is a sentence at the top of the page that the form stood on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse
from starlette.routing import Route

from gateway import tokens
from gateway.console.languages import LANGUAGES, Words
from gateway.console.navigation import N_
from gateway.console.safety import MOST_OCTETS
from gateway.console.visit import LANGUAGE, SESSION, Visit
from gateway.errors import RefusedError
from gateway.model.people import Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.console.office import Office
    from gateway.model.people import Session, Verb

    Handler = Callable[[Visit], Awaitable[Response]]

MOST_FIELDS = 2_000
"""Of a form: a page has fifty cases, an import one text."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The context of `trouble.html`: what the trouble is, and what can be done."""

    title: str
    sentence: str
    written: tuple[str, ...] = ()
    """What somebody had written into a form that is not obeyed, so that it isn't lost."""
    sign_in: str = ""
    """Where that is done, if it would help."""


NOT_THERE = N_("That is not there")
NOT_ALLOWED = Trouble(
    N_("Your role does not allow this"),
    N_("An administrator can give you another role. Nothing was changed."),
)
FOREIGN_FORM = Trouble(
    N_("This form is too old, or was not sent from this site"),
    N_("Nothing was changed. Open the page again, and send the form from there."),
)

SESSION_OVER = Trouble(
    N_("Your session has ended"),
    N_("Nothing of what you sent was done. Copy what you had typed, sign in, and send it from its page again."),
)


def page(path: str, handler: Handler, *verbs: Verb) -> Route:
    """A GET for those who may all of that."""
    return Route(path, _door(handler, *verbs), methods=["GET"])


def action(path: str, handler: Handler, *verbs: Verb) -> Route:
    """A POST for those who may all of that."""
    return Route(path, _door(handler, *verbs), methods=["POST"])


def own(path: str, handler: Handler, method: str) -> Route:
    """One's own account: for everybody who has signed in, also while something is still to be set up first."""
    return Route(path, _door(handler), methods=[method])


def public(path: str, handler: Handler, method: str) -> Route:
    """For everybody: nobody needs to have signed in."""
    return Route(path, _door(handler, anybody=True), methods=[method])


def _door(handler: Handler, *verbs: Verb, anybody: bool = False) -> Callable[[Request], Awaitable[Response]]:
    async def enter(request: Request) -> Response:
        office: Office = request.app.state.office()
        visit = await _visit(request, office)
        if not anybody and (elsewhere := _must_go_elsewhere(visit, own=not verbs)):
            return await _send(visit, elsewhere)
        if request.method == "POST" and not _is_our_form(visit):
            trouble = replace(FOREIGN_FORM, written=written_here(visit))
            return await visit.show("trouble.html", trouble, status=403)
        if not all(map(visit.may, verbs)):
            return await visit.show("trouble.html", NOT_ALLOWED, status=403)
        try:
            return await handler(visit)
        except RefusedError as error:
            if request.method == "POST" and visit.session is not None:
                return await visit.go(visit.came_from, refused=error.sentence)
            return await visit.show("trouble.html", Trouble(NOT_THERE, error.sentence), status=404)

    return enter


async def _send(visit: Visit, elsewhere: str) -> Response:
    """There; but first whoever wrote something until the session ended is shown it once more."""
    if visit.session is None and (written := written_here(visit)):
        trouble = replace(SESSION_OVER, written=written, sign_in=elsewhere)
        return await visit.show("trouble.html", trouble, status=403)
    return RedirectResponse(elsewhere, 303)


def written_here(visit: Visit) -> tuple[str, ...]:
    """What somebody wrote into a form of ours; nobody else puts words onto our pages."""
    return visit.written if _is_from_here(visit) else ()


async def stranger(request: Request, form: FormData | None = None) -> Visit:
    """A visit of which nothing is known but the language: for pages that say what went wrong."""
    office: Office = request.app.state.office()
    words = Words(_language(request, None), office.zone)
    return Visit(request=request, office=office, words=words, session=None, token="", form=form or FormData())


async def form_of(request: Request) -> FormData:
    """What was sent; read once, however often it is asked for."""
    if request.method != "POST":
        return FormData()
    return await request.form(max_files=2, max_fields=MOST_FIELDS, max_part_size=MOST_OCTETS)


async def _visit(request: Request, office: Office) -> Visit:
    token = request.cookies.get(SESSION, "")
    session = await office.signing_in.session(token) if token else None
    form = await form_of(request)
    words = Words(_language(request, session), office.zone)
    return Visit(request=request, office=office, words=words, session=session, token=token, form=form)


def _language(request: Request, session: Session | None) -> str:
    """The person's own; before that the browser's."""
    if session is not None and session.is_signed_in:
        return session.person.language
    chosen = request.cookies.get(LANGUAGE, "")
    if chosen in LANGUAGES:
        return chosen
    accepted = [one.strip()[:2].lower() for one in request.headers.get("accept-language", "").split(",")]
    return next((one for one in accepted if one in LANGUAGES), LANGUAGES[0])


def _must_go_elsewhere(visit: Visit, *, own: bool) -> str:
    """Where somebody has to go first, or ""."""
    if visit.session is None:
        return _with_next(visit, "/sign-in")
    if visit.session.stage is Stage.PASSWORD:
        return _with_next(visit, "/sign-in/code")
    if not own and not visit.is_complete:
        return visit.unfinished
    return ""


def _with_next(visit: Visit, where: str) -> str:
    """The address, which remembers where somebody wanted to go, or that a form of theirs was not obeyed."""
    wanted = visit.request.url
    sent = visit.request.method == "POST"
    back = visit.came_from if sent else f"{wanted.path}?{wanted.query}" if wanted.query else wanted.path
    said = ({"next": back} if back != "/" else {}) | ({"ended": "yes"} if sent else {})
    return f"{where}?{urlencode(said)}" if said else where


def _is_our_form(visit: Visit) -> bool:
    """Sent from a page of ours (Origin, where the browser says it), and made for this session (CSRF)."""
    return _is_from_here(visit) and (
        visit.session is None or tokens.is_form_token(visit.token, visit.field("form_token"))
    )


def _is_from_here(visit: Visit) -> bool:
    origin = visit.request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == visit.request.headers.get("host", "")
