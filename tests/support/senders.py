"""Senders that never give up: what is not answered 2yz is sent again, until all of it is.

They do what sending servers do (RFC 5321 §4.5.4): one connection for several messages, pipelined or not, recipients
in one mail transaction or in several. An attempt that failed may come again through another relay of theirs, which
puts a Received field on top.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.dialogue import Dialogue

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.support.postings import Posting

_BROKEN = (OSError, asyncio.IncompleteReadError)


@dataclass(slots=True)
class Record:
    """One posting, and what its sender was answered. `due` are the recipients for whom nobody took it yet."""

    posting: Posting
    due: list[str]
    trace: bytes = b""
    """What the sender's relays have put on top until now."""
    traces: set[bytes] = field(default_factory=set)
    """What stood on top in any attempt whose content was sent."""
    answers: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Answers 5yz: none is deserved."""

    @property
    def taken(self) -> bool:
        """Answered 250 for everybody."""
        return not self.due and not self.refusals

    def hear(self, reply: str) -> bool:
        """Note a reply; whether it is positive."""
        self.answers.append(reply)
        if reply.startswith("5"):
            self.refusals.append(reply)
        return reply.startswith("2")

    def may_be(self, content: bytes) -> bool:
        """Whether this is the content of one of the attempts, octet for octet."""
        return content.removesuffix(self.posting.content) in self.traces and content.endswith(self.posting.content)


class Senders:
    """Sends to `where()`, a port, or ConnectionError while there is none. The dice are seeded by the test."""

    def __init__(self, dice: random.Random, where: Callable[[], int], *, patience: float = 30.0) -> None:
        """`patience`: seconds that an answer is waited for."""
        self.records: list[Record] = []
        self.enough = asyncio.Event()
        """Set: nothing new is begun; what was begun is sent to the end."""
        self.detours = 0.4
        """The share of failed attempts that come again through another relay."""
        self._dice = dice
        self._where = where
        self._patience = patience
        self._relayed = 0

    async def send(self, postings: Iterator[Posting], *, at_once: int = 6, pause: float = 0.0) -> None:
        """All of them, or those until `enough`; returns when everything that was begun is taken.

        `pause`: seconds that each of those senders rests between two messages, about.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._work(postings, pause))

    async def _work(self, postings: Iterator[Posting], pause: float) -> None:
        line: Dialogue | None = None
        while not self.enough.is_set() and (posting := next(postings, None)) is not None:
            record = Record(posting, list(posting.recipients))
            self.records.append(record)
            while record.due and not record.refusals:
                line = await self._attempt(record, line)
            await asyncio.sleep(self._dice.uniform(0, 2 * pause))
        if line is not None:
            await line.close()

    async def _attempt(self, record: Record, line: Dialogue | None) -> Dialogue | None:
        """One mail transaction; the connection, if it may be used again."""
        due = len(record.due)
        try:
            if line is None:
                line = await Dialogue.open(self._where(), hello=None)
                await line.hear("220", within=self._patience)
                await line.say("EHLO sender.example", "250")
            await self._transact(line, record)
        except _BROKEN as error:
            record.answers.append(f"no answer: {type(error).__name__}")
        except AssertionError as error:  # the greeting was another one, such as 421
            record.answers.append(f"not greeted: {error}")
        else:
            if len(record.due) < due and self._dice.random() < 0.9:
                return line
        if line is not None:
            await line.close()
        if len(record.due) == due:
            await asyncio.sleep(self._dice.uniform(0.02, 0.3))
            self._go_round(record)
        return None

    def _go_round(self, record: Record) -> None:
        """Sometimes the next attempt comes through another relay of the sender's."""
        if self._dice.random() < self.detours:
            self._relayed += 1
            field = f"Received: from a.example by b{self._relayed}.example with ESMTP id R{self._relayed};\r\n"
            record.trace = f"{field}\tTue, 24 Nov 2026 10:00:01 +0000\r\n".encode() + record.trace

    async def _transact(self, line: Dialogue, record: Record) -> None:
        recipients = self._some_of(record)
        commands = [
            f"MAIL FROM:<{record.posting.reverse_path}>",
            *(f"RCPT TO:<{recipient}>" for recipient in recipients),
        ]
        pipelined = self._dice.random() < 0.5
        if pipelined:
            line.send("".join(f"{command}\r\n" for command in [*commands, "DATA"]).encode())
            replies = [await self._hear(line) for _ in commands]
        else:
            replies = [await self._say(line, command) for command in commands]
        positive = [record.hear(reply) for reply in replies]
        accepted = [one for one, taken in zip(recipients, positive[1:], strict=True) if taken and positive[0]]
        if await self._data(line, record, pipelined=pipelined, recipients=accepted):
            record.due = [recipient for recipient in record.due if recipient not in accepted]

    async def _data(self, line: Dialogue, record: Record, *, pipelined: bool, recipients: list[str]) -> bool:
        """Whether the content was taken. Without a recipient DATA deserves its refusal (RFC 5321 §3.3)."""
        if not (pipelined or recipients):
            await self._say(line, "RSET")
            return False
        reply = await self._hear(line) if pipelined else await self._say(line, "DATA")
        if not reply.startswith("3"):
            if recipients:
                record.hear(reply)
            return False
        record.traces.add(record.trace)
        content = record.trace + record.posting.content if recipients else b""
        line.send((b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        reply = await self._hear(line)
        return record.hear(reply) if recipients else False

    def _some_of(self, record: Record) -> list[str]:
        """Sometimes recipients are split over mail transactions, but never an emergency: its first verdict stands."""
        if record.posting.kind == "emergency" or self._dice.random() < 0.85:
            return list(record.due)
        return record.due[: self._dice.randint(1, len(record.due))]

    async def _say(self, line: Dialogue, command: str) -> str:
        line.send(f"{command}\r\n".encode())
        return await self._hear(line)

    async def _hear(self, line: Dialogue) -> str:
        return await line.hear(within=self._patience)
