"""Delivery status notifications as servers write them, and as nobody should."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.delivery_status import FailedDelivery, failed_delivery

MESSAGE_ID = "<0123456789abcdef@mx.police.example>"
RETURNED = f"From: liaison@police.example\r\nMessage-ID: {MESSAGE_ID}\r\nSubject: report\r\n"
STATUS = (
    "Reporting-MTA: dns; mail.example\r\nArrival-Date: Mon, 4 May 2026 12:00:00 +0000\r\n\r\n"
    "Final-Recipient: rfc822; collation@ildc.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
)


def report(
    *,
    content_type: str = 'multipart/report; report-type=delivery-status; boundary="b1"',
    status: str = STATUS,
    status_type: str = "message/delivery-status",
    returned: str = RETURNED,
    returned_type: str = "message/rfc822",
    returned_fields: str = "",
) -> bytes:
    return (
        "From: MAILER-DAEMON@mail.example\r\nTo: liaison@police.example\r\nSubject: Undelivered\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n"
        "This is a MIME-encapsulated message.\r\n\r\n"
        "--b1\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n\r\n"
        f"--b1\r\nContent-Type: {status_type}\r\n\r\n{status}\r\n"
        f"--b1\r\nContent-Type: {returned_type}\r\n{returned_fields}\r\n{returned}\r\n--b1--\r\n"
    ).encode()


FAILED = FailedDelivery(MESSAGE_ID, "550 5.1.1 User unknown")


@pytest.mark.parametrize(
    "content",
    [
        report(),
        report(returned_type="text/rfc822-headers"),
        report(returned="\r\n\r\n" + RETURNED),
        report(returned_type="message/rfc822-headers"),
        report(status_type="message/global-delivery-status", returned_type="message/global-headers"),
        report(content_type="Multipart/Report;\r\n\treport-type=delivery-status;\r\n\tboundary=b1"),
        report(returned=RETURNED.replace("Message-ID: ", "message-id:\r\n ")),
        report(status=STATUS.replace("Action: failed", "action: Failed (for good)")),
        report(
            returned=base64.encodebytes(RETURNED.encode()).decode().replace("\n", "\r\n"),
            returned_fields="Content-Transfer-Encoding: base64\r\n",
        ),
        report(
            returned=base64.encodebytes((RETURNED + "\r\n" + "x" * 300_001).encode()).decode(),
            returned_fields="Content-Transfer-Encoding: base64\r\n",
        ),
        report().replace(b"\r\n", b"\n"),
        report(returned=RETURNED + "\r\n" + "x" * 300_000),
    ],
)
def test_what_failed_is_read_however_it_is_written(content: bytes) -> None:
    assert failed_delivery(content) == FAILED


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_a_notification_that_returns_nothing_may_say_what_it_answers(field: str) -> None:
    content = report(returned_type="text/plain")
    assert failed_delivery(content) is None
    assert failed_delivery(f"{field}: {MESSAGE_ID}\r\n".encode() + content) == FAILED
    assert failed_delivery(f"{field}: <1@else.example> {MESSAGE_ID}\r\n".encode() + content) is None


def test_the_notification_has_an_id_of_its_own() -> None:
    failed = failed_delivery(b"Message-ID: <dsn@mail.example>\r\n" + report())
    assert failed == FailedDelivery(MESSAGE_ID, FAILED.reason, "<dsn@mail.example>")


def test_the_recipient_that_failed_among_others_counts() -> None:
    relayed = "Final-Recipient: rfc822; other@ildc.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n"
    head, tail = STATUS.split("\r\n\r\n")
    assert failed_delivery(report(status=f"{head}\r\n\r\n{relayed}\r\n{tail}")) == FAILED


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "fail", ""])
def test_only_what_failed_for_good_has_failed(action: str) -> None:
    assert failed_delivery(report(status=STATUS.replace("failed", action))) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"Content-Type: multipart/report\r\n\r\n--b1\r\n",
        b"Subject: failure notice\r\n\r\nHi. This is the qmail-send program.\r\n\r\n" + RETURNED.encode(),
        report(content_type='multipart/mixed; boundary="b1"'),
        report(returned="Subject: no id\r\n"),
        report(returned=RETURNED + "Message-ID: <another@mx.police.example>\r\n"),
        report(returned=RETURNED.replace("<", "").replace(">", "")),
        report(returned_type="text/plain"),
        report(returned="!", returned_fields="Content-Transfer-Encoding: base64\r\n"),
        report().replace(b"--b1\r\nContent-Type: message/rfc822", b"--b2\r\nContent-Type: message/rfc822"),
    ],
)
def test_anything_else_says_nothing(content: bytes) -> None:
    assert failed_delivery(content) is None


def test_a_reason_is_short_and_holds_no_control_characters() -> None:
    found = failed_delivery(report(status=STATUS.replace("User unknown", "\x1b[31m" + "no " * 1000)))
    assert found is not None
    assert len(found.reason) <= 300
    assert found.reason.isprintable()


@given(st.binary(max_size=300), st.integers(0, 700))
def test_hostile_octets_never_raise(octets: bytes, at: int) -> None:
    content = report()
    failed_delivery(octets)
    failed_delivery(content[:at] + octets + content[at:])
