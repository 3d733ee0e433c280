"""Column types: how values of the model stand in a row, the same on SQLite and on PostgreSQL.

Never interprets a value. What a hostile message brings must always be storable: a case that can't be written down
would hold its sender at 451 for ever, so text is cleaned here and nowhere else.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Enum, Integer, Text
from sqlalchemy.types import TypeDecorator

from filters.authentication import Authentication, DnsAnswer, DnsStatus, MethodResult, Result
from gateway.model.case import StoredFinding
from gateway.store.telling import as_heard, as_told, heard, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from _typeshed import DataclassInstance
    from sqlalchemy import Dialect

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL refuses in text, and lone surrogates, which have no UTF-8 form."""

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both: SQLite numbers its rows only in a column of type INTEGER."""


def storable(text: str) -> str:
    """The text as a row gives it back: NUL and lone surrogates become U+FFFD, everything else stays."""
    return _UNSTORABLE.sub("\ufffd", text)


def vocabulary(members: type[StrEnum]) -> Enum:
    """A closed enum, kept by its value. Raises LookupError on a word that is not in it."""
    return Enum(members, native_enum=False, length=16, values_callable=lambda enum: [member.value for member in enum])


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: always aware, always UTC, to the microsecond. Refuses a naive one with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite has no time zones: its text form is the UTC one, which also sorts."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"a moment needs a time zone: {value.isoformat()}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """PostgreSQL answers in the session's time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class SafeText(TypeDecorator[str]):
    """Text that may come from a hostile message; see `storable`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's
        """Also applied to the values of a WHERE, so that what was stored is found."""
        return None if value is None else storable(value)


class Strings(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """ASCII JSON escapes what `storable` would have to replace."""
        return None if value is None else _json(list(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:  # noqa: ARG002
        """Back to a tuple."""
        return None if value is None else tuple(json.loads(value))


class Said(TypeDecorator[str]):
    """Text, or a `Sentence` that can be translated when it comes back."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's
        """A sentence as a JSON object, other text as it is."""
        return None if value is None else storable(told(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Back to what it was."""
        return None if value is None else heard(value)


class Sentences(TypeDecorator[tuple[str, ...]]):
    """A tuple of sentences as a JSON array; plain strings in it are sentences that were stored by an older version."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Each as an object, or a plain string."""
        return None if value is None else _json([as_told(sentence) for sentence in value])

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:  # noqa: ARG002
        """Back to a tuple."""
        return None if value is None else tuple(map(as_heard, json.loads(value)))


class StringMap(TypeDecorator["Mapping[str, str]"]):
    """A mapping from strings to strings as a JSON object; read-only when it comes back."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Keys in order, so that equal mappings have equal rows."""
        return None if value is None else _json(dict(sorted(value.items())))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, str] | None:  # noqa: ARG002
        """Back to a mapping."""
        return None if value is None else MappingProxyType(json.loads(value))


class Findings(TypeDecorator[tuple[StoredFinding, ...]]):
    """The findings of a case as a JSON array of objects."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[StoredFinding, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """One object for each finding, named as its fields."""
        return None if value is None else _json([_finding_told(finding) for finding in value])

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[StoredFinding, ...] | None:  # noqa: ARG002
        """Back to findings."""
        return None if value is None else tuple(map(_finding, json.loads(value)))


class Evidence(TypeDecorator[Authentication]):
    """What sender authentication found, as a JSON object named as its fields."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Authentication | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Enumerations stand as their words."""
        return None if value is None else _json(_told(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Authentication | None:  # noqa: ARG002
        """Back to values."""
        return None if value is None else _evidence(json.loads(value))


def named(value: DataclassInstance) -> dict[str, Any]:
    """Fields by their names, one deep; `dataclasses.asdict` would copy them, which what never changes doesn't need."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _finding_told(value: StoredFinding) -> dict[str, Any]:
    return {name: as_told(said) for name, said in named(value).items()}


def _finding(found: dict[str, Any]) -> StoredFinding:
    return StoredFinding(**{name: as_heard(said) for name, said in found.items()})


def _told(value: Authentication) -> dict[str, Any]:
    return {
        "spf": _result_told(value.spf),
        "dkim": [_result_told(result) for result in value.dkim],
        "dmarc": _result_told(value.dmarc),
        "dmarc_policy": value.dmarc_policy,
        "answers": [named(answer) for answer in value.answers],
    }


def _evidence(found: dict[str, Any]) -> Authentication:
    return Authentication(
        spf=_method_result(found["spf"]),
        dkim=tuple(map(_method_result, found["dkim"])),
        dmarc=_method_result(found["dmarc"]),
        dmarc_policy=found["dmarc_policy"],
        answers=tuple(_answer(answer) for answer in found["answers"]),
    )


def _result_told(value: MethodResult) -> dict[str, Any]:
    return {"result": value.result, "domain": value.domain, "reason": as_told(value.reason)}


def _method_result(found: dict[str, Any]) -> MethodResult:
    return MethodResult(result=Result(found["result"]), domain=found["domain"], reason=as_heard(found["reason"]))


def _answer(found: dict[str, Any]) -> DnsAnswer:
    return DnsAnswer(
        name=found["name"],
        kind=found["kind"],
        status=DnsStatus(found["status"]),
        records=tuple(found["records"]),
        reason=found["reason"],
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
