"""Authentication-Results, read by the grammar of RFC 8601 §2.2: a field's value in, results out, or None.

Verdicts stand where the grammar has them; what a comment or a quoted string holds is never one. A value that breaks the
grammar says nothing at all: half of a field that somebody managed to break is worse than none. Where the field is laxer
than the RFC this is too: unquoted `/` and `=` in values, empty values, a semicolon at the end. Linear in the octets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Property:
    """One `ptype.property=value`, the first two in lower case: `smtp.mailfrom=a@town.example`."""

    ptype: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class MethodVerdict:
    """One method's result, both words in lower case, and what it was about."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[Property, ...] = ()

    def about(self, ptype: str, name: str) -> str:
        """The property's value; "" when it is not there, or is there with several values."""
        values = {one.value for one in self.properties if (one.ptype, one.name) == (ptype, name)}
        return values.pop() if len(values) == 1 else ""


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field. No verdicts: "none", no method was tried."""

    authserv_id: str
    verdicts: tuple[MethodVerdict, ...]


def parse_authentication_results(value: str) -> AuthenticationResults | None:
    """The field's value, folding kept, or None when it is not what RFC 8601 calls one. Never raises."""
    try:
        return _field(Scanner(value))
    except BrokenError:
        return None


class BrokenError(Exception):
    """The text does not go on as its grammar wants."""


_SPACE = re.compile(r"[ \t\r\n]*+")
_IN_COMMENT = re.compile(r"[^()\\]*+")
_QUOTED = re.compile(r'"((?:[^"\\\x00]|\\[^\x00])*+)"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*+)")
_PLAIN = re.compile(r'[^\x00-\x20\x7f;()"]*+')
_DIGITS = re.compile(r"[0-9]++")


class Scanner:
    """Reads a structured field from left to right (RFC 5322 §3.2); BrokenError where it can't go on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at_end(self) -> bool:
        """Nothing is left but white space and comments."""
        self.skip()
        return self._at == len(self._text)

    def skip(self) -> None:
        """White space and comments, nested ones too (RFC 5322 §3.2.2)."""
        self._match(_SPACE)
        while self._text.startswith("(", self._at):
            self._comment()
            self._match(_SPACE)

    def _comment(self) -> None:
        depth = 0
        while True:
            self._match(_IN_COMMENT)
            mark = self._text[self._at : self._at + 1]
            if not mark:
                raise BrokenError
            self._at += 2 if mark == "\\" else 1
            depth += (mark == "(") - (mark == ")")
            if not depth:
                return

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def stands(self, mark: str) -> bool:
        """Whether this comes next, behind white space and comments."""
        self.skip()
        return self._text.startswith(mark, self._at)

    def took(self, mark: str) -> bool:
        """The same; it is read then."""
        found = self.stands(mark)
        self._at += len(mark) if found else 0
        return found

    def want(self, mark: str) -> None:
        """The same, where it must be."""
        if not self.took(mark):
            raise BrokenError

    def keyword(self) -> str:
        """A Keyword, in lower case (RFC 5321 §4.1.2; with the underscores that are seen)."""
        self.skip()
        found = self._match(_KEYWORD)
        if found is None:
            raise BrokenError
        return found[0].lower()

    def digits(self) -> str:
        """A number, or "" when none stands next."""
        self.skip()
        found = self._match(_DIGITS)
        return found[0] if found else ""

    def value(self) -> str:
        """A quoted string, plain text up to white space or a mark, or the one behind the other; may be empty."""
        self.skip()
        quoted = self._match(_QUOTED)
        plain = self._match(_PLAIN)
        head = _QUOTED_PAIR.sub(r"\1", _FOLD.sub("", quoted[1])) if quoted else ""
        return head + (plain[0] if plain else "")


def _field(scanner: Scanner) -> AuthenticationResults:
    authserv_id = scanner.value()
    if not authserv_id or "=" in authserv_id:
        raise BrokenError
    if scanner.digits() not in {"", "1"}:
        raise BrokenError  # another version means we know not what (RFC 8601 §2.2)
    verdicts: list[MethodVerdict] = []
    while not scanner.at_end():
        scanner.want(";")
        if scanner.at_end():
            break
        method = scanner.keyword()
        if method == "none" and not verdicts and scanner.at_end():
            break
        verdicts.append(_verdict(scanner, method))
    return AuthenticationResults(authserv_id, tuple(verdicts))


def _verdict(scanner: Scanner, method: str) -> MethodVerdict:
    if scanner.took("/") and not scanner.digits():
        raise BrokenError
    scanner.want("=")
    result, reason = scanner.keyword(), ""
    properties: list[Property] = []
    while not scanner.at_end() and not scanner.stands(";"):
        ptype = scanner.keyword()
        if ptype == "reason" and not reason and not properties and scanner.took("="):
            reason = scanner.value()
            continue
        scanner.want(".")
        name = scanner.keyword()
        scanner.want("=")
        properties.append(Property(ptype, name, scanner.value()))
    return MethodVerdict(method, result, reason, tuple(properties))
