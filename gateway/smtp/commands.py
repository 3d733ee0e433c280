"""The commands of a mail transaction, and the greetings: what the engine does for each line (RFC 5321 §4.1.1).

A command asks the session, and gives its reply to the engine: at once, or when somebody who must be waited for has
answered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.model.reply import Reply
from gateway.smtp import replies

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.smtp.engine import Engine

_PLAIN_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]{0,254}|\[[A-Za-z0-9.:]{1,100}\]")
"""What a client calls itself: a domain or an address literal (RFC 5321 §4.1.1.1). aiosmtpd judges the rest."""


def _hello(engine: Engine, line: bytes) -> None:
    name = line[5:]
    if not line.isascii():
        engine.reply(replies.NOT_ASCII)
    elif _PLAIN_NAME.fullmatch(name):
        engine.reply(engine.conversation.hello(name.decode(), extended=line[:1] in b"Ee"))
    else:
        engine.hand_over(line)


def _mail(engine: Engine, line: bytes) -> None:
    answer = engine.conversation.mail(line)
    if answer is replies.SERVICE_CLOSING:
        engine.close_with(answer)  # what the client sent ahead would be refused with 503, as if that were its fault
    else:
        engine.reply(answer)


def _rcpt(engine: Engine, line: bytes) -> None:
    engine.reply_or_wait(engine.conversation.rcpt(line))


def _data(engine: Engine, _line: bytes) -> None:
    answer = engine.conversation.data()
    if isinstance(answer, Reply):
        engine.reply(answer)
    else:
        engine.take_content(answer)


def _rset(engine: Engine, _line: bytes) -> None:
    engine.conversation.reset()
    engine.reply(replies.OK)


def _noop(engine: Engine, _line: bytes) -> None:
    engine.reply(replies.OK)


def _quit(engine: Engine, _line: bytes) -> None:
    engine.close_with(replies.GOODBYE)


def _xclient(engine: Engine, line: bytes) -> None:
    answer = engine.conversation.xclient(line)
    if answer.positive:
        engine.begin_again()
    engine.reply(answer)


def _xforward(engine: Engine, line: bytes) -> None:
    engine.reply(engine.conversation.xforward(line))


COMMANDS: dict[bytes, Callable[[Engine, bytes], None]] = {
    b"EHLO": _hello,
    b"HELO": _hello,
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _data,
    b"RSET": _rset,
    b"NOOP": _noop,
    b"QUIT": _quit,
    b"XCLIENT": _xclient,
    b"XFORWARD": _xforward,
}
WITHOUT_ARGUMENT = frozenset({b"DATA", b"RSET", b"QUIT"})
FOREIGN_VERBS = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"})
"""Somebody took this port for a web server: whatever follows is no SMTP."""
