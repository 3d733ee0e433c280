"""What an export says about its cases: an index as CSV and as a page, a record for each case, in English and French.

Pure: values in, text out. Texts of mail stand as they were decoded for display, with the code points of what nobody
would see; a spreadsheet must not take one for a formula, nor a browser for markup.
"""

from __future__ import annotations

import csv
import io
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from gateway.model.retention import RetentionClass
from gateway.model.unseen import with_code_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.model.amendment import Amendment
    from gateway.model.answer import Answer
    from gateway.model.audit import AuditEntry
    from gateway.model.case import Case, CaseFile, Delivery
    from gateway.model.forward import ForwardedMail
    from gateway.model.outbox import OutboxItem
    from gateway.model.retention import Keeping

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With what a spreadsheet takes a cell for a formula."""


_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""General categories: controls, format characters, separators of lines and paragraphs."""


class Heading(NamedTuple):
    """A heading in both languages."""

    en: str
    fr: str

    def __str__(self) -> str:
        """One beside the other."""
        return f"{self.en} / {self.fr}" if self.en != self.fr else self.en


class Exported(NamedTuple):
    """One case as an export has it: `folder` is where its files are, `original` the name of the message among them."""

    file: CaseFile
    keeping: Keeping
    items: Sequence[OutboxItem]
    history: Sequence[AuditEntry]
    folder: str
    original: str
    forwards: Sequence[ForwardedMail] = ()
    amendments: Sequence[Amendment] = ()
    answers: Sequence[Answer] = ()


RETAINED: Mapping[RetentionClass, Heading] = {
    RetentionClass.DISMISSED: Heading("dismissed", "rejeté"),
    RetentionClass.CONTACT: Heading("contact by hand", "contact consigné à la main"),
    RetentionClass.REPORTED: Heading("reported", "signalé"),
    RetentionClass.HANDLED: Heading("handled", "traité"),
}
_SECTIONS = {
    "recipients": Heading("Recipients", "Destinataires"),
    "why": Heading("Why it was flagged", "Pourquoi il a été marqué"),
    "mail": Heading("Mail that the agency wrote about it", "Courriels que l'organisme a écrits à ce sujet"),
    "forwards": Heading("Forwarded by", "Transféré par"),
    "amendments": Heading("Added to the report", "Ajouté au signalement"),
    "answers": Heading("Answers of the collation address", "Réponses de l'adresse de regroupement"),
    "holds": Heading("Legal holds", "Préservations légales"),
    "notes": Heading("Notes", "Notes"),
    "history": Heading(
        "History: decisions, views and everything else", "Historique : décisions, consultations et le reste"
    ),
}


def facts(one: Exported) -> Iterator[tuple[Heading, str]]:
    """The facts of a case, each under its heading: a line of the index."""
    case, kept = one.file.case, one.keeping
    yield Heading("Reference", "Référence"), case.reference
    yield Heading("Way", "Moyen"), case.kind
    yield Heading("Received", "Reçu"), _moment(case.received_at)
    yield Heading("From", "De"), case.header_from
    yield Heading("Envelope sender", "Expéditeur d'enveloppe"), case.reverse_path
    yield Heading("Recipients", "Destinataires"), "; ".join(delivery.recipient for delivery in one.file.deliveries)
    yield Heading("Subject", "Objet"), case.subject
    yield Heading("Message-ID", "Message-ID"), case.message_id
    yield Heading("Mission", "Mission"), " / ".join(dict.fromkeys(filter(None, (case.mission_en, case.mission_fr))))
    yield Heading("Tier", "Niveau"), case.tier
    yield Heading("State", "État"), case.disposal or case.status
    yield Heading("Closed", "Fermé"), _moment(case.closed_at)
    yield Heading("Decline", "Refus"), case.decline
    yield Heading("Report", "Signalement"), case.report
    yield Heading("Kept as", "Catégorie de conservation"), str(RETAINED[kept.kept_as])
    yield Heading("Kept until", "Fin de conservation"), _moment(kept.due_at)
    yield Heading("Legal hold", "Préservation légale"), "yes / oui" if kept.on_hold else ""
    yield Heading("Format", "Format"), "message/rfc822" if one.original.endswith(".eml") else "application/json"
    yield Heading("Octets", "Octets"), str(case.size)
    yield Heading("SHA-256", "SHA-256"), case.sha256
    yield Heading("File", "Fichier"), f"{one.folder}/{one.original}"


