"""How long the console's pages take over HTTP, with as many cases as an agency has after years.

    .venv/bin/python -m bench.pages                         # 100,000 cases, on SQLite and on PostgreSQL
    .venv/bin/python -m bench.pages --cases 10000 --sqlite

`liaison serve --role console` runs as a process of its own; an administrator who has signed in asks for each page
eleven times. What is told, in milliseconds, is the median and the longest, then the octets of the page.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.listing import databases, fill, wishes
from gateway.clock import SystemClock
from gateway.desk import open_desk
from gateway.model.people import Role
from gateway.settings import load
from tests.support.gateway import port_of
from tests.support.served import ended, spawn
from tests.support.visitors import Visitor, account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMES = 11
CONFIGURATION = """\
mode = "auto"
[agency]
name_en = "the Example Police Service"
name_fr = "le Service de police d'Exemple"
contact_email = "liaison@police.example"
[smtp]
hostname = "mx.police.example"
listen = ["127.0.0.1:0"]
[[route]]
domains = ["police.example"]
next_hop = ["127.0.0.1:9"]
[store]
url = "{url}"
[console]
listen = "127.0.0.1:0"
second_factor = "optional"
[metrics]
listen = "127.0.0.1:0"
"""
PAGES = {
    "first screen": "/",
    "list": "/cases",
    "list, held, oldest first": "/cases?status=open&delivery=held&sort=oldest",
    "list, by mission": "/cases?sort=mission",
    "list, page 1000": "/cases?page=1000",
    "search, one sender": "/cases?q=office7@mission7.example",
    "search, two common words": "/cases?q=meeting+visit",
    "search, in everything": "/cases?q=police",
    "case": "/cases/{reference}",
    "sender lists": "/senders",
    "outbox": "/outbox",
    "statistics, 12 months": "/statistics",
    "statistics, 60 months": "/statistics?months=60",
    "audit": "/audit",
    "status": "/status",
}


async def _run(url: str, number: int, share: float) -> None:
    await fill(url, number, share)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "gateway.toml"
        path.write_text(CONFIGURATION.format(url=url))
        async with open_desk(load(path, {}), SystemClock()) as desk:
            await account(desk, "anna", [Role.ADMINISTRATOR])
        async with _serving(path) as port, Visitor(port, "anna") as anna:
            await anna.sign_in()
            await anna.get("/cases")
            reference = re.findall(r"LG-\w{5}-\w{5}", anna.page)[0]
            for name, page in PAGES.items():
                await _tell(anna, name, page.format(reference=reference))


@asynccontextmanager
async def _serving(path: Path) -> AsyncIterator[int]:
    """The port of the console of a process that runs."""
    process = await spawn(path, path.with_suffix(".log"), None, "--role", "console")
    try:
        ready = await process.stdout.readline() if process.stdout else b""
        yield port_of(ready.decode(), "console")
    finally:
        await ended(process)


async def _tell(anna: Visitor, name: str, page: str) -> None:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await anna.get(page)
        took.append((time.perf_counter() - began) * 1000)
        if anna.status != 200:
            raise SystemExit(f"{page} was answered {anna.status}")
    print(f"  {name:40} {statistics.median(took):7.1f} {max(took):7.1f} {len(anna.page.encode()):9}")


def main() -> None:
    """Measure what the arguments ask for."""
    arguments = wishes(__doc__ or "")
    with databases(arguments) as found:
        for name, url in found:
            print(f"{name}: {'median':>35} {'longest':>7} {'octets':>9}")
            asyncio.run(_run(url, arguments.cases, arguments.open))


if __name__ == "__main__":
    main()
