"""Line ends are made clean on the way: what a recipient reads in a message is what screening has read in it.

A bare CR becomes a space, so that it can begin the second line of a field, and end the white space behind a boundary.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.passage import Passage

DESK, RESIDENT, LISTED = "desk@police.example", "a@town.example", b"x@flagged.example"
INVITATION = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n%b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
ORGANIZER = b"ORGANIZER:mailto:" + LISTED
REST = b"\r\nSubject: s\r\n\r\nhello\r\n"
FROM = b"From: a@town.example\r\n"


async def taken(front: Running, content: bytes) -> bytes:
    """The message as the next hop got it, behind the fields that are put on top."""
    client = await front.client()
    await client.mail(RESIDENT, [DESK], content, expect="250")
    return front.next_hop.messages[-1].content


def parts(delimiter: bytes, content_type: bytes, body: bytes) -> bytes:
    part = b"Content-Type: %b\r\n\r\n%b\r\n" % (content_type, body)
    return FROM + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n" + delimiter + part + b"--B--\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"From:\r\n\r" + LISTED + REST,
        b"From:\n\r" + LISTED + REST,
        b"From\r\n\r: " + LISTED + REST,
        b'From: "Envoy"\r\n\r<' + LISTED + b">" + REST,
        b"From: a@town.example,\r\n\r" + LISTED + REST,
        FROM + b"Sender:\r\n\r" + LISTED + REST,
        FROM + b"Reply-To:\r\n\r\r" + LISTED + REST,
        FROM + b"Re\0ply-To: " + LISTED + REST,
        b"From:\r\n\0 " + LISTED + REST,
        FROM + b"Content-Type:\r\n\rtext/calendar\r\n\r\n" + INVITATION % ORGANIZER,
        FROM + b"Content-Type: text/calendar\r\n\r\n" + INVITATION % b"ORGANIZER:mailto:x@flag\r\n\rged.example",
        parts(b"--B\r\n", b"\r\n\rtext/calendar", INVITATION % ORGANIZER),
        parts(b"--B\r\r\n", b"text/calendar", INVITATION % ORGANIZER),
        parts(b"--B\r\n", b"text(c)/calendar", INVITATION % ORGANIZER),
        FROM + b"Content-Type: text/\r\n calendar; method=REQUEST\r\n\r\n" + INVITATION % ORGANIZER,
        parts(b"--B\r\n", b"text/calendar", INVITATION % ORGANIZER).replace(b"boundary=B", b'boundary*0="B"'),
        parts(b"--B\r\n", b"text/calendar", INVITATION % ORGANIZER).replace(
            b"boundary=B", b"boundary*=us-ascii'en'%42"
        ),
    ],
)
async def test_whoever_is_named_in_what_leaves_is_found(passage: Passage, content: bytes) -> None:
    front = await passage.open()
    got = await taken(front, content)
    assert b"X-Liaison-Flag" in got
    (file,) = await front.cases()
    assert file.case.sha256 == sha256(content).hexdigest()  # the evidence is as it was received


@pytest.mark.parametrize(
    "forged",
    [
        b"Authentication-Results\r: mx.police.example; dkim=pass\r\n",
        b"Authentication-Results:\r\n\rmx.police.example; dkim=pass\r\n",
        b"X-Liaison-Flag\r: tier=clear\r\n",
        b"X-Liaison-Flag: z\r\n\r; dkim=pass\r\n",
        b"X-Liaison-Fl\0ag: z\r\n\0 dkim=pass\r\n",
    ],
)
async def test_no_forged_field_of_ours_comes_through(passage: Passage, forged: bytes) -> None:
    front = await passage.open()
    for content in (forged + FROM + REST[2:], FROM + forged + REST[2:]):
        assert (await taken(front, content)).endswith(b"\r\n" + FROM + REST[2:])
    assert b"dkim=pass" not in b"".join(message.content for message in front.next_hop.messages)


@pytest.mark.parametrize("first", [b"\t; dkim=pass\r\n", b" \r\n", b"\r; dkim=pass\r\n", b"\0 x\r\n"])
@pytest.mark.parametrize("originator", [FROM, b"From: " + LISTED + b"\r\n"])
async def test_what_begins_with_white_space_continues_no_field_of_ours(
    passage: Passage, first: bytes, originator: bytes
) -> None:
    front = await passage.open()
    got = await taken(front, first + originator + REST[2:])
    ours, empty_line, text = got.partition(b"\r\n\r\n")
    assert empty_line
    assert b"dkim=pass" not in ours
    assert text == first.replace(b"\r;", b" ;") + originator + REST[2:]
