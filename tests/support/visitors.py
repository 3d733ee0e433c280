"""Somebody at the console without a browser: pages over real HTTP, forms with the token of the page that they stand on."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from gateway.desk import Desk
    from gateway.model.people import Role

PASSWORD = "correct horse battery staple"


class Visitor:
    """One browser's worth of cookies. `page` is the text of the last page, `status` its code, `address` its path."""

    def __init__(self, port: int, name: str = "", language: str = "en") -> None:
        self.name = name
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            follow_redirects=True,
            headers={"accept-language": language},
            timeout=30,
        )
        self.page, self.status, self.address = "", 0, "/"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def get(self, path: str) -> str:
        return self._seen(await self.client.get(path))

    async def post(
        self, path: str, fields: Mapping[str, str | list[str]] | None = None, **more: str | list[str]
    ) -> str:
        """Send a form that stands on the last page."""
        data = {"form_token": self.form_token, **(fields or {}), **more}
        referer = f"{self.client.base_url}{self.address}".replace("//", "/").replace(":/", "://")
        return self._seen(await self.client.post(path, data=data, headers={"referer": referer}))

    async def sign_in(self, password: str = PASSWORD) -> str:
        await self.get("/sign-in")
        return await self.post("/sign-in", name=self.name, password=password, next="")

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]*)"', self.page)
        return found[1] if found else ""

    @property
    def told(self) -> str:
        """What the page says at its top about what was done or refused; "" if nothing."""
        found = re.search(r'<p class="told (?:done|refused)"[^>]*>(.*?)</p>', self.page, re.DOTALL)
        return words(found[1]) if found else ""

    @property
    def heading(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.page, re.DOTALL)
        return words(found[1]) if found else ""

    @property
    def text(self) -> str:
        """Everything that the page says."""
        return words(self.page)

    def _seen(self, answer: httpx.Response) -> str:
        self.page, self.status = answer.text, answer.status_code
        self.address = answer.url.raw_path.decode()
        return self.page


def words(html: str) -> str:
    """Without the tags, white space being one space."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


async def account(desk: Desk, name: str, roles: Iterable[Role], language: str = "en") -> None:
    """An account whose password is `PASSWORD`, and needs not be changed."""
    await desk.peoplekeeping.add(
        name, name.title(), list(roles), PASSWORD, actor="test", language=language, must_change_password=False
    )
