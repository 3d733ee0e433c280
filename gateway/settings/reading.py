"""Reads the configuration: finds the file, reads every key by its kind, names every problem at once.

Settings are returned whole or not at all. Nothing else in the gateway reads configuration or environment.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from filters.disposition import DEFAULT_POLICY, Policy, Tier
from gateway.errors import ConfigurationError
from gateway.settings.checks import conflicts
from gateway.settings.document import LOCATOR, Document, parse_document, read_document
from gateway.settings.kinds import UnfitError, UnfitItemsError, described
from gateway.settings.rendering import header, literal
from gateway.settings.schema import CONFIGURABLE_TIERS, KeySpec, dotted, keys_of, plain, sections
from gateway.settings.tree import Metrics, PolicyCells, Route, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.settings.lines import KeyPath

PLACES = (Path("config/gateway.toml"), Path("/etc/liaison/gateway.toml"))
"""Where the file is looked for when nobody names it."""

T = TypeVar("T")


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of this file, else of $LIAISON_CONFIG, else of the first of PLACES; `LIAISON_*` goes above it.

    Raises ConfigurationError with every problem there is.
    """
    return _whole(_document(path, environ))


def load_metrics(path: Path | None, environ: Mapping[str, str]) -> tuple[Metrics, list[str]]:
    """[metrics] of the same file, and what is wrong elsewhere in it. Raises ConfigurationError if it is there."""
    reading = _Reading(_document(path, environ))
    settings = reading.settings()
    if reading.is_spoiled(("metrics",)):
        raise ConfigurationError(reading.problems)
    return settings.metrics, reading.problems


def load_text(text: str, file: Path) -> Settings:
    """The settings of a text that is to stand in this file. Raises ConfigurationError with every problem there is."""
    return _whole(parse_document(text, file))


def _whole(document: Document) -> Settings:
    reading = _Reading(document)
    settings = reading.settings()
    if reading.problems:
        raise ConfigurationError(reading.problems)
    return settings


def _document(path: Path | None, environ: Mapping[str, str]) -> Document:
    file, named_by = (path, "") if path else _find(environ)
    return read_document(file, environ, named_by)


def _find(environ: Mapping[str, str]) -> tuple[Path, str]:
    """The file, and how a sentence about it ends: its reader has typed no name."""
    if environ.get(LOCATOR):
        return Path(environ[LOCATOR]), f"; the variable {LOCATOR} names it"
    found = next(filter(_is_there, PLACES), None)
    if found is None:
        looked_for = f"There is no configuration file: looked for {' and '.join(map(str, PLACES))}"
        raise ConfigurationError([f"{looked_for}; --config PATH names one, and `liaison init` writes one"])
    return found, "; --config PATH names another"


def _is_there(place: Path) -> bool:
    """A file behind a closed directory counts: reading it will say why it can't be had."""
    try:
        return place.is_file()
    except PermissionError:
        return True


