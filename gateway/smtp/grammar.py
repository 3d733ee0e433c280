"""The grammar of the mail transaction's commands (RFC 5321 §4.1.1): a line in, a command or the reply to it out.

Strict where leniency has been exploited (bare CR, bare LF, NUL, missing brackets), lenient where the field is (a space
after the colon, letter case). Knows nothing of session state.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from filters.address import AddressError, NonAsciiAddressError, parse_path
from gateway.model.reply import Reply
from gateway.relay.transaction import MailParameters
from gateway.smtp import replies

if TYPE_CHECKING:
    from filters.address import Mailbox
    from gateway.relay.routes import Offers

_PATH = rb'<((?:[^<>"]|"(?:[^"\\]|\\.)*")*)>'
_MAIL = re.compile(rb"MAIL FROM:[ \t]*" + _PATH + rb"[ \t]*(?:[ \t](.*))?\Z", re.IGNORECASE | re.DOTALL)
_RCPT = re.compile(rb"RCPT TO:[ \t]*" + _PATH + rb"[ \t]*(?:[ \t](.*))?\Z", re.IGNORECASE | re.DOTALL)
# What nearly every MAIL looks like: an address without specials, and no more than its size and its body's kind.
_PLAIN_MAIL = re.compile(
    rb"MAIL FROM:<([A-Za-z0-9!#$&'*+\-/=?^_`{|}~.]++@[A-Za-z0-9][A-Za-z0-9.-]*+)>"
    rb"(?: SIZE=([0-9]{1,20}))?(?: BODY=(7BIT|8BITMIME))?",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?\Z")

MAIL_SYNTAX = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX = Reply(501, "5.5.4", "Syntax: RCPT TO:<address>")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "An address that is not ASCII needs the SMTPUTF8 parameter of MAIL")


def parse_mail(line: bytes, offers: Offers, *, extended: bool) -> MailParameters | Reply:
    """`MAIL FROM:<path> [parameters]`, or the reply that says what is wrong with it."""
    plain = _PLAIN_MAIL.fullmatch(line)
    if plain is not None and extended and (plain[3] is None or offers.eightbitmime):
        return _plain_mail(plain, offers)
    found = _MAIL.match(line)
    if found is None:
        return MAIL_SYNTAX
    parameters = _parameters(found[2]) if found[2] else {}
    if isinstance(parameters, Reply):
        return parameters
    checked = _mail_parameters(parameters, offers, extended=extended)
    if isinstance(checked, Reply):
        return checked
    size, body, smtputf8 = checked
    path = _path(found[1], smtputf8=smtputf8, code="5.1.7")
    return (
        path if isinstance(path, Reply) else MailParameters(reverse_path=path, size=size, body=body, smtputf8=smtputf8)
    )


def _plain_mail(plain: re.Match[bytes], offers: Offers) -> MailParameters | Reply:
    address, octets, body = plain.groups()
    size = int(octets) if octets else 0
    if size > offers.size:
        return replies.MESSAGE_TOO_LARGE
    path = _path(address, smtputf8=False, code="5.1.7")
    if isinstance(path, Reply):
        return path
    return MailParameters(path, size, body.decode().upper() if body else "")


@lru_cache(maxsize=4096)
def parse_rcpt(line: bytes, *, smtputf8: bool) -> Mailbox | Reply:
    """`RCPT TO:<path>`, or the reply that says what is wrong with it. No parameter is offered.

    Remembered: an agency's recipients are the same all day.
    """
    found = _RCPT.match(line)
    if found is None:
        return RCPT_SYNTAX
    if found[2] and found[2].strip():
        return _unknown_parameter(found[2].split()[0].decode("ascii", "replace"))
    path = _path(found[1], smtputf8=smtputf8, code="5.1.3")
    if isinstance(path, Reply):
        return path
    return path if path.local_part else Reply(501, "5.1.3", "The null path can't be a recipient")


def _path(octets: bytes, *, smtputf8: bool, code: str) -> Mailbox | Reply:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return Reply(501, code, "The address is neither ASCII nor UTF-8")
    try:
        return parse_path(text, smtputf8=smtputf8)
    except NonAsciiAddressError:
        return NEEDS_SMTPUTF8
    except AddressError as error:
        return Reply(501, code, f"Bad address: {error}")


def _parameters(octets: bytes) -> dict[str, str] | Reply:
    """Keyword, upper case, to value; "" when it has none (RFC 5321 §4.1.2 esmtp-param)."""
    parameters: dict[str, str] = {}
    for word in octets.decode("latin-1").split():
        found = _PARAMETER.match(word)
        if found is None:
            return Reply(501, "5.5.4", "A parameter is KEYWORD or KEYWORD=value")
        keyword = found[1].upper()
        if keyword in parameters:
            return Reply(501, "5.5.4", f"Parameter {keyword} is given twice")
        parameters[keyword] = found[2] or ""
    return parameters


def _mail_parameters(parameters: dict[str, str], offers: Offers, *, extended: bool) -> tuple[int, str, bool] | Reply:
    for keyword in parameters:
        if not extended or not _is_offered(keyword, offers):
            return _unknown_parameter(keyword)
    size = _size(parameters["SIZE"], offers) if "SIZE" in parameters else 0
    body = parameters.get("BODY", "").upper()
    if isinstance(size, Reply):
        return size
    if "BODY" in parameters and body not in {"7BIT", "8BITMIME"}:
        return Reply(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
    if parameters.get("SMTPUTF8"):
        return Reply(501, "5.5.4", "SMTPUTF8 takes no value")
    return size, body, "SMTPUTF8" in parameters


def _is_offered(keyword: str, offers: Offers) -> bool:
    if keyword == "SIZE":
        return True
    return (keyword == "BODY" and offers.eightbitmime) or (keyword == "SMTPUTF8" and offers.smtputf8)


def _size(text: str, offers: Offers) -> int | Reply:
    """RFC 1870 §5: at most 20 digits; too much is refused before it is sent (§6.1)."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return Reply(501, "5.5.4", "SIZE is a number of octets")
    return replies.MESSAGE_TOO_LARGE if int(text) > offers.size else int(text)


def _unknown_parameter(keyword: str) -> Reply:
    shown = "".join(char for char in keyword if char.isascii() and char.isprintable())[:40]
    return Reply(555, "5.5.4", f"Parameter {shown} is not offered")
