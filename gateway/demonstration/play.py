"""Plays the messages of the demo through SMTP, and sees what became of each.

Every outcome is seen from outside: what the client was answered, what the two mailboxes hold, what a person at the
desk can read. `gateway.demonstration.judging` compares it with what was expected. Every wait has an end.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from filters.content import parse_header
from gateway.demonstration.letters import Attached, attachments, entity
from gateway.demonstration.stage import COLLATION
from gateway.demonstration.stories import INFORMATION_REQUEST, Passage
from gateway.errors import RefusedError
from gateway.model.outbox import OutboxState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiosmtplib import SMTPResponse

    from gateway.demonstration.mailbox import Letter
    from gateway.demonstration.stage import Stage
    from gateway.demonstration.stories import Story
    from gateway.model.case import CaseFile
    from gateway.model.dossier import Dossier

ACTOR = "liaison demo"
_ANSWER_WITHIN = 5.0
_SETTLED_WITHIN = 8.0
_LOOK_EVERY = 0.05
"""Seconds."""

_PASSAGES = {
    ("received",): Passage.UNTOUCHED,
    ("received", "x-liaison-flag", "authentication-results"): Passage.FLAGGED,
}
_UNFINISHED = frozenset({OutboxState.WAITING, OutboxState.SENDING})


@dataclass(frozen=True, slots=True)
class Report:
    """A report that has arrived, and the original that it carries."""

    letter: Letter
    original: Attached | None

    def is_intact(self, content: bytes) -> bool:
        """Whether the attached original is what was received, octet for octet."""
        return self.original is not None and _sha256(self.original.octets) == _sha256(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one message: `passages` by recipient, `told` who got a notice, `dossiers` its cases."""

    story: Story
    reply: str
    dossiers: tuple[Dossier, ...]
    passages: dict[str, Passage]
    told: tuple[str, ...]
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of asking for the decline of one case, when everything had left."""

    outcome: Outcome
    refusal: str
    """Why the decline was refused, "" if it was not."""
    state: str
    """Of the case's decline."""
    declines: tuple[Letter, ...]
    letters: int
    """How many mails lay in the outbound mailbox in all."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One whole run. `seconds` from the first message to the last mail."""

    outcomes: tuple[Outcome, ...]
    answered: Answered
    seconds: float


async def play(stage: Stage, stories: Sequence[Story], sent: Callable[[Story, str], None]) -> Performance:
    """Send the messages one after the other, telling `sent` each reply; look; decline one case; look again."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    replies: list[str] = []
    for story in stories:
        replies.append(await _send(stage.smtp, story))
        sent(story, replies[-1])
    await _settled(stage)
    files = await stage.desk.casework.files()
    outcomes = [await _see(stage, files, story, reply) for story, reply in zip(stories, replies, strict=True)]
    answered = await _decline(stage, next(one for one in outcomes if one.story is INFORMATION_REQUEST))
    return Performance(tuple(outcomes), answered, loop.time() - started)


async def _send(smtp: str, story: Story) -> str:
    """One mail transaction in a session of its own; the server's last reply, or the trouble in words."""
    host, _, port = smtp.rpartition(":")
    client = SMTP(
        hostname=host, port=int(port), local_hostname="client.example", timeout=_ANSWER_WITHIN, start_tls=False
    )
    try:
        async with client:
            await client.mail(story.reverse_path, options=[] if story.content.isascii() else ["BODY=8BITMIME"])
            for recipient in story.recipients:
                await client.rcpt(recipient)
            return _words(await client.data(story.content))
    except SMTPResponseException as error:
        return f"{error.code} {error.message}"
    except (SMTPException, OSError) as error:
        return f"no answer: {str(error) or type(error).__name__}"


def _words(response: SMTPResponse) -> str:
    return f"{response.code} {response.message}"


async def _settled(stage: Stage) -> None:
    """Until nothing in the outbox is on its way; what still is after the time allowed is seen as it is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _SETTLED_WITHIN
    while loop.time() < end:
        async with stage.desk.store.reading() as work:
            items = await work.outbox.list()
        if not any(item.state in _UNFINISHED for item in items):
            return
        await asyncio.sleep(_LOOK_EVERY)


async def _see(stage: Stage, files: Sequence[CaseFile], story: Story, reply: str) -> Outcome:
    digest = _sha256(story.content)
    references = [file.case.reference for file in files if file.case.sha256 == digest]
    index = stage.desk.rulebooks.current.index
    return Outcome(
        story=story,
        reply=reply,
        dossiers=tuple([await stage.desk.casework.show(reference, index) for reference in references]),
        passages={recipient: _passage(stage, story, recipient) for recipient in story.recipients},
        told=tuple(_told(stage, references)),
        reports=tuple(_reports(stage, references)),
    )


def _passage(stage: Stage, story: Story, recipient: str) -> Passage:
    """How it arrived at the next hop: by the fields that stand before the octets that were sent."""
    message_id = entity(story.content).shown("Message-ID")
    arrived = [letter.content for letter in stage.next_hop.letters if recipient in letter.recipients]
    copies = [copy for copy in arrived if entity(copy).shown("Message-ID") == message_id]
    if not copies:
        return Passage.HELD
    before = [_fields_before(story.content, copy) for copy in copies]
    return _PASSAGES.get(before[0], Passage.ALTERED) if len(before) == 1 else Passage.ALTERED


def _fields_before(content: bytes, copy: bytes) -> tuple[str, ...]:
    """The names of the fields that were put before the content; none at all if the content itself has changed."""
    if not copy.endswith(content):
        return ()
    section = copy.removesuffix(content)
    return tuple(field.name for field in parse_header(section).fields)


def _told(stage: Stage, references: Sequence[str]) -> list[str]:
    """Who got a notice about these cases: its subject ends with the reference."""
    return [
        recipient
        for letter in stage.next_hop.letters
        if _concerns(letter, references) and letter.reverse_path == ""
        for recipient in letter.recipients
    ]


def _reports(stage: Stage, references: Sequence[str]) -> list[Report]:
    letters = [letter for letter in stage.outbound.letters if letter.recipients == (COLLATION,)]
    return [Report(letter, _original(letter)) for letter in letters if _concerns(letter, references)]


def _concerns(letter: Letter, references: Sequence[str]) -> bool:
    subject = entity(letter.content).shown("Subject")
    return any(subject.endswith(f"[{reference}]") for reference in references)


def _original(letter: Letter) -> Attached | None:
    named = (one for one in attachments(entity(letter.content)) if one.filename.endswith(".eml"))
    return next(named, None)


async def _decline(stage: Stage, outcome: Outcome) -> Answered:
    """The same operation as `liaison cases decline`, for one case; then wait until the decline has left."""
    references = [dossier.file.case.reference for dossier in outcome.dossiers]
    refusal = await _ask_for_decline(stage, references[0]) if references else "there is no case to decline"
    await _settled(stage)
    files = [file for file in await stage.desk.casework.files() if file.case.reference in references]
    return Answered(
        outcome=outcome,
        refusal=refusal,
        state=" ".join(file.case.decline for file in files),
        declines=tuple(letter for letter in stage.outbound.letters if letter.recipients != (COLLATION,)),
        letters=len(stage.outbound.letters),
    )


async def _ask_for_decline(stage: Stage, reference: str) -> str:
    try:
        await stage.desk.casework.decline(reference, stage.desk.rulebooks.current.index, actor=ACTOR)
    except RefusedError as error:
        return str(error)
    return ""


def _sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
