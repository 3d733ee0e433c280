"""One SMTP session: what may come when (RFC 5321 §4.1.4), and the mail transaction that is open.

Speaks in commands and replies; the engine does the octets, `gateway.operations.intake` the work.
"""

from __future__ import annotations

from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from gateway.counters import (
    FAULTS,
    MESSAGE_OCTETS,
    SESSIONS_SECURED,
    count,
    count_answer,
    count_recipient,
    count_transaction,
)
from gateway.events import Event
from gateway.logs import redact, redact_id, redact_words
from gateway.model.reply import Reply
from gateway.smtp import replies
from gateway.smtp.data import DataReader
from gateway.smtp.grammar import parse_mail, parse_rcpt

if TYPE_CHECKING:
    import ssl

    from filters.envelope import Origin
    from gateway.operations.intake import MailTransaction
    from gateway.relay.routes import Offers
    from gateway.relay.transaction import Answered, MailParameters
    from gateway.smtp.client_identity import ClientIdentity
    from gateway.smtp.server import SmtpServer

MOST_NAMED = 100
"""Recipients that the line of a mail transaction names."""

log = structlog.get_logger()


class Session:
    """From the connection to QUIT."""

    def __init__(self, server: SmtpServer, client: ClientIdentity, answered: Answered) -> None:
        """`answered` is told each reply that had to be waited for."""
        self._server = server
        self._client = client
        self._answered = answered
        self._helo = ""
        self._extended = False
        self._tls = ""
        self._transaction: MailTransaction | None = None
        self._mail: MailParameters | None = None
        self._data: DataReader | None = None
        self._size = 0
        """Of the content, in octets."""
        self._began_at = self._ended_at = 0.0
        """When MAIL came, and the final dot; 0 without one."""
        self._offers = server.intake.offers()
        """What EHLO announced: it holds for the session, although a next hop may turn out to lack some of it."""
        self._answering = self._gone = False
        """An answer is being made that needs the transaction; the client has left."""
        self._refused: Reply | None = None
        """The last refusal of a recipient, for the log of a transaction that never got to DATA."""

    @property
    def in_transaction(self) -> bool:
        """MAIL was accepted and nothing has ended it."""
        return self._transaction is not None

    @property
    def transaction_id(self) -> str:
        """Of the mail transaction in hand; "" without one."""
        return self._transaction.id if self._transaction is not None else ""

    # --- greetings ------------------------------------------------------------------------------------------------

    def hello(self, name: str, *, extended: bool) -> Reply:
        """EHLO or HELO. Ends a mail transaction (RFC 5321 §4.1.4)."""
        self.reset()
        self._helo, self._extended, self._offers = name, extended, self._server.intake.offers()
        if not extended:
            return Reply(250, "", self._server.hostname)
        starttls = self._server.tls is not None and not self._tls
        return _capabilities(self._server.hostname, self._offers, self._client.keywords(), starttls=starttls)

    def secured(self, tls: ssl.SSLObject) -> None:
        """TLS began: what was said before is forgotten (RFC 3207 §4.2)."""
        self.reset()
        self._client.begin_again()
        self._helo, self._extended = "", False
        cipher = tls.cipher()
        count(SESSIONS_SECURED)
        self._tls = " ".join(filter(None, (tls.version(), cipher[0] if cipher else "")))

    def xclient(self, line: bytes) -> Reply:
        """XCLIENT: the session begins again, as that client's."""
        if self._transaction is not None:
            return replies.ONE_TRANSACTION
        refusal = self._client.xclient(line)
        if refusal is not None:
            return refusal
        self._helo, self._extended = "", False
        return Reply(220, "", f"{self._server.hostname} ESMTP")

    def xforward(self, line: bytes) -> Reply:
        """XFORWARD: about the next mail transaction."""
        return replies.ONE_TRANSACTION if self._transaction is not None else self._client.xforward(line)

    # --- the mail transaction ---------------------------------------------------------------------------------------

    def mail(self, line: bytes) -> Reply:
        """MAIL. The next hop is not asked before the first recipient."""
        if not self._helo:
            return replies.HELLO_FIRST
        if self._transaction is not None:
            return replies.ONE_TRANSACTION
        if self._server.draining:
            return replies.SERVICE_CLOSING
        command = parse_mail(line, self._offers, extended=self._extended)
        if isinstance(command, Reply):
            return command
        self._mail, self._began_at, self._ended_at = command, monotonic(), 0.0
        self._transaction = self._server.intake.begin(command, self._origin(command), self._server.answer)
        return replies.SENDER_OK

    def _origin(self, command: MailParameters) -> Origin:
        return self._client.origin(self._helo, self._protocol(command), self._tls)

    def _protocol(self, command: MailParameters) -> str:
        """RFC 3848; RFC 6531 §4.3 for the UTF8 names."""
        if not self._extended:
            return "SMTP"
        return ("UTF8SMTP" if command.smtputf8 else "ESMTP") + ("S" if self._tls else "")

    def rcpt(self, line: bytes) -> Reply | None:
        """RCPT: at once what is wrong with it, or None: the next hop's answer comes later."""
        if self._transaction is None or self._mail is None:
            return replies.MAIL_FIRST if self._helo else replies.HELLO_FIRST
        mailbox = parse_rcpt(line, smtputf8=self._mail.smtputf8)
        if isinstance(mailbox, Reply):
            return mailbox
        reply = self._transaction.recipient(mailbox, self._recipient_answered)
        if reply is not None:
            return self._noted(reply)
        self._answering = True
        return None

    def _recipient_answered(self, reply: Reply) -> None:
        self._answering = False
        self._noted(reply)
        if self._gone:
            self._end(self._refused)
        self._answered(reply)

    def _noted(self, reply: Reply) -> Reply:
        count_recipient(reply.code)
        if not reply.positive:
            self._refused = reply
        return reply

    def data(self) -> Reply | DataReader:
        """DATA: a reader for the content, if there is somebody to get it."""
        if self._transaction is None:
            return replies.MAIL_FIRST if self._helo else replies.HELLO_FIRST
        if not self._transaction.recipients:
            return replies.NO_RECIPIENT if self._refused else replies.RCPT_FIRST
        return DataReader(self._server.limits, self._server.screening, self._server.memory)

    def content(self, data: DataReader) -> Reply | None:
        """The answer to the final dot, or None: it comes later. It ends the mail transaction."""
        if self._transaction is None:
            raise RuntimeError("content without a mail transaction")
        self._data, self._size, self._ended_at = data, data.spool.size, monotonic()
        count(MESSAGE_OCTETS, self._size)
        if data.refusal is not None:
            return self._concluded(data.refusal)
        try:
            self._transaction.message(
                data.header_section, data.spool, self._content_answered, ended_at=self._server.now()
            )
        except Exception:  # our own trouble is never permanent (RFC 5321 §4.2.1), and never a traceback for the peer
            count(FAULTS)
            log.exception(Event.FAULT)
            return self._concluded(replies.OUR_FAULT)
        self._answering = True
        return None

    def _content_answered(self, reply: Reply) -> None:
        self._answering = False
        self._answered(self._concluded(reply))

    def _concluded(self, reply: Reply) -> Reply:
        """The reply stands, whatever becomes of our book-keeping: it may be about a message that was delivered."""
        try:
            if self._data is not None:
                count_answer(monotonic() - self._ended_at)
                self._data.spool.close()
                self._data = None
            self._end(reply)
        except Exception:
            count(FAULTS)
            log.exception(Event.FAULT)
        return reply

    def reset(self) -> None:
        """RSET or EHLO."""
        self._client.forget_forwarded()
        if self._transaction is not None:
            self._end(self._refused)

    def lost(self) -> None:
        """The connection is gone. What is being answered is finished first: it still uses the next hop's connection."""
        self._gone = True
        if not self._answering:
            self._end(self._refused)

    def _end(self, reply: Reply | None) -> None:
        """One log line for each mail transaction, and the next hop's connection goes back to its pool."""
        transaction, mail = self._transaction, self._mail
        if transaction is None or mail is None:
            return
        self._transaction = self._mail = self._refused = None
        transaction.finish()
        screening = transaction.screening
        tier = str(screening.tier) if screening else "clear"
        count_transaction(tier, reply.code if reply else 0)
        now, clear = monotonic(), screening is None
        self._server.log.info(
            Event.TRANSACTION,
            id=transaction.id,
            client=self._client.address,
            mail_from=redact(mail.reverse_path) if clear else str(mail.reverse_path),
            rcpt_to=[redact(one) if clear else str(one) for one in transaction.recipients[:MOST_NAMED]],
            recipients=len(transaction.recipients),
            message_id=redact_id(transaction.message_id) if clear else transaction.message_id,
            size=self._size,
            seconds=round(now - self._began_at, 6),
            answer_seconds=round(now - self._ended_at, 6) if self._ended_at else 0.0,
            tier=tier,
            case=transaction.case,
            next_hop=transaction.next_hop,
            heard=_logged(transaction.heard, clear=clear) if transaction.heard else "",
            reply=_logged(reply, clear=clear) if reply else "abandoned",
        )
        self._size = 0
        self._client.forget_forwarded()


def _logged(reply: Reply, *, clear: bool) -> str:
    """A reply is in the next hop's words, and those may quote whom it is about."""
    return redact_words(str(reply)) if clear else str(reply)


@lru_cache(maxsize=64)
def _capabilities(hostname: str, offers: Offers, to_this_client: tuple[str, ...], *, starttls: bool) -> Reply:
    """The answer to EHLO; no enhanced code in it (RFC 2034 §3)."""
    lines = [hostname, "PIPELINING", f"SIZE {offers.size}", "ENHANCEDSTATUSCODES"]
    lines += ["8BITMIME"] if offers.eightbitmime else []
    lines += ["SMTPUTF8"] if offers.smtputf8 else []
    lines += ["STARTTLS"] if starttls else []
    return Reply(250, "", "\n".join([*lines, *to_this_client]))
