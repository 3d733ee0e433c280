"""The kinds of value that keys hold: how a TOML value of each is read, and what would be right where it can't be.

Never looks anything up: names are not resolved, addresses not probed (RFC 5321 §4.1.2, by email-validator without
DNS), files only opened to see that they can be. What may hold a secret (`store_url`) is never quoted.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from email_validator import EmailNotValidError, validate_email

from filters.address import canonical_domain
from gateway.settings.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum
    from pathlib import Path

    from gateway.settings.values import IPNetwork

DNS_PORT = 53
"""RFC 1035 §4.2."""
DAY = 86400
"""Seconds."""

_LONGEST_QUOTED = 60
_LONGEST_INTEGER = 64
"""Bits (TOML 1.0.0)."""
_TYPE_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "an array",
    dict: "a table",
    date: "a date",
    time: "a time",
    datetime: "a date and time",
}
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBERS_ONLY = re.compile(r"[0-9.]+")
_ENDPOINT = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<host>[^\[\]:]+)):(?P<port>[0-9]{1,5})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class UnfitError(ValueError):
    """A value is not of its kind. The message completes "KEY ...".

    `right` completes "write ...", where that can be told better than by the kind; `item` is the place in the array.
    """

    def __init__(self, wrong: str, *, right: str = "", item: int | None = None) -> None:
        super().__init__(wrong)
        self.right = right
        self.item = item


class UnfitItemsError(ValueError):
    """Items of an array are not of its kind: one `UnfitError` for each of them."""

    def __init__(self, problems: list[UnfitError]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value. `read` takes a TOML value and the directory that relative paths start from.

    It returns the value as the settings hold it, or raises `UnfitError` or `UnfitItemsError`; `right` completes
    "write ...". `item` is the kind of an array's items.
    """

    right: str
    read: Callable[[object, Path], object]
    item: Kind | None = None


def described(value: object) -> str:
    """The TOML type of a value, with its article."""
    return _TYPE_NAMES.get(type(value), "no TOML value")


def quoted(text: str) -> str:
    """The text as a TOML string on one line, cut where it is long."""
    return json.dumps(text if len(text) <= _LONGEST_QUOTED else text[:_LONGEST_QUOTED] + "…", ensure_ascii=False)


def _string_kind(right: str, parse: Callable[[str], object]) -> Kind:
    return Kind(right, lambda value, _: parse(_string(value)))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise UnfitError(f"is {described(value)}, not a string")
    if _CONTROL.search(value):
        raise UnfitError("holds a line break or another control character")
    return value


def _parse_zone(value: str) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 -- only who sets the key needs the tables

    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError) as error:  # not in the tables, or leading out of them
        raise UnfitError(f"{quoted(value)} is no time zone") from error


def _parse_filled(value: str) -> str:
    if not value.strip():
        raise UnfitError("is empty")
    return value


def filled(right: str) -> Kind:
    """A one-line text that is not empty."""
    return _string_kind(right, _parse_filled)


def optional(kind: Kind, empty: object = "") -> Kind:
    """That kind, or the empty string, which is read as `empty`."""
    return Kind(f'{kind.right}, or ""', lambda value, directory: empty if value == "" else kind.read(value, directory))


def several(kind: Kind, right: str, *, least: int = 0, unique: bool = True) -> Kind:
    """An array of that kind, read as a tuple."""

    def read(value: object, directory: Path) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise UnfitError(f"is {described(value)}, not an array")
        if len(value) < least:
            raise UnfitError("is empty")
        items: list[object] = []
        problems: list[UnfitError] = []
        for number, given in enumerate(value):
            try:
                item = kind.read(given, directory)
            except UnfitError as error:
                problems.append(_in_array(error, number))
            else:
                if unique and item in items:
                    problems.append(UnfitError(f"names {item} twice", right="each once", item=number))
                items.append(item)
        if problems:
            raise UnfitItemsError(problems)
        return tuple(items)

    return Kind(right, read, kind)


def _in_array(error: UnfitError, number: int) -> UnfitError:
    """A message that does not quote the value tells which item it is about."""
    wrong = f"item {number + 1} {error}" if str(error).startswith(("is ", "holds ")) else str(error)
    return UnfitError(wrong, right=error.right, item=number)


def one_of(*words: StrEnum) -> Kind:
    """One word out of a closed list."""

    def parse(value: str) -> StrEnum:
        for word in words:
            if value == word.value:
                return word
        raise UnfitError(f"{quoted(value)} is none of its values")

    names = [quoted(word.value) for word in words]
    return _string_kind(" or ".join(filter(None, [", ".join(names[:-1]), names[-1]])), parse)


