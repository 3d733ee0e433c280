"""The disposal certificate: what went, under which class and rule, by whom, when; with a digest of itself.

Pure: values in, a JSON document or lines of text out. A certificate holds references and digests, no address and no
text, so that it can be kept for ever.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from gateway.model.disposal import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.model.disposal import DisposedCase, PurgeRun

FORMAT = "liaison-disposal-certificate 1"
NO_AUTHORITY = "none was named in the configuration ([retention] authority)"
NOT_REMOVED = {
    "audit log": "The rows about these cases stay: they hold references, digests, and reasons that people gave.",
    "backups": "Backups, archives of the database's log and replicas made before this hold the cases still.",
    "elsewhere": "Mail that was delivered, declined or reported is not the gateway's any more.",
}
STORAGE = {
    "SQLite": "Removed content is overwritten with zeros in the database file; its log is cut off after the purge.",
    "PostgreSQL": "Removed rows are given free by VACUUM, which overwrites nothing; VACUUM FULL makes the tables anew.",
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


def certificate_text(document: Mapping[str, Any]) -> Iterator[str]:
    """The same as lines for people."""
    yield f"DISPOSAL CERTIFICATE {document['certificate']}"
    yield ""
    for label, name in _HEADINGS:
        yield f"{label + ':':<14}{document[name]}"
    yield f"{'Cases:':<14}{len(document['cases'])}"
    yield ""
    yield from _table(document["cases"])
    yield f"How: {document['storage']}"
    yield from (f"Not removed, {place}: {sentence}" for place, sentence in document["not_removed"].items())
    yield ""
    yield f"SHA-256 of this certificate as JSON, also in the audit log: {document['sha256']}"


_HEADINGS = (
    ("Agency", "agency"),
    ("Authority", "authority"),
    ("Disposed by", "disposed_by"),
    ("Begun", "begun_at"),
    ("Ended", "ended_at"),
    ("Gateway", "gateway"),
)


def _table(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for case in cases:
        yield f"{case['reference']}  {case['kind']}, {case['size']} octets, SHA-256 {case['sha256']}"
        yield f"  received {case['received_at']}, closed {case['closed_at']}, disposed of {case['disposed_at']}"
        yield f"  class {case['class']} ({case['rule']}): {case['days']} days after closing"
    if cases:
        yield ""


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
