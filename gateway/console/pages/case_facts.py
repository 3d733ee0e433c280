"""What a case's page says about it: why it was flagged, and everything that happened, in one order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.authentication import Result
from filters.disposition import Tier
from filters.sentence import Sentence
from gateway.console.audit_words import detail, happened
from gateway.console.navigation import N_
from gateway.console.words import FORMS, TIERS
from gateway.model.people import Verb, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gateway.console.languages import Words
    from gateway.console.visit import Visit
    from gateway.model.audit import AuditEntry
    from gateway.model.case import Case
    from gateway.model.dossier import Dossier


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One thing that was observed: in which field, read as what, under which entry."""

    sentence: str
    field: str
    reading: str
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened. `said` is what a person wrote, or "". `views` are counted together."""

    at: datetime
    what: str
    who: str
    said: str
    detail: str
    times: int = 1


def whys(case: Case) -> tuple[Why, ...]:
    """The findings, the deciding one first."""
    return tuple(
        Why(sentence=one.evidence, field=one.identity, reading=one.address, entry=one.entry) for one in case.findings
    )


def proof(case: Case) -> Sentence:
    """Whether the sender is who it says it is, in one sentence; the results of SPF, DKIM and DMARC are the grounds."""
    passed, failed, unknown = (
        ", ".join(
            f"{method.upper()} ({one.domain})" if one.domain else method.upper()
            for method, one in case.authentication.results
            if one.result in wanted
        )
        for wanted in ({Result.PASS}, {Result.FAIL}, {Result.TEMPERROR})
    )
    if case.tier is Tier.CONFIRMED:
        return Sentence("Proven: the mail comes from whom it says. In its favour: {passed}.", passed=passed)
    if case.tier is Tier.SPOOFED:
        return Sentence("Forged: the listed sender's own domain disowns it. Against it: {failed}.", failed=failed)
    if unknown:
        return Sentence("Not known: the DNS gave no answer in time for {unknown}.", unknown=unknown)
    if failed:
        return Sentence("Not proven. Against it: {failed}.", failed=failed)
    if passed:
        return Sentence("Not proven for the listed sender; what was proven is {passed}.", passed=passed)
    return Sentence("Not proven: neither SPF nor a signature says who sent it.")


def timeline(dossier: Dossier, words: Words) -> tuple[Moment, ...]:
    """The newest first. Repeated views by one person are one line, or they would hide what was done."""
    notes = [
        Moment(at=note.at, what=happened("note", words), who=note.actor, said=note.text, detail="")
        for note in dossier.file.notes
    ]
    rows = [_moment(entry, words) for entry in dossier.audit if entry.action not in _TOLD_WHOLE]
    ordered = sorted([*notes, *_added(dossier, words), *rows], key=lambda one: one.at, reverse=True)
    return tuple(_joined(ordered))


def _added(dossier: Dossier, words: Words) -> Iterator[Moment]:
    """What officers, people and the collation address added to it, with what they said."""
    for one in dossier.forwards:
        yield Moment(
            at=one.at,
            what=happened("forward-added", words),
            who=one.by,
            said=one.said,
            detail=words.say(FORMS[one.form]),
        )

    for amendment in dossier.amendments:
        yield Moment(
            at=amendment.at,
            what=happened("amendment-requested", words),
            who=amendment.actor,
            said=amendment.text,
            detail=words.say(TIERS[amendment.tier]) if amendment.tier else "",
        )
    for answer in dossier.answers:
        theirs = words.say(Sentence(THEIR_REFERENCE, value=answer.their_reference)) if answer.their_reference else ""
        yield Moment(
            at=answer.at,
            what=happened("answer-received" if answer.was_seen else "answer-recorded", words),
            who=answer.actor,
            said=answer.text,
            detail="; ".join(filter(None, (words.say(Sentence(ANSWERED_ON, value=answer.on.isoformat())), theirs))),
        )


THEIR_REFERENCE = N_("their reference: {value}")
ANSWERED_ON = N_("day of the answer: {value}")
_TOLD_WHOLE = frozenset({"note", "forward-added", "amendment-requested", "answer-received", "answer-recorded"})
"""Rows of the audit log about what is shown with its text."""


def _moment(entry: AuditEntry, words: Words) -> Moment:
    told = (detail(name, value, words) for name, value in entry.detail.items() if name not in _UNTOLD)
    return Moment(at=entry.at, what=happened(entry.action, words), who=entry.actor, said="", detail="; ".join(told))


_UNTOLD = frozenset({"sha256", "rulebook", "length", "report", "notification"})
"""What stands elsewhere on the page, or is of use to the gateway alone."""


def _joined(moments: list[Moment]) -> Iterator[Moment]:
    held: Moment | None = None
    for one in moments:
        if held is not None and (held.what, held.who, held.detail, held.said) == (one.what, one.who, one.detail, ""):
            held = Moment(at=held.at, what=held.what, who=held.who, said="", detail=held.detail, times=held.times + 1)
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


async def deciders(visit: Visit) -> tuple[tuple[str, str], ...]:
    """To whom a case can be given: account and name."""
    people = await visit.office.peoplekeeping.people()
    return tuple((one.name, one.full_name) for one in people if one.active and allowed(one.roles, Verb.DECIDE_CASES))
