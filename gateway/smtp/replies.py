"""Every reply that we give of our own accord, as a table (RFC 5321 §4.2, RFC 3463, RFC 5248).

Replies to RCPT and DATA that a next hop decides are made from its answer in `gateway.relay` and `gateway.operations`.
"""

from __future__ import annotations

from functools import lru_cache

from gateway.model import conclusion
from gateway.model.reply import Reply

OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender accepted")
GOODBYE = Reply(221, "2.0.0", "Goodbye")
GO_AHEAD = Reply(354, "", "Send the message, end with a dot on a line of its own")
CANNOT_VERIFY = Reply(252, "2.5.2", "Addresses are not verified here, but mail for them is tried")
NO_LISTS = Reply(502, "5.5.1", "Mailing lists are not expanded here")
HELP = Reply(214, "2.0.0", "See RFC 5321")

SERVICE_CLOSING = Reply(421, "4.3.2", "Service is closing, please try again later")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, please try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors in this session")
IDLE_TOO_LONG = Reply(421, "4.4.2", "Idle for too long")
TRANSACTION_TOO_LONG = Reply(421, "4.4.2", "The mail transaction has taken too long")
SESSION_SPENT = Reply(421, "4.7.0", "Enough time or commands for one session, please connect again")
FAULT_CLOSING = Reply(421, "4.3.0", "A problem here, please try again later")
OUR_FAULT = conclusion.OUR_FAULT

BAD_CHARACTER = Reply(500, "5.5.2", "A command may not contain a bare CR, a bare LF or NUL")
LINE_TOO_LONG = Reply(500, "5.5.2", "Command line too long")
NOT_ASCII = Reply(500, "5.5.2", "A command must be ASCII; MAIL and RCPT may have UTF-8, with SMTPUTF8")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognized")
NO_ARGUMENT_ALLOWED = Reply(501, "5.5.4", "This command takes no argument")
NOT_AUTHORIZED = Reply(550, "5.7.0", "Not from your address")
NOT_OFFERED = Reply(502, "5.5.1", "Command not offered")
NOT_SMTP = Reply(502, "5.7.0", "This is an SMTP server")
BDAT_NOT_OFFERED = Reply(502, "5.5.1", "BDAT was not offered")
HELLO_FIRST = Reply(503, "5.5.1", "Send EHLO first")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL FROM first")
RCPT_FIRST = Reply(503, "5.5.1", "Send RCPT TO first")
ONE_TRANSACTION = Reply(503, "5.5.1", "A mail transaction is open already; RSET ends it")
NO_RECIPIENT = Reply(554, "5.5.1", "No valid recipient")

MESSAGE_TOO_LARGE = Reply(552, "5.3.4", "Message larger than this server takes")
BARE_NEWLINE = Reply(550, "5.5.2", "The message contains a bare CR or a bare LF")
HIDDEN_DOT = Reply(554, "5.6.0", "The message contains a line that is a lone dot but for NUL characters")
NO_ROOM = Reply(452, "4.3.1", "No room for the message now, please try again later")


def text_line_too_long(most: int) -> Reply:
    """A text line of more octets (RFC 5321 §4.5.3.1.6)."""
    return Reply(554, "5.6.0", f"The message contains a line longer than {most} octets")


def header_too_large(octets: int, fields: int) -> Reply:
    """A header section of more octets or more fields."""
    return Reply(554, "5.6.0", f"The header section is larger than {octets} octets or {fields} fields")


def loop(servers: int) -> Reply:
    """More Received fields than that (RFC 5321 §6.3)."""
    return Reply(554, "5.4.6", f"Routing loop: the message has passed more than {servers} servers")


NOT_SESSION_ERRORS = frozenset({550, 551, 552, 553, 554})
"""Refusals of recipients and of messages; the rest of 5yz are errors of the session, and there is a limit to them."""


@lru_cache(maxsize=256)
def octets(reply: Reply) -> bytes:
    """On the wire; a text of several lines becomes a multiline reply (RFC 5321 §4.2.1), all ASCII."""
    *first, last = reply.text.encode("ascii", "replace").split(b"\n")
    prefix = f"{reply.code}-{reply.enhanced} ".encode() if reply.enhanced else f"{reply.code}-".encode()
    final = prefix.replace(b"-", b" ", 1)
    return b"".join(prefix + line[:500] + b"\r\n" for line in first) + final + last[:500] + b"\r\n"
