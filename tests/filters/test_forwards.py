"""What a forward holds: attached messages, or the block that a mail reader puts above a text."""

from __future__ import annotations

import pytest

from filters.forwards import MOST_ATTACHED, Forward, Trouble, read_forward
from filters.mime_parts import MimeLimits
from filters.quoted import Quoted, quoted_block

LIMITS = MimeLimits(parts=100, depth=10)
ORIGINAL = b"From: a@mission.example\r\nSubject: x\r\n\r\nHello\r\n"


def read(content: bytes) -> Forward:
    return read_forward(memoryview(content), LIMITS)


def mixed(*parts: bytes, boundary: bytes = b"b") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body + b"--" + boundary + b"--\r\n"


def attached(content: bytes = ORIGINAL, kind: str = "message/rfc822", more: str = "") -> bytes:
    return f"Content-Type: {kind}\r\n{more}\r\n".encode() + content


GMAIL = """Hello

---------- Forwarded message ---------
From: Office <office@mission.example>
Date: Mon, Nov 2, 2026 at 10:00
Subject: A request
To: <someone@webmail.example>

Where?
"""
OUTLOOK = """Pour info

________________________________
De\u00a0: Office <office@mission.example>
Envoyé\u00a0: lundi 2 novembre 2026 10:00
À\u00a0: someone@webmail.example
Objet\u00a0: A request

Où?
"""
THUNDERBIRD = """-------- Forwarded Message --------
Subject: \tA request
Date: \tMon, 2 Nov 2026
From: \tOffice <office@mission.example>
To: \tsomeone@webmail.example
"""
BOLD = "*From:* Office <office@mission.example>\n\n*Sent:* Monday\n\n*Subject:* A request\n"
MARKED = "> De : Office <office@mission.example>\n> Date : lundi\n> Objet : A request\n"
CELLS = "From:\nOffice <office@mission.example>\nDate:\nMonday\nSubject:\nA request\n"


@pytest.mark.parametrize("text", [GMAIL, OUTLOOK, THUNDERBIRD, BOLD, MARKED, CELLS])
def test_the_block_is_read_as_mail_readers_write_it(text: str) -> None:
    block = quoted_block(text)
    assert block is not None
    assert (block.sender, block.subject) == ("Office <office@mission.example>", "A request")
    assert block.date


@pytest.mark.parametrize(("text", "above"), [(GMAIL, "Hello"), (OUTLOOK, "Pour info"), (THUNDERBIRD, "")])
def test_what_stands_above_the_block_are_the_forwarders_own_words(text: str, above: str) -> None:
    block = quoted_block(text)
    assert block is not None
    assert block.above == above


def test_of_two_blocks_the_first_counts() -> None:
    block = quoted_block("From: a@b.example\nSubject: one\n\n\n\n\n\nFrom: c@d.example\nSubject: two\n")
    assert block == Quoted(sender="a@b.example", reply_to="", date="", subject="one", above="")


@pytest.mark.parametrize(
    "text", ["", "From: a@b.example\n", "Subject: x\nDate: y\n", "I am from: here\nand the subject: that\n"]
)
def test_a_text_without_a_sender_and_a_date_or_subject_quotes_nobody(text: str) -> None:
    assert quoted_block(text) is None


def test_an_attached_message_is_taken_octet_for_octet() -> None:
    found = read(mixed(b"Content-Type: text/plain\r\n\r\nFrom: x@y.example\r\nSubject: z\r\n", attached()))
    assert found.attached == (ORIGINAL,)
    assert found.quoted is None, "where one is attached, what the text quotes does not count"


@pytest.mark.parametrize(
    "disposition",
    ['attachment; filename="A request.eml"', "attachment; filename=x.EML", "attachment; filename*=utf-8''x%20y.eml"],
)
def test_a_file_with_the_name_of_a_message_is_one(disposition: str) -> None:
    part = attached(kind="application/octet-stream", more=f"Content-Disposition: {disposition}\r\n")
    assert read(mixed(part)).attached == (ORIGINAL,)


def test_a_message_inside_an_attached_message_is_part_of_that() -> None:
    outer = b"From: a@b.example\r\nTo: c@d.example\r\n" + mixed(attached(), boundary=b"inner")
    assert read(mixed(attached(outer))).attached == (outer,)


def test_a_signed_forward_is_read_like_any_other() -> None:
    signed = b"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n" + mixed(attached()) + b"\r\n--s--\r\n"
    assert read(signed).attached == (ORIGINAL,)


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"Subject: x\r\n\r\nNothing here\r\n", Trouble.NOTHING),
        (mixed(attached(b"\xd0\xcf", "application/vnd.ms-outlook")), Trouble.OUTLOOK_ITEM),
        (mixed(attached(b"x", "application/ms-tnef")), Trouble.OUTLOOK_ITEM),
        (mixed(attached(b"just text\r\n")), Trouble.NO_MESSAGE),
        (b"Resent-From: a@b.example\r\n" + ORIGINAL, Trouble.REDIRECTED),
        (mixed(*[attached()] * (MOST_ATTACHED + 1)), Trouble.TOO_MANY),
    ],
)
def test_what_cannot_be_read_has_a_name(content: bytes, trouble: Trouble) -> None:
    found = read(content)
    assert (found.attached, found.quoted, found.troubles) == ((), None, (trouble,))


def test_one_bad_attachment_spoils_no_other() -> None:
    found = read(mixed(attached(b"\xd0", "application/vnd.ms-outlook"), attached()))
    assert (found.attached, found.troubles) == ((ORIGINAL,), (Trouble.OUTLOOK_ITEM,))


def test_the_block_of_a_page_is_found() -> None:
    page = (
        b"<html><head><style>p{From:x}</style></head><body><p>Hi</p><div><b>From:</b> Office &lt;office@mission.example"
        b"&gt;<br><b>Sent:</b> Monday<br><b>Subject:</b> A request</div></body></html>"
    )
    found = read(b"Content-Type: text/html\r\n\r\n" + page + b"\r\n")
    assert found.quoted is not None
    assert (found.quoted.sender, found.quoted.subject) == ("Office <office@mission.example>", "A request")
    assert found.cover == "Hi"