class _Reading:
    """One pass over one document. Values that can't be read leave their defaults, so that all others are seen too."""

    def __init__(self, document: Document) -> None:
        self._found = [(0, sentence) for sentence in document.stray]
        self._document = document
        self._directory = document.file.absolute().parent
        self._spoiled: set[KeyPath] = set()

    @property
    def problems(self) -> list[str]:
        """Every problem so far: those of the environment, then those of the file from its top."""
        return [sentence for _, sentence in sorted(self._found, key=itemgetter(0))]

    def settings(self) -> Settings:
        values = self._document.values
        names = [spec.name for spec in keys_of(Settings)] + [section.name for section in sections()]
        self._refuse_unknown(values, names, ())
        read: dict[str, object] = {"file": self._document.file.absolute(), **self._keys(Settings, values, ())}
        for section in sections():
            match section.name:
                case "route":
                    read["route"] = self._routes()
                case "policy":
                    read["policy"] = self._policy()
                case name:
                    read[name] = self._table(section.fields, values.get(name, {}), (name,))
        settings = self._own_mailboxes(_made(Settings, read))
        self._check(settings)
        return settings

    def _routes(self) -> tuple[Route, ...]:
        tables = self._document.values.get("route", [])
        if not isinstance(tables, list):
            self._complain(("route",), f"is {described(tables)}, not an array of tables", "write [[route]]")
            return ()
        if not tables:
            self._complain(("route",), "there is none", "write [[route]] with domains and next_hop below it")
        routes = (self._table(Route, table, ("route", number)) for number, table in enumerate(tables))
        return tuple(route for route in routes if route is not None)

    def _policy(self) -> Mapping[Tier, Policy]:
        tables = self._document.values.get("policy", {})
        if not isinstance(tables, dict):
            self._complain(("policy",), f"is {described(tables)}, not a table", "write [policy.TIER]")
            return DEFAULT_POLICY
        self._refuse_unknown(tables, [tier.value for tier in CONFIGURABLE_TIERS], ("policy",))
        rows: dict[Tier, Policy] = {}
        for tier in CONFIGURABLE_TIERS:
            cells = self._table(PolicyCells, tables.get(tier.value, {}), ("policy", tier.value))
            rows[tier] = _row(DEFAULT_POLICY[tier], cells or PolicyCells())
        return MappingProxyType({**DEFAULT_POLICY, **rows})

    def _table(self, kind: type[T], table: object, path: KeyPath) -> T | None:
        """One table; None when a key without default can't be read."""
        if not isinstance(table, dict):
            self._complain(path, f"is {described(table)}, not a table", f"write [{dotted(path)}]")
            table = {}
        self._refuse_unknown(table, [spec.name for spec in keys_of(kind)], path)
        read = self._keys(kind, table, path)
        whole = all(spec.attribute in read for spec in keys_of(kind) if spec.is_required)
        return _made(kind, read) if whole else None

    def _keys(self, kind: type, table: Mapping[str, object], path: KeyPath) -> dict[str, object]:
        """The values that can be read, by attribute. Defaults are read like the rest: they may hold relative paths."""
        read: dict[str, object] = {}
        for spec in keys_of(kind):
            if spec.name in table:
                value = table[spec.name]
            elif spec.is_required:
                self._complain((*path, spec.name), "is missing", f"write {spec.name} = {literal(spec.key.shown)}")
                continue
            elif spec.default is None:
                continue
            else:
                value = plain(spec.default)
            try:
                read[spec.attribute] = spec.key.kind.read(value, self._directory)
            except UnfitError as error:
                self._complain_unfit((*path, spec.name), spec, error)
            except UnfitItemsError as error:
                for problem in error.problems:
                    self._complain_unfit((*path, spec.name), spec, problem)
        return read

    def _complain_unfit(self, path: KeyPath, spec: KeySpec, error: UnfitError) -> None:
        at = path if error.item is None else (*path, error.item)
        self._complain(at, str(error), f"write {error.right or spec.key.kind.right}")

    def _refuse_unknown(self, table: Iterable[str], known: Sequence[str], path: KeyPath) -> None:
        for name in table:
            if name not in known:
                wrong = "there is no such key" if path else "there is no such key or table"
                self._complain((*path, name), wrong, _suggestion(name, known, path))

    def _own_mailboxes(self, settings: Settings) -> Settings:
        """Reports come from, and digests go to, the agency's own contact unless the file names another."""
        contact = settings.agency.contact_email
        if not self._names("collation", "from"):
            settings = replace(settings, collation=replace(settings.collation, from_=contact))
        if not self._names("digest", "to"):
            settings = replace(settings, digest=replace(settings.digest, to=contact))
        return settings

    def _names(self, section: str, key: str) -> bool:
        table = self._document.values.get(section)
        return isinstance(table, dict) and key in table

    def _check(self, settings: Settings) -> None:
        """Conflicts between keys that could all be read: the others were complained about."""
        for conflict in conflicts(settings):
            if not any(self.is_spoiled(key) for key in conflict.keys):
                self._complain(conflict.keys[0], conflict.wrong, f"write {conflict.right}")

    def is_spoiled(self, key: KeyPath) -> bool:
        """Whether something was complained about at the key, around it or below it."""
        return any(key[: len(bad)] == bad or bad[: len(key)] == key for bad in self._spoiled)

    def _complain(self, path: KeyPath, wrong: str, right: str) -> None:
        self._spoiled.add(path)
        line, place = self._document.where(path)
        self._found.append((line, f"{place}: {dotted(path)}: {wrong}; {right}"))


def _made(kind: Callable[..., T], values: Mapping[str, object]) -> T:
    """The values have the types of the annotations: each was read by the kind that stands beside its type."""
    return kind(**values)


def _row(default: Policy, cells: PolicyCells) -> Policy:
    return Policy(
        delivery=cells.delivery or default.delivery,
        decline=cells.decline or default.decline,
        report=cells.report or default.report,
        notice=default.notice if cells.notice is None else cells.notice,
    )


def _suggestion(name: str, known: Sequence[str], path: KeyPath) -> str:
    """The nearest key of the same table, else the table that has the key, else all that could be meant."""
    if nearest := get_close_matches(name, known, n=1):
        return f"did you mean {nearest[0]}?"
    homes = [header(section.name) for section in sections() if name in {spec.name for spec in keys_of(section.fields)}]
    if homes and not path[1:]:
        return f"{name} belongs in {' or '.join(homes)}"
    return f"here are: {', '.join(known)}"
