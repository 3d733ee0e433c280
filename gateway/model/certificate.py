"""The disposal certificate: what went, under which class and rule, by whom, when; with a digest of itself.

Pure: values in, a JSON document or lines of text out. A certificate holds references and digests, no address and no
text, so that it can be kept for ever.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from filters.sentence import Sentence
from gateway.model.disposal import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.model.disposal import DisposedCase, PurgeRun

FORMAT = "liaison-disposal-certificate 1"
NO_AUTHORITY = Sentence("none was named in the configuration ([retention] authority)")
NOT_REMOVED = {
    Sentence("audit log"): Sentence(
        "The rows about these cases stay: they hold references, digests, and reasons that people gave."
    ),
    Sentence("backups"): Sentence(
        "Backups, archives of the database's log and replicas made before this hold the cases still."
    ),
    Sentence("elsewhere"): Sentence("Mail that was delivered, declined or reported is not the gateway's any more."),
}
STORAGE = {
    "SQLite": Sentence(
        "Removed content is overwritten with zeros in the database file; its log is cut off after the purge."
    ),
    "PostgreSQL": Sentence(
        "Removed rows are given free by VACUUM, which overwrites nothing; VACUUM FULL makes the tables anew."
    ),
}
"""What removal means for the disk, by the database's kind."""


def certificate(
    run: PurgeRun,
    disposed: Sequence[DisposedCase],
    *,
    ended_at: datetime,
    agency: str,
    authority: str,
    version: str,
    database: str,
) -> dict[str, Any]:
    """The document, its digest included."""
    document = {
        "format": FORMAT,
        "certificate": run.id,
        "agency": agency,
        "authority": authority or NO_AUTHORITY,
        "disposed_by": run.actor,
        "begun_at": run.begun_at.isoformat(),
        "ended_at": ended_at.isoformat(),
        "gateway": version,
        "storage": STORAGE.get(database, ""),
        "not_removed": NOT_REMOVED,
        "cases": [_line(one) for one in disposed],
    }
    return {**document, "sha256": digest_of(document)}


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256, hex, of the document as canonical JSON, without its own digest."""
    covered = {name: value for name, value in document.items() if name != "sha256"}
    written = json.dumps(covered, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def certificate_text(document: Mapping[str, Any], tell: Callable[[str], str] = str) -> Iterator[str]:
    """The same as lines for people; `tell` says a sentence in their language."""
    yield tell(Sentence("DISPOSAL CERTIFICATE {certificate}", certificate=document["certificate"]))
    yield ""
    for said in _facts(document):
        yield tell(said)
    yield ""
    for case in document["cases"]:
        yield from _text_of_case(case, tell)
    yield tell(Sentence("How: {storage}", storage=_known(document["storage"])))
    for place, sentence in document["not_removed"].items():
        yield tell(Sentence("Not removed, {place}: {sentence}", place=_known(place), sentence=_known(sentence)))
    yield ""
    yield tell(
        Sentence("SHA-256 of this certificate as JSON, also in the audit log: {digest}", digest=document["sha256"])
    )


def _facts(document: Mapping[str, Any]) -> Iterator[Sentence]:
    yield Sentence("Agency: {agency}", agency=document["agency"])
    yield Sentence("Authority: {authority}", authority=_known(document["authority"]))
    yield Sentence("Disposed by: {person}", person=document["disposed_by"])
    yield Sentence("Begun: {at}", at=document["begun_at"])
    yield Sentence("Ended: {at}", at=document["ended_at"])
    yield Sentence("Gateway: {version}", version=document["gateway"])
    yield Sentence("Cases: {number}", number=len(document["cases"]))


def _text_of_case(case: Mapping[str, Any], tell: Callable[[str], str]) -> Iterator[str]:
    kind, kept_as = _known(case["kind"]), _known(case["class"])
    what = {"kind": kind, "size": case["size"], "digest": case["sha256"]}
    when = {name: case[f"{name}_at"] for name in ("received", "closed", "disposed")}
    why = {"class": kept_as, "rule": _known(case["rule"]), "days": case["days"]}
    yield f"{case['reference']}  {tell(Sentence('{kind}, {size} octets, SHA-256 {digest}', **what))}"
    yield f"  {tell(Sentence('received {received}, closed {closed}, disposed of {disposed}', **when))}"
    yield f"  {tell(Sentence('class {class} ({rule}): {days} days after closing', **why))}"
    yield ""


def _known(text: str) -> Sentence:
    """What a document holds of ours: it is looked up as it stands."""
    return Sentence(text)


def _line(one: DisposedCase) -> dict[str, Any]:
    return {
        "reference": one.reference,
        "kind": one.kind,
        "sha256": one.sha256,
        "size": one.size,
        "class": one.kept_as,
        "rule": RULES[one.kept_as],
        "days": one.days,
        "received_at": one.received_at.isoformat(),
        "closed_at": one.closed_at.isoformat(),
        "disposed_at": one.disposed_at.isoformat(),
    }
