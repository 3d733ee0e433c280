"""The messages of the demo, and what must become of each: the one place where its expectations stand.

The messages are files under templates/demo. Their people are invented and live in `.example` domains (RFC 6761
§6.5); only the listed missions' published domains are real, with local parts that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from filters.disposition import Tier
from gateway.model.case import ActionState
from gateway.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable

FRONT_DESK = "front.desk@police.example"
COMMUNITY = "community@police.example"
ANALYSIS = "crime.analysis@police.example"
DISPATCH = "dispatch@police.example"
"""The emergency recipient of the demo's configuration."""


class Passage(StrEnum):
    """How a message reached a recipient, or didn't."""

    UNTOUCHED = "delivered untouched"
    """Byte for byte, behind one Received field."""
    FLAGGED = "delivered with a flag"
    """Byte for byte, behind Received, X-Liaison-Flag and Authentication-Results."""
    HELD = "held"
    ALTERED = "delivered, but not as it came"
    """Never expected."""


MAIL_SERVER = "9.9.9.9"
"""A public address, for the gate wants one. Nothing connects to it: what leaves goes to the outbound mailbox."""
ZONE = {
    ("mps.gov.cn", "MX"): ["10 mail.mps.gov.cn."],
    ("mail.mps.gov.cn", "A"): [MAIL_SERVER],
    ("gjhz.mps.gov.cn", "MX"): ["10 mail.mps.gov.cn."],
    ("gjhz.mps.gov.cn", "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
    ("bureau.mps.gov.cn", "MX"): ["10 mail.mps.gov.cn."],
    ("bureau.mps.gov.cn", "TXT"): ['"v=spf1 mx -all"'],
}
"""What the demo's own name server knows. No question leaves the machine."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is expected for one recipient."""

    recipient: str
    tier: Tier
    passage: Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One message: `file` names it under templates/demo, `reverse_path` "" is the null path.

    `decline` and `report` are the states expected of its case before anybody has decided anything. `why` says it
    where no new finding does; for flagged mail the findings speak for themselves.
    """

    title: str
    file: str
    reverse_path: str
    fates: tuple[Fate, ...]
    decline: ActionState = ActionState.NONE
    report: ActionState = ActionState.NONE
    declinable: bool = True
    """Whether a person could send a decline (the hard gate)."""
    why: str = ""
    repeats: bool = False
    """The same octets in the same envelope as an earlier story: a sender's retry."""

    @property
    def content(self) -> bytes:
        """The message as the client sends it, with CRLF line ends."""
        text = (shipped("templates") / "demo" / f"{self.file}.eml").read_bytes()
        return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The forward-paths, in order."""
        return tuple(fate.recipient for fate in self.fates)

    @property
    def is_clear(self) -> bool:
        """Whether no case is expected."""
        return all(fate.tier is Tier.CLEAR for fate in self.fates)

    @property
    def held_for(self) -> tuple[str, ...]:
        """The recipients who don't get it, and are told so."""
        return tuple(fate.recipient for fate in self.fates if fate.passage is Passage.HELD)


def _clear(recipient: str) -> tuple[Fate, ...]:
    return (Fate(recipient, Tier.CLEAR, Passage.UNTOUCHED),)


def _held(*recipients: str) -> tuple[Fate, ...]:
    return tuple(Fate(recipient, Tier.UNVERIFIED, Passage.HELD) for recipient in recipients)


_EMERGENCY = Fate(DISPATCH, Tier.EMERGENCY, Passage.FLAGGED)

INFORMATION_REQUEST = Story(
    title="A ministry asks where a person lives",
    file="information-request",
    reverse_path="liaison.office@mps.gov.cn",
    fates=_held(ANALYSIS),
    decline=ActionState.REVIEW,
    report=ActionState.SENT,
)
"""The case that the demo declines."""

_CLEAR_STORIES = (
    Story(
        title="A resident has found a bicycle",
        file="ordinary",
        reverse_path="resident@mail.example",
        fates=_clear(FRONT_DESK),
        why="Its sender is not on the lists.",
    ),
    Story(
        title="HTML with a picture attached",
        file="flyer",
        reverse_path="events@community.example",
        fates=_clear(COMMUNITY),
        why="Not on the lists; bodies are never read.",
    ),
    Story(
        title="A post to a mailing list",
        file="mailing-list",
        reverse_path="crime-analysts-bounces@lists.example",
        fates=_clear(ANALYSIS),
        why="Neither author nor list is on the lists.",
    ),
    Story(
        title="A bounce (null reverse-path)",
        file="bounce",
        reverse_path="",
        fates=_clear(FRONT_DESK),
        why="Not on the lists; bounces must arrive, too.",
    ),
    Story(
        title="A city invites to a meeting",
        file="calendar",
        reverse_path="emergency.planning@city.example",
        fates=_clear(COMMUNITY),
        why="An invitation is no reason by itself.",
    ),
    Story(
        title="A resident writes in Chinese",
        file="chinese",
        reverse_path="chen@mail.example",
        fates=_clear(FRONT_DESK),
        why="Language, script and names never count.",
    ),
    Story(
        title="A resident passes on a consulate letter",
        file="passed-on",
        reverse_path="neighbour@mail.example",
        fates=_clear(FRONT_DESK),
        why="The sender is the resident: text is not read.",
    ),
    Story(
        title="A look-alike: mps.gov.cn.letters.example",
        file="look-alike",
        reverse_path="cooperation@mps.gov.cn.letters.example",
        fates=_clear(ANALYSIS),
        why="Another domain; how it begins doesn't count.",
    ),
)

PROVEN = Story(
    title="A ministry announces a visit, with proof",
    file="proven",
    reverse_path="exchange@gjhz.mps.gov.cn",
    fates=(Fate(ANALYSIS, Tier.CONFIRMED, Passage.HELD),),
    decline=ActionState.SENT,
    report=ActionState.SENT,
)
"""Its SPF record names the demo as its server: the gateway declines by itself."""

_FLAGGED_STORIES = (
    INFORMATION_REQUEST,
    PROVEN,
    Story(
        title="Somebody forges the ministry",
        file="forged",
        reverse_path="director@bureau.mps.gov.cn",
        fates=(Fate(ANALYSIS, Tier.SPOOFED, Passage.HELD),),
        report=ActionState.REVIEW,
        declinable=False,
    ),
    Story(
        title="Looks like the ministry: rnps.gov.cn",
        file="confusable",
        reverse_path="liaison.office@rnps.gov.cn",
        fates=(Fate(ANALYSIS, Tier.SUSPECT, Passage.FLAGGED),),
        decline=ActionState.REVIEW,
        report=ActionState.REVIEW,
        declinable=False,
    ),
    Story(
        title="A consular notice: lost passport",
        file="consular-notice",
        reverse_path="consular.section@csm.mfa.gov.cn",
        fates=_held(FRONT_DESK),
        decline=ActionState.REVIEW,
        report=ActionState.SENT,
    ),
    Story(
        title="A consulate invites to a reception",
        file="reception",
        reverse_path="protocol@toronto.china-consulate.gov.cn",
        fates=_held(COMMUNITY, ANALYSIS),
        decline=ActionState.REVIEW,
        report=ActionState.SENT,
    ),
    Story(
        title="Webmail, answers go to a ministry",
        file="webmail",
        reverse_path="exchange.programme@webmail.example",
        fates=(Fate(COMMUNITY, Tier.RELATED, Passage.FLAGGED),),
        decline=ActionState.REVIEW,
        report=ActionState.REVIEW,
        declinable=False,
    ),
    Story(
        title="A mission's automatic answer",
        file="automatic-answer",
        reverse_path="",
        fates=_held(ANALYSIS),
        decline=ActionState.REVIEW,
        report=ActionState.SENT,
        declinable=False,
    ),
    Story(
        title="An embassy calls an ambulance",
        file="emergency",
        reverse_path="duty.officer@china-embassy.gov.cn",
        fates=(_EMERGENCY,),
        report=ActionState.REVIEW,
        declinable=False,
    ),
    Story(
        title="The same embassy, to front desk as well",
        file="mixed",
        reverse_path="duty.officer@china-embassy.gov.cn",
        fates=(_EMERGENCY, *_held(FRONT_DESK)),
        decline=ActionState.REVIEW,
        report=ActionState.SENT,
    ),
    Story(
        title="The ministry's server sends again",
        file="information-request",
        reverse_path="liaison.office@mps.gov.cn",
        fates=_held(ANALYSIS),
        decline=ActionState.REVIEW,
        report=ActionState.SENT,
        why="Same sender, same octets: its case is found again.",
        repeats=True,
    ),
)

STORIES: tuple[Story, ...] = (*_CLEAR_STORIES, *_FLAGGED_STORIES)


def cases_expected(stories: Iterable[Story]) -> int:
    """How many cases these stories make: clear mail none, a retry no second one."""
    return sum(not story.is_clear and not story.repeats for story in stories)
