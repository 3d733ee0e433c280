"""A visit: one request, who makes it, in which language, and the answers that it can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match

from gateway import tokens
from gateway.console.navigation import ROOMS
from gateway.console.numbers import whole_number
from gateway.console.templating import environment
from gateway.errors import RefusedError
from gateway.model.people import Stage

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.console.languages import Words
    from gateway.console.office import Office
    from gateway.model.people import Person, Session, Verb

SESSION = "liaison_session"
LANGUAGE = "liaison_language"
KEYS = "liaison_keys"
KEYS_OFF = "off"
_PROSE = ("text", "reason", "addition", "answered", "asked", "who", "role", "mission", "approached", "note")
"""Fields in which people write."""
YEAR = 365 * 86_400
"""Seconds that a browser remembers a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request. `session` is None where nobody has signed in; `token` is the browser's, "" without one."""

    request: Request
    office: Office
    words: Words
    session: Session | None
    token: str
    form: FormData

    @property
    def person(self) -> Person:
        """Who is signed in; ValueError on a page that needs nobody."""
        if self.session is None:
            raise ValueError("nobody is signed in")
        return self.session.person

    @property
    def actor(self) -> str:
        """As the audit log names who acts."""
        return self.person.actor

    @property
    def is_complete(self) -> bool:
        """Signed in, with nothing left to set first."""
        return self.session is not None and self.session.is_signed_in and not self.unfinished

    @property
    def unfinished(self) -> str:
        """The page on which this person has something to set before anything else, or ""."""
        if self.session is not None and self.session.stage is Stage.AT_PROVIDER:
            return ""
        if self.person.must_change_password:
            return "/account/password"
        if self.office.second_factor_required and not self.person.second_factor:
            return "/account/second-factor"
        return ""

    @property
    def form_token(self) -> str:
        """What every form carries."""
        return tokens.form_token(self.token) if self.token else ""

    @property
    def keys_are_on(self) -> bool:
        """Whether single keys lead to verbs in this browser: who speaks to it has to be able to turn that off."""
        return self.request.cookies.get(KEYS) != KEYS_OFF  # WCAG 2.1, 2.1.4

    @property
    def is_secure(self) -> bool:
        """Whether the browser came by TLS, here or at a proxy before us."""
        return self.request.url.scheme == "https" or self.office.public_url.startswith("https:")

    @property
    def client(self) -> str:
        """The address of the browser, or of the proxy before us."""
        return self.request.client.host if self.request.client is not None else ""

    def may(self, verb: Verb) -> bool:
        """Whether who is signed in may do that."""
        return self.session is not None and self.person.may(verb)

    def field(self, name: str, most: int = 10_000) -> str:
        """A text of the form, without what only breaks it: NUL, and spaces at its ends."""
        return self.typed(name)[:most].replace("\0", "").strip()

    def whole(self, name: str, most: int) -> str:
        """A text that is kept: RefusedError where it is too long, for nobody's words are cut off."""
        said = self.typed(name).replace("\0", "").replace("\r\n", "\n").strip()
        if len(said) > most:
            raise RefusedError("{number} characters are too many here: at most {most} fit", number=len(said), most=most)
        return said

    def typed(self, name: str) -> str:
        """A text of the form as it was typed: spaces at the ends of a password may belong to it."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def fields(self, name: str) -> list[str]:
        """Every value of a field that may come more than once."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    @property
    def written(self) -> tuple[str, ...]:
        """What a person wrote into the form in words: never a password or a code."""
        return tuple(text for name in _PROSE if (text := self.typed(name).strip()))

    @property
    def expected(self) -> int | None:
        """The last audit row that the page of this form knew, for verbs that must not undo what came after it."""
        return whole_number(self.field("expected", 20))

    def query(self, name: str) -> str:
        """A value of the query, "" without it."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    async def show(self, template: str, page: object, *, status: int = 200) -> Response:
        """A page; `page` is its context. What the session was to be told is told here, once."""
        told = self.session.told if self.session is not None else ()
        html = (
            environment(self.words)
            .get_template(template)
            .render(
                page=page,
                visit=self,
                words=self.words,
                told=list(zip(told[::2], told[1::2], strict=True)),
                rooms=[room for room in ROOMS if self.may(room.verb)] if self.is_complete else [],
            )
        )
        if told and self.session is not None:
            await self.office.signing_in.tell(self.session, ())
        return HTMLResponse(html, status)

    async def go(self, where: str, *, done: str = "", refused: str = "") -> Response:
        """To another page, which says at its top what was done, or why it was not."""
        if self.session is not None and (done or refused):
            told = ("refused", refused) if refused else ("done", done)  # a sentence, which the next page translates
            await self.office.signing_in.tell(self.session, told)
        return RedirectResponse(where, 303)

    @property
    def came_from(self) -> str:
        """The page of ours whose form this is."""
        address = urlsplit(self.request.headers.get("referer", ""))
        if address.netloc != self.request.headers.get("host", "") or not address.path.startswith("/"):
            return "/"
        path = "/" + address.path.lstrip("/")
        nearest = self._nearest_page(path)
        return f"{path}?{address.query}" if address.query and nearest == path else nearest

    def _nearest_page(self, path: str) -> str:
        """The address itself, or what it is below of: a form may stand on the answer to another form."""
        while path != "/":
            scope = {"type": "http", "method": "GET", "path": path, "headers": []}
            if any(route.matches(scope)[0] is Match.FULL for route in self.request.app.routes):
                return path
            path = path.rpartition("/")[0] or "/"
        return path
