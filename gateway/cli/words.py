"""The sentences of `screen` and `cases show`: why something was flagged, and what follows for each recipient.

Pure: values in, lines out. Decides nothing and prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from filters.disposition import Delivery, Handling, Mode, Tier
from gateway.clock import moment
from gateway.model.case import ContactKind, how_far
from gateway.model.disposal import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from filters.authentication import DnsAnswer
    from filters.lists import ListEntry
    from filters.screening import Screening, Verdict
    from gateway.model.amendment import Amendment
    from gateway.model.answer import Answer
    from gateway.model.case import Case
    from gateway.model.contact import Contact
    from gateway.model.dossier import Dossier
    from gateway.model.forward import ForwardedMail
    from gateway.model.hold import Hold
    from gateway.model.outbox import OutboxItem
    from gateway.model.retention import Keeping

_INDENT = "  "

_TIERS = {
    Tier.EMERGENCY: "from a listed mission, to an emergency recipient",
    Tier.SPOOFED: "somebody pretends to be a listed mission",
    Tier.EXEMPT: "from a listed mission that is exempted for now",
    Tier.RELATED: "a listed mission is named, but not as the author or sender",
    Tier.CONFIRMED: "proven to be from a listed mission",
    Tier.UNVERIFIED: "it says that it is from a listed mission, and nothing proves or disproves it",
    Tier.SUSPECT: "not listed, but a person should look at it",
    Tier.CLEAR: "no listed mission is named",
}

_KINDS = {
    ContactKind.MAIL: "by mail",
    ContactKind.FORWARD: "by mail that an officer forwarded",
    ContactKind.PHONE: "by telephone",
    ContactKind.IN_PERSON: "in person",
    ContactKind.LETTER: "by letter",
    ContactKind.EVENT: "at an event",
    ContactKind.SOCIAL: "on a social network",
}


def about_screening(screening: Screening, *, mail_from: str, objections: Sequence[str]) -> Iterator[str]:
    """What would happen to a message, and why; lines below the name of its file."""
    yield f"{_INDENT}{screening.tier}: {_TIERS[screening.tier]}"
    yield f"{_INDENT}reverse-path {mail_from or '<> (null)'}"
    yield from _section("why", [*(finding.evidence for finding in screening.findings), *_entry_lines(screening.entry)])
    yield from _section("what follows", [_fate(verdict) for verdict in screening.verdicts])
    if screening.decline is not Handling.NEVER:
        yield from _section("no decline may be sent, because", objections)
    if screening.findings and screening.mode is not Mode.AUTO:
        yield f"{_INDENT}The mode is {screening.mode}, which limits what follows."


def case_title(case: Case) -> str:
    """The first line about a case."""
    return f"{case.reference}: {case.tier}, {case.status}"


def about_case(dossier: Dossier) -> Iterator[str]:
    """Everything that is known of a case, for a person to decide; lines below its title."""
    case = dossier.file.case
    yield f"{_INDENT}{_TIERS[case.tier]}"
    if case.assigned_to and case.assigned_at:
        yield f"{_INDENT}assigned to {case.assigned_to} since {moment(case.assigned_at)}"
    yield f"{_INDENT}{_kept(dossier.keeping)}"
    yield from _section("legal holds", map(_hold_line, dossier.file.holds))
    contact = dossier.contact
    yield from _section("contact", _contact_lines(contact)) if contact else _section("message", _message_lines(case))
    yield from _section("why", _reason_lines(case))
    yield from _section(
        "recipients",
        (f"{one.recipient}: {one.state} ({one.tier}) {one.reply}".rstrip() for one in dossier.file.deliveries),
    )
    yield from _section("forwarded to the intake mailbox", map(_forward_line, dossier.forwards))
    yield from _section("decline and report", _action_lines(dossier))
    yield from _section("added to the report", (_amendment_line(one) for one in dossier.amendments))
    yield from _section("answers of the collation address", (_answer_of(one) for one in dossier.answers))
    yield from _section("outbox", map(_item_line, dossier.items))
    yield from _section("notes", (f"{moment(one.at)} {one.actor}: {one.text}" for one in dossier.file.notes))
    yield from _section("history", (f"{moment(one.at)} {one.actor}: {one.action}" for one in dossier.audit))


def _kept(keeping: Keeping) -> str:
    """What the retention schedule says."""
    what = f"class {keeping.kept_as} ({RULES[keeping.kept_as]})"
    if not keeping.days:
        return f"kept for ever: {what}"
    since = f"until {moment(keeping.due_at)}" if keeping.due_at else f"for {keeping.days} days after it is closed"
    return f"kept {since}: {what}{', and longer: it is on legal hold' if keeping.on_hold else ''}"


def _hold_line(hold: Hold) -> str:
    by = f", ordered by {hold.ordered_by}" if hold.ordered_by else ""
    lifted = f"; lifted {moment(hold.lifted_at)}" if hold.lifted_at else ""
    return f"{hold.number}: {hold.reason}{by}; placed {moment(hold.placed_at)} by {hold.placed_by}{lifted}"


def _forward_line(one: ForwardedMail) -> str:
    said = f": {one.said}" if one.said else ""
    return f"{moment(one.at)} by {one.by}, {one.form}{said}"


def _amendment_line(one: Amendment) -> str:
    tier = f" ({one.tier} from now on)" if one.tier else ""
    return f"{moment(one.at)} {one.actor}{tier}: {one.text}"


def _answer_of(one: Answer) -> str:
    if one.was_seen:
        return f"{one.on} mail came that names this case, nobody has recorded what it says: {one.text}"
    theirs = f", their reference {one.their_reference}" if one.their_reference else ""
    return f"{one.on} recorded by {one.actor}{theirs}: {one.text}"


def about_evidence(case: Case) -> Iterator[str]:
    """How the sender was verified, by which answers of the DNS, and which reading matched which entry."""
    yield from _section(
        f"evidence: matches in version {case.rulebook_version} of the lists",
        (f"{one.identity} {one.address}: {one.entry}" for one in case.findings if one.entry),
    )
    yield from _section(
        "evidence: sender verification",
        (f"{method} {one.result}: {one.reason or 'nothing was asked'}" for method, one in case.authentication.results),
    )
    yield from _section("evidence: answers of the DNS", map(_answer_line, case.authentication.answers))


def _answer_line(answer: DnsAnswer) -> str:
    said = " | ".join(answer.records) or answer.reason
    return f"{answer.kind} {answer.name}: {answer.status}{': ' if said else ''}{said}"


def still_held(count: int, reference: str = "") -> str:
    """What remains after a verb: the copies that nobody has yet."""
    if count == 0:
        return "No recipient's copy is held any more."
    held, them = ("1 recipient's copy is", "it") if count == 1 else (f"{count} recipients' copies are", "them")
    way = f"; `liaison cases release {reference}` delivers {them}" if reference else ""
    return f"{held} still held{way}."


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A title and its indented lines; nothing at all without lines."""
    indented = [f"{_INDENT * 2}{line}".replace("\n", f"\n{_INDENT * 3}") for line in lines]
    if indented:
        yield f"{_INDENT}{title}:"
        yield from indented


