"""The strict reading of an originator field: an address list by RFC 5322 §3.4, obsolete forms of §4.4 included.

With the characters of RFC 6532 and the groups of RFC 6854. Never guesses: what the grammar does not give is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from filters.address import Mailbox

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00a0-\ud7ff\ue000-\U0010ffff]++"
_QUOTED_STRING = r'"(?:[^"\\\r\n]|\r?\n(?=[ \t])|\\[\t -~])*+"'
_TOKEN = re.compile(
    r"(?P<space>(?:[ \t]|\r?\n(?=[ \t]))++)"
    rf"|(?P<word>{_ATOM}|{_QUOTED_STRING})"
    r"|(?P<literal>\[(?:[!-Z^-~ \t]|\r?\n(?=[ \t]))*+\])"
    r"|(?P<special>[<>,;:@.])"
)
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)
_CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff]")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


class Form(StrEnum):
    """Forms that are legal and that some readers don't know, in words."""

    GROUP = "group syntax"
    ROUTE = "a source route"


@dataclass(frozen=True, slots=True)
class AddressList:
    """What the grammar gives: the mailboxes in order, the unusual forms, and the text without its comments."""

    mailboxes: tuple[Mailbox, ...]
    forms: tuple[Form, ...]
    text: str


def parse_address_list(text: str) -> AddressList | None:
    """Every mailbox of a field body, or None where RFC 5322 gives no reading. `<>` is a list without mailboxes."""
    if _CONTROL.search(text):
        return None
    try:
        tokens, uncommented = _scan(text)
        parser = _Parser(tokens)
        parser.address_list()
    except _MalformedError:
        return None
    return AddressList(tuple(parser.mailboxes), tuple(dict.fromkeys(parser.forms)), uncommented)


class _MalformedError(Exception):
    """The grammar ends here; never leaves this module."""


_END = ""


def _scan(text: str) -> tuple[list[str], str]:
    """The tokens without white space and comments, and the text without comments."""
    tokens, kept, position = [], [], 0
    while position < len(text):
        if text[position] == "(":
            position = _after_comment(text, position)
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            raise _MalformedError
        position = match.end()
        kept.append(match[0])
        if match.lastgroup != "space":
            tokens.append(match[0])
    return tokens, "".join(kept)


def _after_comment(text: str, start: int) -> int:
    """Comments nest, and quote with a backslash (RFC 5322 §3.2.2)."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    raise _MalformedError


@dataclass(slots=True)
class _Parser:
    """Recursive descent over the tokens; one method for one rule of the grammar."""

    tokens: list[str]
    at: int = 0
    mailboxes: list[Mailbox] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)

    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def take(self) -> str:
        token = self.next()
        self.at += 1
        return token

    def expect(self, special: str) -> None:
        if self.take() != special:
            raise _MalformedError

    def address_list(self) -> None:
        """Empty elements are obsolete and legal (§4.4); a list of nothing else is not."""
        if all(token == "," for token in self.tokens):
            raise _MalformedError
        self.list_until(_END, groups=True)

    def list_until(self, end: str, *, groups: bool) -> None:
        while self.next() != end:
            if self.next() != ",":
                self.address(groups=groups)
            if self.next() not in {",", end}:
                raise _MalformedError
            if self.next() == ",":
                self.take()
        self.take()

    def address(self, *, groups: bool) -> None:
        words = self.words()
        match self.take():
            case "@":
                self.mailboxes.append(Mailbox(_local_part(words), self.domain()))
            case "<" if not words or words[0] != ".":
                self.angle()
            case ":" if groups and words and words[0] != ".":
                self.forms.append(Form.GROUP)
                self.list_until(";", groups=False)
            case _:
                raise _MalformedError

    def angle(self) -> None:
        """What stands in angle brackets; nothing at all is the null path of a Return-Path field (§3.6.7)."""
        if self.next() == ">" and self.tokens == ["<", ">"]:
            self.take()
            return
        if self.next() == "@":
            self.route()
        local_part = _local_part(self.words())
        self.expect("@")
        self.mailboxes.append(Mailbox(local_part, self.domain()))
        self.expect(">")

    def route(self) -> None:
        """§4.4 obs-route: its hosts are no senders; the mailbox behind the colon is."""
        self.forms.append(Form.ROUTE)
        while self.next() in {"@", ","}:
            if self.take() == "@":
                self.domain()
        self.expect(":")

    def words(self) -> list[str]:
        """Atoms, quoted strings and dots: a phrase or a local part, as what follows will tell."""
        start = self.at
        while (token := self.next()) == "." or _is_word(token):
            self.at += 1
        return self.tokens[start : self.at]

    def domain(self) -> str:
        if self.next().startswith("["):
            return re.sub(r"\s", "", self.take())
        words = self.words()
        if not _alternates(words) or any(word.startswith('"') for word in words):
            raise _MalformedError
        return "".join(words)


def _is_word(token: str) -> bool:
    return bool(token) and token[0] not in "<>,;:@.["


def _alternates(words: list[str]) -> bool:
    """Word, dot, word, ... word."""
    return len(words) % 2 == 1 and all((word == ".") == bool(number % 2) for number, word in enumerate(words))


def _local_part(words: list[str]) -> str:
    """As received; but `"a".b` (§4.4 obs-local-part) becomes `"a.b"`, which every comparison can read."""
    if not _alternates(words):
        raise _MalformedError
    if len(words) == 1 or not any(word.startswith('"') for word in words):
        return "".join(words)
    content = "".join(_QUOTED_PAIR.sub(r"\1", word[1:-1]) if word.startswith('"') else word for word in words)
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
