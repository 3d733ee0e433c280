"""The system-integrity statement: what a court or an auditor is told about the system that kept the records.

After CAN/CGSB-72.34 and the Canada Evidence Act, sections 31.1 to 31.8: that records are made in the ordinary course,
by which system, how their integrity is kept, and what is not known. Pure: values in, JSON or lines of text out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain as one_after_the_other
from typing import TYPE_CHECKING, Any, TypeAlias

from filters.disposition import Mode
from filters.sentence import Sentence
from gateway.model.certificate import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.model.audit import AuditEntry, Verification
    from gateway.model.list_change import ListVersion
    from gateway.model.people import Person

FORMAT = "liaison-integrity-statement 1"
CLOCK_TOLERATED = 5.0
"""Seconds that this machine's clock may be away from the database's."""
LIMITS = (
    Sentence("Mail that names nobody on the sender lists passes through and is not recorded."),
    Sentence("Times are those of the machine's clock. Whether it is set by NTP is not known to the gateway."),
    Sentence(
        "Whoever may write to the database could rewrite the whole chain. Only a head noted elsewhere excludes it."
    ),
    Sentence(
        "Starts, stops and changes of the configuration stand in the gateway's log and its files, not in the audit log."
    ),
    Sentence("Commands are recorded under the login that ran them; who had that login is for the machine to say."),
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


def gaps(around: Surroundings, period: Period, chain: Verification, people: Sequence[Person]) -> Iterator[Sentence]:
    """What is not as it should be, as far as the system can see it."""
    if chain.broken:
        yield Sentence("The audit chain does not hold: {reason}.", reason=chain.broken)
    if not period.rows["database-backed-up"]:
        yield Sentence("No backup by the gateway's own command is on record in this period.")
    for one in period.rows["database-restored"]:
        yield Sentence(
            "The database was restored on {at}. What happened after its copy was made, and before that, is not in it.",
            at=f"{one.at:%Y-%m-%d %H:%M}Z",
        )
    if not around.sealed:
        yield Sentence("Messages are not encrypted at rest by the gateway (store.key_file).")
    if abs(around.clock_ahead) > CLOCK_TOLERATED:
        ahead = f"{around.clock_ahead:+.0f}"
        yield Sentence("This machine's clock is {seconds} seconds from the database's.", seconds=ahead)
    if around.mode is Mode.OBSERVE or any(one.subject == Mode.OBSERVE for one in period.rows["mode"]):
        yield Sentence(
            "The mode is or was {mode}: in it, mail is delivered even where it can't be recorded.", mode=Mode.OBSERVE
        )
    single = [person.name for person in people if person.active and not person.second_factor]
    if single:
        yield Sentence("Accounts without a second factor: {names}.", names=", ".join(single))


def statement_text(document: Mapping[str, Any], tell: Callable[[str], str] = str) -> Iterator[str]:
    """The same as lines for people; `tell` says a sentence in their language."""
    yield tell(Sentence("STATEMENT ON THE INTEGRITY OF AN ELECTRONIC RECORDS SYSTEM"))
    made = {"agency": document["agency"], "at": document["made_at"], "person": document["made_by"]}
    yield tell(Sentence("{agency}, {at}, by {person}", **made))
    since = document["period"]["since"] or Sentence("the beginning")
    until = document["period"]["until"] or Sentence("now")
    yield tell(Sentence("Period: from {since} to {until}", since=since, until=until))
    said = (
        _text_of_system(document["system"], document["cases"]),
        _text_of_chain(document["chain"]),
        _text_of_events(document),
        _listed(Sentence("Known gaps"), document["known_gaps"]),
        _listed(Sentence("Limits of every such statement"), document["limits"]),
    )
    for title, lines in one_after_the_other.from_iterable(said):
        yield from ("", tell(title), *(f"  {tell(line)}" for line in lines))
    yield ""
    signature = Sentence("To the best of my knowledge this is true.   Name, position, date, signature:")
    yield f"{tell(signature)} ______________________________"
    digest = Sentence("SHA-256 of this statement as JSON, also in the audit log: {digest}", digest=document["sha256"])
    yield tell(digest)


_Part: TypeAlias = "tuple[Sentence, Iterable[str]]"
"""A title, and the lines under it."""
_EVENTS = (
    (Sentence("Backups"), "backups"),
    (Sentence("Restorations"), "restorations"),
    (Sentence("Disposals"), "disposals"),
    (Sentence("Exports"), "exports"),
)


def _text_of_system(system: Mapping[str, Any], cases: Mapping[str, Any]) -> Iterator[_Part]:
    sealed = Sentence("yes") if system["sealed"] else Sentence("no")
    yield (
        Sentence("System"),
        (
            Sentence("Liaison Gateway {gateway} on Python {python}, {system}", **_of(system, "gateway python system")),
            Sentence("database {database}, schema {schema}, {octets} octets", **_of(system, "database schema octets")),
            Sentence("messages encrypted at rest by the gateway: {answer}", answer=sealed),
            Sentence("When mail comes in, the system itself records a case, in one transaction with its audit row."),
            Sentence("The message is kept exactly as received; its SHA-256 is taken at that moment."),
            Sentence("Contacts by hand are recorded by people."),
            Sentence("Every decision and every view of a message adds a row to the audit log."),
            Sentence("cases received in the period, and still here: {number}", number=cases["received"]),
            Sentence("cases on legal hold now: {number}", number=cases["on_legal_hold"]),
        ),
    )


def _text_of_chain(chain: Mapping[str, Any]) -> Iterator[_Part]:
    broken = Sentence("IT DOES NOT HOLD: {reason}", reason=chain["broken"])
    held = Sentence("it holds") if chain["holds"] else broken
    yield (
        Sentence("Audit log: append-only, each row's SHA-256 covers the row before it"),
        (
            Sentence("{held}, verified {at}", held=held, at=chain["verified_at"]),
            Sentence("{rows} rows, head {head}", rows=chain["rows"], head=chain["head"]),
        ),
    )


def _text_of_events(document: Mapping[str, Any]) -> Iterator[_Part]:
    changes = Sentence("Mode: {mode} now; changes", mode=document["mode"])
    yield from _listed(Sentence("Accounts and their roles"), map(_said_account, document["accounts"]))
    yield from _listed(changes, map(_said_row, document["modes"]))
    yield from _listed(Sentence("Versions of the sender lists"), map(_said_version, document["list_versions"]))
    for title, name in _EVENTS:
        yield from _listed(title, map(_said_row, document[name]))


def _listed(title: Sentence, lines: Iterable[str]) -> Iterator[_Part]:
    yield title, list(lines) or [Sentence("none")]


def _of(values: Mapping[str, Any], names: str) -> dict[str, Any]:
    return {name: values[name] for name in names.split()}


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
        "what": one.text,
    }


def _row(one: AuditEntry) -> dict[str, Any]:
    return {"row": one.seq, "at": one.at.isoformat(), "by": one.actor, "subject": one.subject, **one.detail}


def _said_account(one: Mapping[str, Any]) -> Sentence:
    factor = Sentence("second factor") if one["second_factor"] else Sentence("password alone")
    roles, state = ", ".join(one["roles"]), Sentence("active") if one["active"] else Sentence("disabled")
    said = _of(one, "name full_name created_at") | {"roles": roles, "factor": factor, "state": state}
    return Sentence("{name} ({full_name}): {roles}; {factor}, {state}; since {created_at}", **said)


def _said_version(one: Mapping[str, Any]) -> Sentence:
    said = _of(one, "number at by added removed what")
    return Sentence("{number}: {at} {by}, {added} added, {removed} removed: {what}", **said)


def _said_row(one: Mapping[str, Any]) -> Sentence:
    detail = ", ".join(f"{name} {value}" for name, value in one.items() if name not in {"row", "at", "by", "subject"})
    said = _of(one, "at by subject row") | {"detail": f" ({detail})" if detail else ""}
    return Sentence("{at} {by}: {subject}{detail}, row {row}", **said)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
