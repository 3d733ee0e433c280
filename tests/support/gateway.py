"""A whole gateway in the test's own event loop: real sockets, a real database, next hop and smarthost that are scripted."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.desk import Desk, open_desk
from gateway.settings import Settings, load
from gateway.store.consistency import check_consistency
from gateway.supervisor import Role, Service
from tests.support.dialogue import Dialogue
from tests.support.nameserver import standing_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.model.case import CaseFile
    from gateway.model.outbox import OutboxItem
    from tests.support.mta import ScriptedMTA

PACK = """
[[entry]]
kind = "subtree"
value = "mission.example"
mission = { en = "Embassy of Example", fr = "Ambassade d'Exemple" }
class = "mission"

[[entry]]
kind = "address"
value = "post.abroad@webmail.example"
decline = "never"

[[entry]]
kind = "subtree"
value = "flagged.example"
delivery = "flag"
"""


@dataclass(repr=False)
class Running:
    """A running gateway and what stands around it."""

    settings: Settings
    desk: Desk
    service: Service
    port: int
    next_hop: ScriptedMTA
    smarthost: ScriptedMTA
    metrics: int
    """The port that monitoring asks."""
    console: int
    """The port of the pages; 0 without them."""
    dialogues: list[Dialogue] = field(default_factory=list)

    async def client(self, *, hello: str | None = "client.example") -> Dialogue:
        """A connection that is closed when the test ends."""
        dialogue = await Dialogue.open(self.port, hello=hello)
        self.dialogues.append(dialogue)
        return dialogue

    async def send(self, reverse_path: str, recipients: list[str], content: bytes, expect: str = "250 2.0.0") -> str:
        """One message in a session of its own."""
        dialogue = await self.client()
        reply = await dialogue.mail(reverse_path, recipients, content, expect=expect)
        await dialogue.say("QUIT", "221")
        return reply

    async def cases(self) -> list[CaseFile]:
        return await self.desk.casework.files()

    async def items(self) -> list[OutboxItem]:
        async with self.desk.store.reading() as work:
            return await work.outbox.list()


def write_configuration(
    directory: Path,
    *,
    next_hop: int,
    smarthost: int | None,
    url: str,
    mode: str = "auto",
    more: str = "",
    smtp: str = "",
    collation: str = "",
    name_server: int | None = None,
    console: str = 'listen = ""',
) -> Path:
    """A configuration file for a gateway on loopback; `smtp`, `collation`, `console` are keys of those tables."""
    (directory / "pack.toml").write_text(PACK, encoding="utf-8")
    path = directory / "gateway.toml"
    outbound = f'[outbound]\nsmarthost = "127.0.0.1:{smarthost}"\nretry = [1]\n' if smarthost else ""
    path.write_text(
        f"""
mode = "{mode}"
[smtp]
hostname = "mx.police.example"
listen = ["127.0.0.1:0"]
{smtp}
[[route]]
domains = ["police.example", "other.police.example"]
next_hop = ["127.0.0.1:{next_hop}"]
timeout = 5
{outbound}
[collation]
address = "collation@ildc.example"
from = "liaison@police.example"
{collation}
[senders]
packs = ["pack.toml"]
[emergency]
recipients = ["dispatch@police.example"]
[store]
url = "{url}"
[dns]
nameservers = ["127.0.0.1:{name_server or standing_port()}"]
[metrics]
listen = "127.0.0.1:0"
[console]
{console}
{more}
""",
        encoding="utf-8",
    )
    return path


@asynccontextmanager
async def running_gateway(
    path: Path, clock: Clock, next_hop: ScriptedMTA, smarthost: ScriptedMTA, *, role: Role = Role.ALL
) -> AsyncIterator[Running]:
    """Started as `serve` starts it, stopped as SIGTERM stops it, and the store is consistent at the end."""
    settings = load(path, {})
    async with open_desk(settings, clock) as desk:
        await _write_no_digest(desk, clock)
        service = Service(settings, desk.foundation, role)
        await service.start()
        ready = service.where()
        try:
            smtp, metrics, console = (port_of(ready, part) for part in ("smtp", "metrics", "console"))
            running = Running(settings, desk, service, smtp, next_hop, smarthost, metrics, console)
            yield running
            for dialogue in running.dialogues:
                await dialogue.close()
        finally:
            await service.stop()
        assert await check_consistency(desk.store) == []


def port_of(ready: str, part: str) -> int:
    """Where a part listens, by the ready line; 0 if it does not."""
    found = dict(word.partition("=")[::2] for word in ready.split()).get(part, "")
    return int(found.rpartition(":")[2] or 0)


async def _write_no_digest(desk: Desk, clock: Clock) -> None:
    """The day's digest counts as written, and that of the day after: what leaves must not depend on the hour."""
    async with desk.store.begin() as work:
        for days in range(2):
            await work.digests.take_day((clock.now() + timedelta(days=days)).date())
