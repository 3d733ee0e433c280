"""Compares what became of the messages with what was expected, fact by fact.

Pure: values in, sentences out; no sentence means that everything went as expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.disposition import Tier
from gateway.demonstration.stories import INFORMATION_REQUEST, PROVEN
from gateway.model.case import ActionState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.demonstration.play import Answered, Outcome, Performance
    from gateway.demonstration.stories import Story

Facts = dict[str, str]
"""What is compared, by what it is called in a difference."""


def differences(performance: Performance) -> Iterator[str]:
    """A sentence for everything that is not as expected."""
    for outcome in performance.outcomes:
        yield from (f"{outcome.story.title}: {one}" for one in outcome_differences(outcome))
    reported = sum(len(_report(outcome.story)) for outcome in performance.outcomes if not outcome.story.repeats)
    expected = {
        "refusal": "none",
        "declines in the outbound mailbox": "2",
        "reverse-paths of the declines": "<>, <>",
        "recipients of the declines": _listed(tuple(sorted((INFORMATION_REQUEST.reverse_path, PROVEN.reverse_path)))),
        "state of the decline": ActionState.SENT.value,
        "mails in the outbound mailbox": str(reported + 2),
    }
    yield from (f"The decline: {one}" for one in _compared(expected, _answered_facts(performance.answered)))


def outcome_differences(outcome: Outcome) -> list[str]:
    """What is not as expected with one message."""
    return list(_compared(_expected_facts(outcome.story), _seen_facts(outcome)))


def _expected_facts(story: Story) -> Facts:
    return {
        "reply": "250",
        "cases": "0" if story.is_clear else "1",
        **{f"tier for {fate.recipient}": fate.tier.value for fate in story.fates},
        **{f"passage to {fate.recipient}": fate.passage.value for fate in story.fates},
        "notices": _listed(story.held_for),
        "decline": story.decline.value,
        "report": story.report.value,
        "reports that arrived": _listed(_report(story)),
        "a decline may be sent": _yes_or_no(answer=story.is_clear or story.declinable),
    }


def _report(story: Story) -> tuple[str, ...]:
    return ("with the original, octet for octet",) if story.report is ActionState.SENT else ()


def _seen_facts(outcome: Outcome) -> Facts:
    cases = [dossier.file.case for dossier in outcome.dossiers]
    deliveries = [delivery for dossier in outcome.dossiers for delivery in dossier.file.deliveries]
    tiers = {delivery.recipient: delivery.tier for delivery in deliveries}
    intact = [report.is_intact(outcome.story.content) for report in outcome.reports]
    return {
        "reply": outcome.reply[:3],
        "cases": str(len(cases)),
        **{f"tier for {one}": tiers.get(one, Tier.CLEAR).value for one in outcome.story.recipients},
        **{f"passage to {one}": passage.value for one, passage in outcome.passages.items()},
        "notices": _listed(outcome.told),
        "decline": _listed(tuple(case.decline.value for case in cases)),
        "report": _listed(tuple(case.report.value for case in cases)),
        "reports that arrived": _listed(tuple(_originality(intact=one) for one in intact)),
        "a decline may be sent": _yes_or_no(answer=not any(dossier.objections for dossier in outcome.dossiers)),
    }


def _originality(*, intact: bool) -> str:
    return "with the original, octet for octet" if intact else "without the original as received"


def _answered_facts(answered: Answered) -> Facts:
    return {
        "refusal": answered.refusal or "none",
        "declines in the outbound mailbox": str(len(answered.declines)),
        "reverse-paths of the declines": _listed(tuple(letter.reverse_path or "<>" for letter in answered.declines)),
        "recipients of the declines": _listed(
            tuple(sorted(one for letter in answered.declines for one in letter.recipients))
        ),
        "state of the decline": answered.state,
        "mails in the outbound mailbox": str(answered.letters),
    }


def _compared(expected: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[str]:
    for name, value in expected.items():
        if seen[name] != value:
            yield f"{name}: expected {value}, was {seen[name]}"


def _listed(values: tuple[str, ...]) -> str:
    """In any order: mails overtake each other."""
    return ", ".join(sorted(values)) or "none"


def _yes_or_no(*, answer: bool) -> str:
    return "yes" if answer else "no"