def _read_boolean(value: object, _: Path) -> bool:
    if not isinstance(value, bool):
        raise UnfitError(f"is {described(value)}, not a boolean")
    return value


def whole(least: int, most: int, unit: str = "") -> Kind:
    """A whole number of something."""

    def read(value: object, _: Path) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise UnfitError(f"is {described(value)}, not an integer")
        if not least <= value <= most:
            raise _out_of_range(value)
        return value

    return Kind(f"a whole number{unit and ' of '}{unit} from {least} to {most}", read)


def seconds(most: int) -> Kind:
    """A time span that is longer than nothing; whole or with a fraction."""

    def read(value: object, _: Path) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise UnfitError(f"is {described(value)}, not a number")
        if not 0 < value <= most:  # TOML has nan too, which is neither
            raise _out_of_range(value)
        return value

    return Kind(f"a number of seconds above 0, at most {most}", read)


def _out_of_range(value: float) -> UnfitError:
    """Without the number where it is longer than TOML allows: Python does not even write down the longest."""
    endless = isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER
    return UnfitError(f"{'the number' if endless else value} is out of range")


def _parse_address(value: str) -> str:
    """email-validator judges the local part, we the domain: it refuses all that RFC 6761 reserves, `.local` too."""
    local_part, at, domain = value.rpartition("@")
    if not at or not domain:
        raise UnfitError(f"{quoted(value)} is no e-mail address (it has no domain after an @)")
    try:
        _parse_domain(domain)
        validate_email(f"{local_part}@police.example", check_deliverability=False)
    except (EmailNotValidError, UnfitError) as error:
        raise UnfitError(f"{quoted(value)} is no e-mail address ({str(error).rstrip('.')})") from None
    return value


def _parse_domain(value: str) -> str:
    name = canonical_domain(value)
    if not value:
        raise UnfitError("is empty")
    if "*" in value or value.startswith("."):
        raise UnfitError(f"{quoted(value)} is a pattern", right="each domain by its exact name")
    if "@" in value:
        raise UnfitError(f"{quoted(value)} is an address", right="only what stands after its @")
    if ".." in value or not _is_host_name(name) or _NUMBERS_ONLY.fullmatch(name):
        raise UnfitError(f"{quoted(value)} is no domain name")
    return name


def _parse_selector(value: str) -> str:
    """RFC 6376 §3.1: labels as of a host name; a number, such as a date, is one too."""
    if not _is_host_name(value.lower()):
        raise UnfitError(f"{quoted(value)} is no selector")
    return value.lower()


def _is_host_name(name: str) -> bool:
    """RFC 1123 §2.1, with the underscore that container networks use."""
    return len(name) <= 253 and _HOST_NAME.fullmatch(name) is not None


def _endpoint_parser(lowest_port: int) -> Callable[[str], Endpoint]:
    def parse(value: str) -> Endpoint:
        found = _ENDPOINT.fullmatch(value)
        if found is None:
            raise _malformed_endpoint(value)
        if not lowest_port <= int(found["port"]) <= 65535:
            raise UnfitError(f"{quoted(value)} has a port outside {lowest_port} to 65535")
        host = found["host"] or found["bracketed"]
        _check_host(value, host, bracketed=found["host"] is None)
        return Endpoint(host, int(found["port"]))

    return parse


def _malformed_endpoint(value: str) -> UnfitError:
    if value.count(":") > 1 and "[" not in value:
        return UnfitError(f"{quoted(value)} has an IPv6 address without brackets", right='it as in "[::1]:25"')
    if ":" not in value or value.endswith("]"):
        return UnfitError(f"{quoted(value)} has no port")
    return UnfitError(f"{quoted(value)} is no host:port")


def _check_host(value: str, host: str, *, bracketed: bool) -> None:
    """Numbers and dots must be an IPv4 address: the resolver reads "127.1" or "10.0.0.300" in surprising ways."""
    if bracketed:
        fits = _is_ip(host, ipaddress.IPv6Address)
    elif _NUMBERS_ONLY.fullmatch(host):
        fits = _is_ip(host, ipaddress.IPv4Address)
    else:
        fits = _is_host_name(host)
    if not fits:
        raise UnfitError(f"{quoted(value)} has no valid host before the port")


def _is_ip(host: str, version: Callable[[str], object]) -> bool:
    try:
        version(host)
    except ValueError:
        return False
    return True