def _entry_lines(entry: ListEntry | None) -> Iterator[str]:
    """What is known of the deciding entry."""
    if entry is None:
        return
    mission = next(filter(None, (entry.mission_en, entry.mission_fr, entry.mission_zh)), "a listed body")
    verified = f", {entry.verified}" if entry.verified else ""
    pack = f", pack {entry.pack}" if entry.pack else ""
    yield f"The entry stands for: {mission} ({entry.kind} {entry.value}{verified}{pack})."


def _fate(verdict: Verdict) -> str:
    """One recipient's line."""
    recipient = str(verdict.recipient)
    if verdict.tier is Tier.CLEAR:
        return f"{recipient}: delivered unchanged; nothing is recorded"
    tier = f"({verdict.tier}) " if verdict.tier in {Tier.EMERGENCY, Tier.EXEMPT} else ""
    parts = (
        f"{tier}{_delivery(verdict)}",
        _handled("decline", verdict.decline),
        _handled("report", verdict.report),
        *(("the recipient is told",) if verdict.notice and verdict.delivery is Delivery.HOLD else ()),
    )
    return f"{recipient}: {'; '.join(parts)}"


def _delivery(verdict: Verdict) -> str:
    match verdict.delivery:
        case Delivery.PASS:
            return "delivered unchanged, and recorded"
        case Delivery.FLAG if verdict.tier is Tier.EMERGENCY:
            return "delivered first, before anything else is done, with a flag"
        case Delivery.FLAG:
            return "delivered with a flag"
        case Delivery.HOLD:
            return "held for records staff"
        case unreachable:
            assert_never(unreachable)


def _handled(what: str, handling: Handling) -> str:
    match handling:
        case Handling.AUTO:
            return f"the {what} is sent by the gateway"
        case Handling.REVIEW:
            return f"the {what} waits for a person"
        case Handling.NEVER:
            return f"no {what}"
        case unreachable:
            assert_never(unreachable)


def _reason_lines(case: Case) -> Iterator[str]:
    yield from (finding.evidence for finding in case.findings)
    mission = case.mission_en or case.mission_fr
    if mission and case.entry:
        yield f"The entry {case.entry} stands for: {mission}."


def _item_line(item: OutboxItem) -> str:
    return f"{item.purpose} to {item.to}: {item.state} {item.last_reply}".rstrip()


def _message_lines(case: Case) -> Iterator[str]:
    client = f"{case.client_ip or 'an unknown address'} ({case.helo or 'no HELO'})"
    methods = ", ".join(f"{method} {result}" for method, result in sorted(case.authentication.texts.items()))
    yield f"received {moment(case.received_at)} from {client}"
    yield f"reverse-path {case.reverse_path or '<> (null)'}"
    yield f"From: {case.header_from}"
    yield f"Subject: {case.subject}"
    yield f"Message-ID: {case.message_id or 'none that can be used'}"
    yield f"{case.size} octets, SHA-256 {case.sha256}"
    yield f"authentication: {case.authentication.overall} ({methods})"
    yield f"decided in mode {case.mode}, by version {case.rulebook_version} of the lists"


def _contact_lines(contact: Contact) -> Iterator[str]:
    yield f"{_KINDS[contact.kind]} at {moment(contact.at)}"
    said = {
        "who": contact.who,
        "claimed role": contact.role,
        "mission": contact.mission,
        "who was approached": contact.approached,
        "asked": contact.asked,
        "answered": contact.answered,
        "note": contact.note,
    }
    yield from (f"{name}: {text}" for name, text in said.items() if text)


def _action_lines(dossier: Dossier) -> Iterator[str]:
    case = dossier.file.case
    yield f"decline: {how_far(case.decline, case.status)}; report: {how_far(case.report, case.status)}"
    for objection in dossier.objections:
        yield f"no decline may be sent: {objection}"
    for reason in case.decline_reasons:
        if reason not in dossier.objections:
            yield f"the gateway did not decline by itself: {reason}"
    for reason in case.report_reasons:
        yield f"the gateway did not report by itself: {reason}"
    if case.disposal is not None:
        yield f"closed as {case.disposal}{f' {moment(case.closed_at)}' if case.closed_at else ''}"
