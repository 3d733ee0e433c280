"""The header section of every mail that we originate, field by field, folded; and the guard against injection.

It never takes a value as it comes: each has a grammar, and what does not follow it raises `ComposeError`.
RFC 5322 §2.2.3, §3.4, §3.6; RFC 2047 §2, §5; RFC 3834 §3.1; RFC 5436 §2.7.1; RFC 6532 §3.2.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from gateway.compose.moments import in_utc
from gateway.compose.text import ComposeError, plain
from gateway.model.trace import date_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gateway.compose.values import Language

_PREFERRED, _LONGEST = 78, 998
"""Octets of a line without its CRLF: should and must (RFC 5322 §2.1.1)."""

_WORD_OCTETS = 45
"""Of UTF-8 in one encoded-word: 60 characters of base64 and 12 around it, of the 75 allowed (RFC 2047 §2)."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]"
_UTEXT = rf"(?:{_ATEXT}|[^\x00-\xa0\s])"
_LABEL = r"(?:[A-Za-z0-9]|[^\x00-\xa0\s])(?:(?:[A-Za-z0-9\-]|[^\x00-\xa0\s])*(?:[A-Za-z0-9]|[^\x00-\xa0\s]))?"
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_LITERAL = r"\[[A-Za-z0-9.:\-]+\]"
_MAILBOX = re.compile(rf"(?:{_UTEXT}+(?:\.{_UTEXT}+)*|{_QUOTED})@(?:{_LABEL}(?:\.{_LABEL})*|{_LITERAL})")
"""RFC 5321 §4.1.2 Mailbox, with the letters that RFC 6531 §3.3 adds."""

_MESSAGE_ID = re.compile(rf"<{_ATEXT}+(?:\.{_ATEXT}+)*@(?:{_ATEXT}+(?:\.{_ATEXT}+)*|\[[\x21-\x5a\x5e-\x7e]*\])>")
"""RFC 5322 §3.6.4 without its obsolete forms."""

_TOKEN = re.compile(r"[A-Za-z0-9._+\-]{1,200}")
"""What we hand in ourselves: references, loop tokens, the left side of a Message-ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What a mail of ours says of itself. `answers` is the original's Message-ID, or "" to answer to none."""

    sender_name: str
    sender: str
    recipient: str
    subject: str
    at: datetime
    message_id: str
    auto_submitted: str
    loop_token: str
    languages: tuple[Language, ...]
    answers: str = ""


def header_section(letterhead: Letterhead) -> bytes:
    """The fields that precede the MIME ones, each ended by CRLF. 8-bit only if an address is (RFC 6532)."""
    answers = [field(name, letterhead.answers) for name in ("In-Reply-To", "References") if letterhead.answers]
    return b"".join(
        (
            field("Date", *date_time(in_utc(letterhead.at)).split()),
            field("From", *phrase(letterhead.sender_name), f"<{mailbox(letterhead.sender)}>"),
            field("To", f"<{mailbox(letterhead.recipient)}>"),
            field("Subject", *unstructured(letterhead.subject)),
            field("Message-ID", letterhead.message_id),
            *answers,
            field("Auto-Submitted", *letterhead.auto_submitted.split()),
            field("X-Auto-Response-Suppress", "All"),
            field("X-Liaison-Loop", token("the loop token", letterhead.loop_token)),
            field("Content-Language", *", ".join(letterhead.languages).split()),
            field("MIME-Version", "1.0"),
        )
    )


def field(name: str, *words: str) -> bytes:
    """One header field from words that may not be broken, folded before 78 octets wherever there is a choice.

    Raises `ComposeError` if a word holds a control character or is longer than a line may be.
    """
    line = " ".join((f"{name}:", *words))
    if len(line) <= _PREFERRED and line.isascii() and line.isprintable():
        return line.encode() + b"\r\n"
    lines = [f"{name}:"]
    for word in words:
        plain(f"the field {name}", word)
        if len(lines[-1].encode()) + 1 + len(word.encode()) <= _PREFERRED or lines[-1] == f"{name}:":
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    if any(len(line.encode()) > _LONGEST for line in lines):
        raise ComposeError(f"the field {name} does not fit into lines of {_LONGEST} octets")
    return "\r\n".join(lines).encode() + b"\r\n"


def phrase(name: str) -> Iterator[str]:
    """A display name as words: a quoted-string, or encoded-words if it is not ASCII (RFC 2047 §5 (3))."""
    name = " ".join(plain("the display name", name).split())
    if name.isascii():
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        yield from f'"{escaped}"'.split(" ")
    else:
        yield from _encoded_words(name)


def unstructured(text: str) -> Iterator[str]:
    """A subject as words; runs of words that are not ASCII become encoded-words, the others stay readable."""
    words = plain("the subject", text).split()
    for readable, run in groupby(words, key=lambda word: word.isascii() and "=?" not in word):
        together = list(run)
        yield from together if readable else _encoded_words(" ".join(together))


def mailbox(address: str) -> str:
    """The address, if it is one mailbox and nothing else; else `ComposeError`."""
    plain("the address", address)
    if len(address) > 320 or not _MAILBOX.fullmatch(address):
        raise ComposeError("the address is not one mailbox as RFC 5321 §4.1.2 writes it")
    return address


def token(what: str, value: str) -> str:
    """A reference or token of ours: letters, digits and `. _ + -`, at most 200; else `ComposeError`."""
    if not _TOKEN.fullmatch(value):
        raise ComposeError(f"{what} is not a token")
    return value


def new_message_id(left: str, hostname: str) -> str:
    """`<left@hostname>` for a mail of ours."""
    message_id = f"<{token('the Message-ID', left)}@{hostname}>"
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ComposeError("the host name can't stand in a Message-ID")
    return message_id


def strict_message_id(text: str) -> str:
    """A Message-ID that somebody else wrote, if it is strictly one and at most 250 octets; else ""."""
    candidate = text.strip(" \t")
    return candidate if len(candidate) <= 250 and _MESSAGE_ID.fullmatch(candidate) else ""


def is_internationalized(*addresses: str) -> bool:
    """Whether mail that carries these addresses needs SMTPUTF8 (RFC 6531 §3.4)."""
    return not all(address.isascii() for address in addresses)


def _encoded_words(text: str) -> Iterator[str]:
    """RFC 2047 §2 in base64; no character is split between two words (§5), whose white space readers drop."""
    for chunk in _chunks(text):
        yield f"=?utf-8?b?{base64.b64encode(chunk.encode()).decode()}?="


def _chunks(text: str) -> Iterator[str]:
    """Cut after white space where there is some: Python's own parser, for one, sees a space at each cut."""
    chunk = ""
    for piece in re.findall(r"\S+\s*", text):
        for part in (piece,) if len(piece.encode()) <= _WORD_OCTETS else piece:
            if len((chunk + part).encode()) > _WORD_OCTETS:
                yield chunk
                chunk = ""
            chunk += part
    yield chunk
