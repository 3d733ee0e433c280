"""What our client hears of a next hop's answers: its own words, or that it is to try again later.

Whatever is between the next hop and us is no fault of the client's, and never permanent.
"""

from __future__ import annotations

from gateway.model.reply import Reply

UNREACHABLE = Reply(451, "4.4.1", "The mail server behind this gateway can't be reached, please try again later")
ANSWER_LOST = Reply(451, "4.4.2", "The mail server behind this gateway did not answer, please try again later")
CHANGED = Reply(451, "4.3.0", "The mail server behind this gateway changed its answer")
NO_ANSWER_TO_THAT = Reply(451, "4.3.0", "The mail server behind this gateway gave an answer that is none to a message")
NOT_SUPPORTED = Reply(451, "4.3.3", "The mail server behind this gateway does not take this kind of mail now")

_FINAL = (2, 4, 5)
_ABOUT_US = frozenset({500, 502, 503, 504, 530, 534, 535, 538})
"""The next hop does not understand our commands or their order (RFC 5321 §4.2.1), or wants TLS or a password of us
(RFC 3207 §4, RFC 4954 §6)."""


def for_client(reply: Reply) -> Reply:
    """The next hop's reply as our client may hear it: a done, a not now, or a not ever, with an enhanced code.

    421 speaks of the next hop's own channel, which is not the client's (RFC 5321 §3.8). Where the next hop gave no
    enhanced code, RFC 3463 §3.1 has one that says no more than its class.
    """
    if reply.code // 100 not in _FINAL or reply.code in _ABOUT_US:
        return NO_ANSWER_TO_THAT
    if reply.enhanced and reply.code != 421:
        return reply
    code = 451 if reply.code == 421 else reply.code
    return reply._replace(code=code, enhanced=reply.enhanced or f"{code // 100}.0.0")


def temporary(reply: Reply) -> Reply:
    """A refusal in a second round, as our client may hear it: it was told 250 for this recipient before."""
    return CHANGED if reply.permanent else reply