def parse_nameserver(value: str) -> Endpoint:
    """A name server, as the configuration writes it. Raises UnfitError."""
    if _is_ip(value, ipaddress.ip_address):
        return Endpoint(value, DNS_PORT)
    endpoint = _endpoint_parser(1)(value)
    if not _is_ip(endpoint.host, ipaddress.ip_address):
        raise UnfitError(f"{quoted(value)} is no IP address, and a name server can't be looked up by name")
    return endpoint


def network(value: str) -> IPNetwork:
    """A network in CIDR form; a lone address is a network of one. Raises UnfitError."""
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        pass
    try:
        loose = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise UnfitError(f"{quoted(value)} is no network") from None
    raise UnfitError(f"{quoted(value)} has bits beyond its prefix", right=f"{quoted(str(loose))}, or the address alone")


def _parse_network_or_domain(value: str) -> IPNetwork | str:
    """Something with a slash or a colon, or of digits and dots alone, is meant to be a network."""
    return network(value) if re.search(r"[/:]", value) or _NUMBERS_ONLY.fullmatch(value) else _parse_domain(value)


def _read_file(value: object, directory: Path) -> Path:
    """The path, absolute; that it can be opened now tells at start what would else fail at the first message."""
    path = directory / _parse_filled(_string(value))
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise UnfitError(f"{path} can't be read ({error.strerror})") from None


def _read_folder(value: object, directory: Path) -> Path:
    path = directory / _parse_filled(_string(value))
    if not path.is_dir():
        raise UnfitError(f"{path} is no directory")
    return path


def _read_store_url(value: object, directory: Path) -> str:
    """A URL whose file, if it has one, is absolute. Never quoted: it may hold a password."""
    url = _string(value)
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgresql", "postgresql+psycopg"}:
        return url
    if scheme not in {"sqlite", "sqlite+aiosqlite"}:
        raise UnfitError("is no URL of a database that is supported")
    name = rest.removeprefix("/")
    if name in {"", ":memory:", rest} or name.startswith("file:"):
        raise UnfitError("names no file for SQLite")
    return f"{scheme}:///{quote(str((directory / name).resolve()))}"  # the store decodes it


def _parse_public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(r"[\s?#@]", value):
        raise UnfitError(f"{quoted(value)} is no address of a web site")
    return value.rstrip("/")


TEXT = _string_kind("a text on one line", str)
BOOLEAN = Kind("true or false", _read_boolean)
ADDRESS = _string_kind("an e-mail address such as liaison@police.example", _parse_address)
ADDRESSES = several(ADDRESS, "an array of e-mail addresses")
DOMAIN = _string_kind("a domain such as police.example", _parse_domain)
SELECTOR = _string_kind("a selector such as liaison1", _parse_selector)
DOMAINS = several(DOMAIN, 'an array of domains such as ["police.example"]')
LISTENER = _string_kind('host:port such as "127.0.0.1:8025"; port 0 takes a free one', _endpoint_parser(0))
LISTENERS = several(
    LISTENER,
    'an array of host:port such as ["127.0.0.1:2525", "[::1]:2525"]; port 0 takes a free one',
    least=1,
    unique=False,  # port 0 may stand there more than once
)
HOP = _string_kind('host:port such as "mail.police.example:25" or "[::1]:25"', _endpoint_parser(1))
HOPS = several(HOP, 'an array of host:port such as ["mail.police.example:25", "[::1]:25"]', least=1)
NAMESERVERS = several(
    _string_kind("an IP address", parse_nameserver), 'an array of IP addresses or IP:port such as ["9.9.9.9"]'
)
NETWORKS = several(_string_kind("a network", network), 'an array of networks such as ["10.0.0.0/8", "::1/128"]')
NETWORKS_AND_DOMAINS = several(
    _string_kind("a network or a domain", _parse_network_or_domain),
    'an array of networks and domains such as ["192.0.2.0/24", "partner.example"]',
)
FILE = Kind("the path of a readable file; relative ones start at the configuration file's directory", _read_file)
FOLDER = Kind("the path of a directory; relative ones start at the configuration file's directory", _read_folder)
FILES = several(FILE, f"an array: each item {FILE.right}")
STORE_URL = Kind("sqlite:///path/to/file.db or postgresql://user@host/name", _read_store_url)
ZONE = _string_kind('the name of a time zone such as "America/Toronto" or "UTC"', _parse_zone)
PUBLIC_URL = _string_kind('a URL such as "https://liaison.police.example"', _parse_public_url)