def index_csv(exported: Sequence[Sequence[tuple[Heading, str]]]) -> str:
    """A line for each case; UTF-8 with a mark at its beginning, by which spreadsheets know it."""
    out = io.StringIO()
    lines = csv.writer(out)
    if exported:
        lines.writerow([str(heading) for heading, _ in exported[0]])
    lines.writerows([[_inert(_seen(value)) for _, value in line] for line in exported])
    return "\ufeff" + out.getvalue()


def index_html(exported: Sequence[Sequence[tuple[Heading, str]]], *, agency: Heading, made_at: datetime) -> str:
    """The same as a page without script, picture or link outside."""
    title = Heading("Exported cases", "Dossiers exportés")
    rows = (f"<tr>{''.join(_cell(heading, value) for heading, value in line)}</tr>" for line in exported)
    head = "".join(f'<th scope="col">{_both(heading)}</th>' for heading, _ in exported[0]) if exported else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(str(title))}</title>'
        "<style>body{font:1rem/1.4 sans-serif;margin:1rem}table{border-collapse:collapse}"
        "th,td{border:1px solid;padding:.25rem .5rem;text-align:left;vertical-align:top}</style></head>"
        f"<body><main><h1>{_both(title)}</h1>"
        f"<p>{_both(agency)}, {_moment(made_at)}. {len(exported)}.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></main></body></html>\n"
    )


def record_text(one: Exported) -> str:
    """Everything that is on record about a case but its message, as text."""
    lines = [f"{heading}: {value}" for heading, value in facts(one) if value]
    for name, found in _parts(one):
        listed = [f"  {' '.join(line.split())}" for line in found]
        if listed:
            lines += ["", str(_SECTIONS[name]), *listed]
    return "\n".join(map(_seen, lines)) + "\n"


def _parts(one: Exported) -> Iterator[tuple[str, Iterable[str]]]:
    case = one.file.case
    yield "recipients", (_delivery(delivery) for delivery in one.file.deliveries)
    yield "why", _reasons(case)
    yield "mail", (f"{item.purpose} {item.to}: {item.state} {item.last_reply}" for item in one.items)
    yield "forwards", (f"{_moment(mail.at)} {mail.by} ({mail.form}): {mail.said}" for mail in one.forwards)
    yield "amendments", (f"{_moment(each.at)} {each.actor}: {each.text} {each.tier or ''}" for each in one.amendments)
    yield "answers", (f"{each.on} {each.actor}: {each.text} {each.their_reference}" for each in one.answers)
    yield (
        "holds",
        (
            f"{hold.number}. {_moment(hold.placed_at)} {hold.placed_by} {hold.ordered_by}: {hold.reason}"
            f"{f' ({_moment(hold.lifted_at)})' if hold.lifted_at else ''}"
            for hold in one.file.holds
        ),
    )
    yield "notes", (f"{_moment(note.at)} {note.actor}: {note.text}" for note in one.file.notes)
    yield "history", (f"{_moment(row.at)} {row.actor}: {row.action} {_detail(row)}" for row in one.history)


def _reasons(case: Case) -> Iterator[str]:
    for finding in case.findings:
        entry = f" [{finding.entry}]" if finding.entry else ""
        yield f"{finding.evidence} {finding.identity} {finding.address}{entry}"
    for method, result in case.authentication.results:
        yield f"{method}: {result.result} {result.domain} {result.reason}"


def _delivery(delivery: Delivery) -> str:
    return f"{delivery.recipient}: {delivery.state} ({delivery.tier}) {delivery.reply}"


def _detail(row: AuditEntry) -> str:
    return ", ".join(f"{name}: {value}" for name, value in row.detail.items())


def _cell(heading: Heading, value: str) -> str:
    if heading.en == "File":
        return f'<td><a href="{escape(value)}">{escape(value)}</a></td>'
    return f"<td><bdi>{escape(_seen(value))}</bdi></td>"


def _both(heading: Heading) -> str:
    if heading.en == heading.fr:
        return escape(heading.en)
    return f'{escape(heading.en)} / <span lang="fr">{escape(heading.fr)}</span>'


def _seen(text: str) -> str:
    return with_code_points(text, _UNSEEN)


def _inert(value: str) -> str:
    """With an apostrophe before what a spreadsheet would carry out."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else ""
