"""What a receiving SMTP server may answer, and must deliver: a second reading of RFC 5321 §4.1.4, to hold ours against.

Lines in, and for each the codes that may come; the code that did come moves it on. It knows nothing of our code, and
looks up what its lines mean in a table of the test's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

ANY_REFUSAL = "5.."


class Verb(Enum):
    """What a line asks for."""

    HELLO = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    RSET = auto()
    OTHER = auto()
    """Answered alike whenever it comes."""
    XCLIENT = auto()
    XFORWARD = auto()
    LAST = auto()
    """After its answer the connection is closed."""


@dataclass(frozen=True)
class Command:
    """`codes`: a pattern for what may come where the command is in its place, after EHLO; `after_helo`: after HELO."""

    verb: Verb
    codes: str = "250"
    address: str | None = None
    """Of MAIL and RCPT, as the next hop gets it; None: whatever it is."""
    after_helo: str = ""
    extended: bool = False
    """Of a greeting: EHLO. Of MAIL: SMTPUTF8."""


@dataclass
class Delivered:
    """What the next hop must have got for one 250."""

    reverse_path: str | None
    recipients: list[str] | None
    content: bytes


@dataclass
class Expectations:
    """One session. `answers()` says what may come for a line, `moved()` that it came."""

    commands: dict[bytes, Command]
    verdicts: dict[str, str] = field(default_factory=dict)
    """Reverse-path to what the next hop says of the content."""
    most_recipients: int = 1000
    rejects_bare_newlines: bool = False
    hello: bool | None = None
    """The last greeting was EHLO."""
    mail: Command | None = None
    recipients: list[str | None] = field(default_factory=list)
    refused: bool = False
    content: list[bytes] | None = None
    closed: bool = False
    delivered: list[Delivered] = field(default_factory=list)

    def answers(self, line: bytes) -> str:
        """A pattern for the code; "" where no answer may come yet."""
        if self.content is not None:
            return self._content_answer() if line == b"." else ""
        command = self.commands.get(line)
        if command is None or len(line) > 2048 or any(octet in line for octet in b"\r\n\0"):
            return "500"
        return self._out_of_order(command) or self._in_order(command)

    def _out_of_order(self, command: Command) -> str:
        match command.verb:
            case Verb.MAIL if self.hello is None or self.mail is not None:
                return "503"
            case Verb.RCPT if self.mail is None:
                return "503"
            case Verb.DATA if self.mail is None:
                return "503"
            case Verb.DATA if not self.recipients:
                return "554" if self.refused else "503"
            case Verb.XCLIENT | Verb.XFORWARD if self.mail is not None:
                return "503"
        return ""

    def _in_order(self, command: Command) -> str:
        if command.verb is Verb.MAIL and not self.hello:
            return command.after_helo or command.codes
        if command.verb is Verb.RCPT:
            return self._recipient_answer(command)
        return command.codes

    def _recipient_answer(self, command: Command) -> str:
        if command.address is not None and not command.address.isascii() and not (self.mail and self.mail.extended):
            return "553"
        full = self._is_new(command) and len(self.recipients) >= self.most_recipients
        return "452" if command.address is not None and full else command.codes

    def _is_new(self, command: Command) -> bool:
        known = {one.lower() for one in self.recipients if one is not None}
        return command.address is None or command.address.lower() not in known

    def _content_answer(self) -> str:
        sent = self._sent()
        if self.rejects_bare_newlines and sent != normalized(sent):
            return "550"
        if any(b"\0" in line and line.replace(b"\0", b"") == b"." for line in re.split(rb"\r?\n", sent)):
            return "554"
        return self.verdicts.get((self.mail and self.mail.address) or "", "250")

    def _sent(self) -> bytes:
        """The content, dots unstuffed (RFC 5321 §4.5.2)."""
        return b"".join(line.removeprefix(b".") + b"\r\n" for line in self.content or ())

    def moved(self, line: bytes, code: str) -> None:
        """This line was answered with that code; "" for a line of content."""
        if self.content is not None:
            self._content_moved(line, code)
            return
        command = self.commands.get(line)
        if command is None or code == "500":
            return
        self._command_moved(command, code)

    def _content_moved(self, line: bytes, code: str) -> None:
        assert self.content is not None
        if not code:
            self.content.append(line)
            return
        if code == "250":
            assert self.mail is not None
            recipients = [one for one in self.recipients if one is not None]
            whole = recipients if len(recipients) == len(self.recipients) else None
            self.delivered.append(Delivered(self.mail.address, whole, normalized(self._sent())))
        self._ended()

    def _command_moved(self, command: Command, code: str) -> None:
        done = code.startswith("2")
        match command.verb:
            case Verb.HELLO if done:
                self.hello = command.extended
                self._ended()
            case Verb.XCLIENT if done:
                self.hello = None
            case Verb.MAIL if done:
                self.mail = command
            case Verb.RCPT if done and self._is_new(command):
                self.recipients.append(command.address)
            case Verb.RCPT if not done and code not in {"500", "501", "503", "553", "555"}:
                self.refused = True
            case Verb.DATA if code == "354":
                self.content = []
            case Verb.RSET if done:
                self._ended()
            case Verb.LAST if code != "501":
                self.closed = True

    def _ended(self) -> None:
        self.mail, self.recipients, self.refused, self.content = None, [], False, None


def normalized(content: bytes) -> bytes:
    """What may leave of it: a bare LF becomes CRLF, a bare CR a space."""
    return re.sub(rb"\r(?!\n)", b" ", re.sub(rb"(?<!\r)\n", b"\r\n", content))
