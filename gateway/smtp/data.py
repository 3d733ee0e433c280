"""The reading of DATA: chunks off the wire into a spool, until CRLF.CRLF and nothing else (RFC 5321 §4.1.1.4).

Unstuffs dots (§4.5.2), counts what is limited, and judges at the end; after a limit is passed the rest is read and
thrown away, because the client listens only after its final dot. Never a loop over lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from filters.content import header_length
from filters.line_ends import has_bare_newline, normalize
from gateway.settings import BareNewlines
from gateway.smtp import replies
from gateway.spool import Spool

if TYPE_CHECKING:
    from gateway.model.reply import Reply
    from gateway.settings import Screening, Smtp
    from gateway.spool import Memory

_END = b"\r\n.\r\n"
_DOT = b"\r\n."
"""Where a line begins with a dot."""
_FIND_DOT = re.compile(re.escape(_DOT))  # finds what bytes.find() finds in half the time
_FIND_END = re.compile(re.escape(_END))
_HIDDEN_DOT = re.compile(rb"\n(?:\x00+\.\x00*|\.\x00+)(?=\r?\n)")
"""A line that is a lone dot but for NUL."""
_FIELD = re.compile(rb"^[!-9;-~]", re.MULTILINE)
_RECEIVED = re.compile(rb"^Received[ \t]*:", re.MULTILINE | re.IGNORECASE)


class DataReader:
    """One message being read. Feed it the input buffer until it says that the final dot was there."""

    def __init__(self, limits: Smtp, screening: Screening, memory: Memory | None = None) -> None:
        self.spool = Spool(memory)
        self.header_section = b""
        """As it leaves: its line ends are clean."""
        self.refusal: Reply | None = None
        """Set when the message can't be taken; known for certain only after the final dot."""
        self._limits = limits
        self._screening = screening
        self._tail = b"\r\n"
        """What may be the beginning of the end. At first the line end of the DATA command: with it in front, a dot at
        the very start is like any other."""
        self._prefix = 2
        """Octets of it that are still to be left out."""
        self._line = 0
        """Octets since the last line end."""
        self._begun = b""
        """The gist of that line."""
        self._verbatim = True
        self._bare = False
        """A line end was not CRLF."""

    def feed(self, octets: bytes) -> bytes | None:
        """Take what belongs to the message; once the final dot was there, what follows it (it may be empty)."""
        wire = self._tail + octets
        found = _FIND_DOT.search(wire)  # the end is a line that begins with a dot too, and in most mail the only one
        dot = found.start() if found is not None else len(wire)
        ending = found if found is None or wire.startswith(_END, dot) else _FIND_END.search(wire, dot)
        if ending is None:
            cut = max(_safe_cut(wire), 0)
            self._take(wire, cut, dotted=dot < cut - 2)
            self._tail = wire[cut:]
            return None
        end = ending.start()
        self._take(wire, end + 2, dotted=dot < end)
        self._judge()
        return wire[end + len(_END) :]

    def _take(self, wire: bytes, cut: int, *, dotted: bool) -> None:
        if cut <= 0:
            return
        octets = wire[:cut].replace(_DOT, b"\r\n")[self._prefix :] if dotted else wire[self._prefix : cut]
        self._prefix = 0
        if self.refusal is None:
            bare = has_bare_newline(octets)
            self._verbatim = self._verbatim and not (dotted or bare)
            self._bare = self._bare or bare
            self._inspect(octets, bare=bare)
        if self.refusal is None:
            self._keep(octets)

    def _keep(self, octets: bytes) -> None:
        if self.spool.size + len(octets) > self._limits.max_message_size:
            self._refuse(replies.MESSAGE_TOO_LARGE)
            return
        try:
            self.spool.write(octets)
        except OSError:
            self._refuse(replies.NO_ROOM)

    def _inspect(self, octets: bytes, *, bare: bool) -> None:
        most = self._limits.max_text_line
        too_long = self._line + _end_of_line(octets) > most or _has_longer_line(octets, most)
        last = octets.rfind(b"\n")
        self._line = len(octets) - last - 1 if last >= 0 else self._line + len(octets)
        if too_long or self._line > most:
            self._refuse(replies.text_line_too_long(most))
        if (0 in octets or 0 in self._begun) and _HIDDEN_DOT.search(b"".join((b"\n", self._begun, octets))):
            self._refuse(replies.HIDDEN_DOT)  # found as it comes in: the whole message need not stand in memory
        self._begun = _gist(self._begun + octets if last < 0 else octets[last + 1 :])
        if bare and self._limits.bare_newlines is BareNewlines.REJECT:
            self._refuse(replies.BARE_NEWLINE)

    def _judge(self) -> None:
        """What only the whole message shows."""
        try:
            if self.refusal is None:
                self._judge_whole()
        except OSError:  # the disk is full: what was written is written only now
            self._refuse(replies.NO_ROOM)

    def _judge_whole(self) -> None:
        self.spool.verbatim = self._verbatim
        limits = self._screening
        head = self.spool.head(limits.max_header_size + 2)
        section = head[: header_length(head)]
        self.header_section = normalize(section) if self._bare else section
        if len(section) > limits.max_header_size:
            self._refuse(replies.header_too_large(limits.max_header_size, limits.max_header_fields))
            return
        lines = self.header_section.count(b"\n")  # where there are few of them, there are few fields
        if lines > limits.max_header_fields and len(_FIELD.findall(self.header_section)) > limits.max_header_fields:
            self._refuse(replies.header_too_large(limits.max_header_size, limits.max_header_fields))
        elif lines > limits.max_received and len(_RECEIVED.findall(self.header_section)) > limits.max_received:
            self._refuse(replies.loop(limits.max_received))

    def _refuse(self, reply: Reply) -> None:
        self.refusal = self.refusal or reply
        self.spool.close()
        self.spool = Spool()


def _safe_cut(wire: bytes) -> int:
    """How much of the input can be taken without cutting a CRLF, a stuffed dot or the end in two."""
    cut = len(wire) - len(_END) + 1
    carriage_return = wire.find(b"\r", max(cut - 2, 0))
    return min(cut, carriage_return) if carriage_return >= 0 else cut


def _end_of_line(octets: bytes) -> int:
    """Where the first line ends, before its CRLF or bare LF; below 0 if it goes on."""
    end = octets.find(b"\n")
    return end - octets.startswith(b"\r", max(end - 1, 0))


def _has_longer_line(octets: bytes, most: int) -> bool:
    if len(octets) <= most:
        return False
    lines = octets.split(b"\n")
    longest = max(map(len, lines))  # with its CR
    return longest > most + 1 or (longest > most and any(len(line.removesuffix(b"\r")) > most for line in lines))


def _gist(line: bytes) -> bytes:
    """Enough of the beginning of a line to know at its end whether it is a lone dot but for NUL."""
    dot = line.strip(b"\0")
    return b"\0" * (0 in line) + dot if dot in {b"", b"."} else b"x"
