"""The system-integrity statement: what a court or an auditor is told about the system that kept the records.

After CAN/CGSB-72.34 and the Canada Evidence Act, sections 31.1 to 31.8: that records are made in the ordinary course,
by which system, how their integrity is kept, and what is not known. Pure: values in, JSON or lines of text out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filters.disposition import Mode
from gateway.model.certificate import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.model.audit import AuditEntry, Verification
    from gateway.model.list_change import ListVersion
    from gateway.model.people import Person

FORMAT = "liaison-integrity-statement 1"
CLOCK_TOLERATED = 5.0
"""Seconds that this machine's clock may be away from the database's."""
LIMITS = (
    "Mail that names nobody on the sender lists passes through and is not recorded.",
    "Times are those of the machine's clock. Whether it is set by NTP is not known to the gateway.",
    "Whoever may write to the database could rewrite the whole chain. Only a head noted elsewhere excludes it.",
    "Starts, stops and changes of the configuration stand in the gateway's log and in its files, not in the audit log.",
    "Commands are recorded under the login that ran them; who had that login is for the machine to say.",
)
"""What no state of the system changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The system itself. `clock_ahead`: seconds before the database's clock; `sealed`: messages are encrypted."""

    agency: str
    gateway: str
    python: str
    system: str
    database: str
    schema: str
    octets: int
    sealed: bool
    clock_ahead: float
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is on record between two moments. `rows` are those of the audit log, by their action."""

    since: datetime | None
    until: datetime | None
    cases: int
    cases_on_hold: int
    rows: Mapping[str, Sequence[AuditEntry]]
    lists: Sequence[ListVersion]


def statement(
    around: Surroundings,
    period: Period,
    chain: Verification,
    people: Sequence[Person],
    *,
    made_at: datetime,
    made_by: str,
) -> dict[str, Any]:
    """The document, with a digest of itself."""
    document = {
        "format": FORMAT,
        "agency": around.agency,
        "made_at": made_at.isoformat(),
        "made_by": made_by,
        "period": {"since": _moment(period.since), "until": _moment(period.until)},
        "system": _system(around),
        "chain": {
            "holds": not chain.broken,
            "broken": chain.broken,
            "rows": chain.head.seq,
            "head": chain.head.hash,
            "verified_at": chain.at.isoformat(),
        },
        "cases": {"received": period.cases, "on_legal_hold": period.cases_on_hold},
        "accounts": [_account(person) for person in people],
        "mode": around.mode,
        "modes": [_row(one) for one in period.rows["mode"]],
        "list_versions": [_version(one) for one in period.lists],
        "backups": [_row(one) for one in period.rows["database-backed-up"]],
        "restorations": [_row(one) for one in period.rows["database-restored"]],
        "disposals": [_row(one) for one in period.rows["disposal-certified"]],
        "exports": [_row(one) for one in period.rows["export-made"]],
        "known_gaps": list(gaps(around, period, chain, people)),
        "limits": list(LIMITS),
    }
    return {**document, "sha256": digest_of(document)}


def gaps(around: Surroundings, period: Period, chain: Verification, people: Sequence[Person]) -> Iterator[str]:
    """What is not as it should be, as far as the system can see it."""
    if chain.broken:
        yield f"The audit chain does not hold: {chain.broken}."
    if not period.rows["database-backed-up"]:
        yield "No backup by `liaison db backup` is on record in this period."
    for one in period.rows["database-restored"]:
        yield (
            f"The database was restored on {one.at:%Y-%m-%d %H:%M}Z. What happened after its copy was made, and before "
            "that, is not in it."
        )
    if not around.sealed:
        yield "Messages are not encrypted at rest by the gateway (store.key_file)."
    if abs(around.clock_ahead) > CLOCK_TOLERATED:
        yield f"This machine's clock is {around.clock_ahead:+.0f} seconds from the database's."
    if around.mode is Mode.OBSERVE or any(one.subject == Mode.OBSERVE for one in period.rows["mode"]):
        yield "The mode is or was `observe`: in it, mail is delivered even where it can't be recorded."
    single = [person.name for person in people if person.active and not person.second_factor]
    if single:
        yield f"Accounts without a second factor: {', '.join(single)}."


def statement_text(document: Mapping[str, Any]) -> Iterator[str]:
    """The same as lines for people."""
    yield "STATEMENT ON THE INTEGRITY OF AN ELECTRONIC RECORDS SYSTEM"
    yield f"{document['agency']}, {document['made_at']}, by {document['made_by']}"
    since, until = document["period"]["since"] or "the beginning", document["period"]["until"] or "now"
    yield f"Period: from {since} to {until}"
    yield from _text_of_system(document)
    yield from _text_of_chain(document)
    yield from _listed("Accounts and their roles", document["accounts"], _said_account)
    yield from _listed(f"Mode: {document['mode']} now; changes", document["modes"], _said_row)
    yield from _listed("Versions of the sender lists", document["list_versions"], _said_version)
    for title, name in _EVENTS:
        yield from _listed(title, document[name], _said_row)
    yield from _listed("Known gaps", document["known_gaps"], str)
    yield from _listed("Limits of every such statement", document["limits"], str)
    yield ""
    yield "To the best of my knowledge this is true.   Name, position, date, signature: ______________________________"
    yield f"SHA-256 of this statement as JSON, also in the audit log: {document['sha256']}"


_EVENTS = (
    ("Backups", "backups"),
    ("Restorations", "restorations"),
    ("Disposals", "disposals"),
    ("Exports", "exports"),
)


def _text_of_system(document: Mapping[str, Any]) -> Iterator[str]:
    system = document["system"]
    yield ""
    yield "System"
    yield f"  Liaison Gateway {system['gateway']} on Python {system['python']}, {system['system']}"
    yield f"  database {system['database']}, schema {system['schema']}, {system['octets']} octets"
    yield f"  messages encrypted at rest by the gateway: {'yes' if system['sealed'] else 'no'}"
    yield "  A case is recorded by the system itself, when mail comes in, in one transaction with its audit row and the"
    yield "  message exactly as received; SHA-256 of the message is taken at that moment. Contacts by hand are recorded"
    yield "  by people. Every decision and every view of a message adds a row to the audit log."
    yield f"  cases received in the period, and still here: {document['cases']['received']}"
    yield f"  cases on legal hold now: {document['cases']['on_legal_hold']}"


def _text_of_chain(document: Mapping[str, Any]) -> Iterator[str]:
    chain = document["chain"]
    yield ""
    yield "Audit log: append-only, each row's SHA-256 covers the row before it"
    held = "it holds" if chain["holds"] else f"IT DOES NOT HOLD: {chain['broken']}"
    yield f"  {held}, verified {chain['verified_at']}"
    yield f"  {chain['rows']} rows, head {chain['head']}"


def _listed(title: str, items: Sequence[Any], say: Callable[[Any], str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {say(item)}" for item in items)
    if not items:
        yield "  none"


def _system(around: Surroundings) -> dict[str, Any]:
    return {
        "gateway": around.gateway,
        "python": around.python,
        "system": around.system,
        "database": around.database,
        "schema": around.schema,
        "octets": around.octets,
        "sealed": around.sealed,
        "clock_ahead_seconds": around.clock_ahead,
    }


def _account(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "full_name": person.full_name,
        "roles": sorted(person.roles),
        "active": person.active,
        "second_factor": person.second_factor,
        "created_at": person.created_at.isoformat(),
        "signed_in_at": _moment(person.signed_in_at),
    }


def _version(one: ListVersion) -> dict[str, Any]:
    return {
        "number": one.number,
        "at": one.at.isoformat(),
        "by": one.actor,
        "added": one.added,
        "removed": one.removed,
        "what": str(one.text),
    }


def _row(one: AuditEntry) -> dict[str, Any]:
    return {"row": one.seq, "at": one.at.isoformat(), "by": one.actor, "subject": one.subject, **one.detail}


def _said_account(one: Mapping[str, Any]) -> str:
    state = "" if one["active"] else ", disabled"
    factor = "second factor" if one["second_factor"] else "password alone"
    return f"{one['name']} ({one['full_name']}): {', '.join(one['roles'])}; {factor}{state}; since {one['created_at']}"


def _said_version(one: Mapping[str, Any]) -> str:
    return f"{one['number']}: {one['at']} {one['by']}, {one['added']} added, {one['removed']} removed: {one['what']}"


def _said_row(one: Mapping[str, Any]) -> str:
    detail = ", ".join(f"{name} {value}" for name, value in one.items() if name not in {"row", "at", "by", "subject"})
    return f"{one['at']} {one['by']}: {one['subject']}{f' ({detail})' if detail else ''}, row {one['row']}"


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
