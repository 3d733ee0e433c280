"""The words and tables of the demo, for a person at a terminal or reading a build log.

Shows values and decides nothing. In a pipe everything is plain text, 100 columns wide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from filters.disposition import Tier
from gateway.demonstration.judging import outcome_differences
from gateway.demonstration.letters import attachments, entity, text
from gateway.demonstration.stage import COLLATION, SIGNS_IN
from gateway.demonstration.stories import DISPATCH, FRONT_DESK, INFORMATION_REQUEST, STORIES
from gateway.model.case import ActionState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from gateway.demonstration.mailbox import Letter
    from gateway.demonstration.play import Answered, Outcome, Performance, Report
    from gateway.demonstration.stage import Stage
    from gateway.demonstration.stories import Story

PIPE_WIDTH = 100
"""Columns where there is no terminal to ask."""

_TIER_STYLES = {
    Tier.CLEAR: "green",
    Tier.EMERGENCY: "bold",
    Tier.RELATED: "yellow",
    Tier.SUSPECT: "yellow",
    Tier.UNVERIFIED: "red",
    Tier.CONFIRMED: "red",
    Tier.SPOOFED: "magenta",
}
_SHOWN_FIELDS = ("From", "To", "Subject", "In-Reply-To", "Auto-Submitted")
_LEGEND = (
    "clear: no listed mission is named as its sender. Nothing is recorded.",
    "confirmed: a listed mission, and SPF or DKIM proves it; so it is declined without asking anybody.",
    "spoofed: a listed mission is named, and its domain says that it doesn't send from there. Nobody is answered.",
    "suspect: not listed, but it looks like a domain that is. It is delivered with a flag, and a person looks.",
    "unverified: it says that a listed mission sent it, and nothing proves that; so a person decides to decline.",
    "related: a listed mission is named, but neither as author nor as sender.",
    "emergency: the recipient is served before anything else is done.",
)
_DIVIDER = re.compile(r"\n-{20,}\n")
"""Between the languages of a mail that we originate."""


class Showing:
    """Tells the demo. `program` is how the reader can call this command line, for the commands to try."""

    def __init__(self, program: str) -> None:
        self._program = program
        terminal = Console(highlight=False)
        self._console = terminal if terminal.is_terminal else Console(highlight=False, width=PIPE_WIDTH)

    def opens(self, stage: Stage) -> None:
        """What runs, and where."""
        self._title("Liaison Gateway, on this machine alone")
        self._say("The real gateway stands between two mailboxes of this demo. Nothing leaves the machine.")
        places = Table.grid(padding=(0, 2))
        for what, where in _places(stage):
            places.add_row(Text(f"  {what}", style="dim"), where)
        self._put(places)
        self._title(f"{len(STORIES)} messages through SMTP, and what their senders are answered")

    def sent(self, number: int, story: Story, reply: str) -> None:
        """One line for each message: whoever sends never learns what becomes of it."""
        self._console.print(f"  {number:2} of {len(STORIES)}  {story.title:<40} {reply}", markup=False)

    def ends(self, performance: Performance) -> None:
        """The whole outcome: the table, then the decline and the report as they look."""
        self._title("What became of each, and why")
        self._put(_table(performance.outcomes))
        for sentence in _LEGEND:
            self._say(sentence)
        self._answered(performance.answered)

    def concludes(self, performance: Performance, differences: Sequence[str]) -> None:
        """The sentence that counts."""
        self._title("In short")
        for difference in differences:
            self._put(Padding(Text(f"DIFFERENT  {difference}", style="bold red"), (0, 0, 0, 2)))
        if differences:
            self._say(f"{len(differences)} of the outcomes above are not as expected.")
            return
        flagged = sum(bool(outcome.dossiers) and not outcome.story.repeats for outcome in performance.outcomes)
        clear = sum(not outcome.dossiers for outcome in performance.outcomes)
        self._say(
            f"Everything went as expected, in {performance.seconds:.1f} seconds: {clear} messages passed untouched and "
            f"left no record, {flagged} became cases, 1 was a retry. 2 declines were sent: one by "
            "itself, to a proven sender, and one when it was asked for."
        )

    def stays(self, stage: Stage, performance: Performance) -> None:
        """What can be tried while it runs."""
        self._title("The console, with these cases in it")
        self._command(stage.console)
        self._say(f"Sign in as {SIGNS_IN} with the password {stage.password}")
        self._title("It stays up: try it from another terminal too")
        liaison = f"{self._program} --config {stage.configuration}"
        for command in _commands(performance):
            self._command(f"{liaison} {command}")
        self._say(f"Or send mail of your own to {FRONT_DESK}, by SMTP to {stage.smtp}.")
        self._say("Ctrl-C ends the demo and removes its directory.")

    def leaves(self) -> None:
        """What to try next, after `--exit`."""
        self._say("Next: the same without --exit stays up for a look.")
        self._command(f"{self._program} demo")
        self._say("How mail from a sender would be taken, without sending anything:")
        self._command(f"{self._program} screen message.eml")

    def _answered(self, answered: Answered) -> None:
        self._title(f"The decline: `cases decline` for “{INFORMATION_REQUEST.title}”")
        if answered.refusal:
            self._say(f"Refused: {answered.refusal}")
        for letter in answered.declines[-1:]:
            self._letter(letter)
        self._title("The report, which left by itself")
        for report in answered.outcome.reports:
            self._letter(report.letter)
            self._attached(report, answered.outcome.story.content)

    def _letter(self, letter: Letter) -> None:
        """Envelope, the fields that matter, and the text in its first language."""
        mail = entity(letter.content)
        shown = [f"MAIL FROM:<{letter.reverse_path}>  RCPT TO:<{'>, <'.join(letter.recipients)}>", ""]
        shown += [f"{name}: {mail.shown(name)}" for name in _SHOWN_FIELDS if mail.shown(name)]
        first, *others = _DIVIDER.split(text(mail))
        shown += ["", first.rstrip()]
        shown += [f"\n[… {len(other.strip().splitlines())} more lines: the same in French]" for other in others]
        self._put(Padding(Text("\n".join(shown)), (0, 0, 0, 4)))

    def _attached(self, report: Report, content: bytes) -> None:
        self._console.print()
        for one in attachments(entity(report.letter.content)):
            self._say(f"Attached: {one.filename} ({one.media_type}, {len(one.octets)} octets)")
        self._say(
            f"The original's SHA-256 is equal to what was received: {'yes' if report.is_intact(content) else 'NO'}"
        )

    def _title(self, title: str) -> None:
        self._console.print()
        self._put(Rule(Text(title, style="bold"), align="left", style="dim"))

    def _say(self, sentence: str) -> None:
        self._put(Padding(Text(sentence), (0, 0, 0, 2)))

    def _command(self, command: str) -> None:
        """Never broken: it is there to be copied."""
        self._console.print(f"    {command}", markup=False, soft_wrap=True, style="bold")

    def _put(self, what: RenderableType) -> None:
        """Print it, in a pipe without the spaces that fill up its lines."""
        if self._console.is_terminal:
            self._console.print(what)
            return
        with self._console.capture() as captured:
            self._console.print(what)
        for line in captured.get().splitlines():
            self._console.print(line.rstrip(), markup=False, soft_wrap=True)


def _places(stage: Stage) -> Iterator[tuple[str, str]]:
    yield "gateway", f"smtp {stage.smtp}, mode auto, shipped list of PRC missions"
    yield "console", stage.console
    yield "next hop", f"127.0.0.1:{stage.next_hop.port}, in place of the agency's mail server"
    yield "outbound", f"127.0.0.1:{stage.outbound.port}, keeps declines and reports; these go to {COLLATION} here"
    yield "emergency", f"{DISPATCH} is served first, always"
    yield "files", str(stage.configuration.parent)


def _commands(performance: Performance) -> Iterator[str]:
    """What can be asked and done, with the reference of a case that is still held."""
    yield "cases list"
    outcomes = (one for one in performance.outcomes if one.told and one.story is not INFORMATION_REQUEST)
    held = [dossier.file.case.reference for outcome in outcomes for dossier in outcome.dossiers]
    for reference in held[:1]:
        yield f"cases show {reference}"
        yield f"cases release {reference}"
    yield from ("outbox list", "senders list", "audit verify")


def _table(outcomes: Sequence[Outcome]) -> Table:
    """Cells are `Text`: rich must not take brackets of a message for markup."""
    table = Table(box=box.SIMPLE_HEAD, show_lines=True, header_style="bold", padding=(0, 1), expand=True)
    table.add_column("message", ratio=6)
    table.add_column("tier", min_width=10, no_wrap=True)
    table.add_column("what happened", ratio=7)
    table.add_column("why", ratio=10, overflow="fold")
    for outcome in outcomes:
        mark = "! " if outcome_differences(outcome) else ""
        tiers = Text("\n").join(Text(tier, style=_TIER_STYLES.get(tier, "")) for tier in _tiers(outcome))
        table.add_row(
            Text(mark + outcome.story.title), tiers, Text("\n".join(_happened(outcome))), Text("\n".join(_why(outcome)))
        )
    return table


def _tiers(outcome: Outcome) -> list[Tier]:
    """Those of its recipients, each once."""
    tiers = [one.tier for dossier in outcome.dossiers for one in dossier.file.deliveries]
    return list(dict.fromkeys(tiers)) or [Tier.CLEAR]


def _happened(outcome: Outcome) -> Iterator[str]:
    if outcome.story.repeats:
        yield "accepted; no second case, notice or report"
        return
    passages = dict.fromkeys(outcome.passages.values())
    for passage in passages:
        whom = [name for name, one in outcome.passages.items() if one is passage]
        yield f"{_names(whom)}: {passage.value}" if len(passages) > 1 else passage.value
    if outcome.told:
        yield f"{_names(outcome.told)} {'is' if len(outcome.told) == 1 else 'are'} told"
    for dossier in outcome.dossiers:
        yield from _actions(outcome, dossier.file.case.decline, dossier.file.case.report)


def _actions(outcome: Outcome, decline: ActionState, report: ActionState) -> Iterator[str]:
    if report is ActionState.SENT:
        yield "reported"
    elif report is ActionState.REVIEW:
        yield "report: a person decides"
    else:
        yield f"report: {report}"
    possible = not any(dossier.objections for dossier in outcome.dossiers)
    if decline is ActionState.REVIEW:
        yield "decline: a person decides" if possible else "decline: not possible"
    else:
        yield "decline: never" if decline is ActionState.NONE else f"decline: {decline}"


def _why(outcome: Outcome) -> Iterator[str]:
    if not outcome.dossiers or outcome.story.why:
        yield outcome.story.why
        return
    for dossier in outcome.dossiers:
        yield from (finding.evidence for finding in dossier.file.case.findings[:1])
        yield from (f"No decline: {objection}" for objection in dossier.objections[:1])


def _names(recipients: Sequence[str]) -> str:
    """Without the one domain that they all share."""
    return ", ".join(sorted(recipient.partition("@")[0] for recipient in recipients))
