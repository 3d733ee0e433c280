"""The Received field that we add, and the forged fields that we take out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.trace import as_it_leaves, date_time, forged_fields, message_id_of, received_field

AT = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)


def field(
    helo: str = "client.example", client_ip: str = "192.0.2.1", tls: str = "", recipient: str | None = None
) -> str:
    return received_field(
        helo=helo, client_ip=client_ip, by="mx.police.example", protocol="ESMTP", tls=tls,
        trace_id="abc", at=AT, recipient=recipient,
    ).decode()  # fmt: skip


def test_the_received_field_says_from_by_with_id_and_when() -> None:
    assert field() == (
        "Received: from client.example ([192.0.2.1])\r\n\tby mx.police.example with ESMTP id abc;\r\n"
        "\tTue, 3 Nov 2026 09:05:07 +0000\r\n"
    )


def test_ipv6_tls_and_a_single_recipient_are_named() -> None:
    text = field(client_ip="2001:db8::1", tls="TLSv1.3 TLS_AES_256_GCM_SHA384", recipient="a@police.example")
    assert "([IPv6:2001:db8::1])" in text
    assert "with ESMTP (TLSv1.3 TLS_AES_256_GCM_SHA384) id" in text
    assert "\r\n\tfor <a@police.example>;" in text


@given(st.text(max_size=300))
def test_no_helo_breaks_the_field(helo: str) -> None:
    lines = field(helo=helo).split("\r\n")
    assert lines[-1] == ""
    assert len(lines) == 4
    assert "(" not in lines[0].removeprefix("Received: from ").split(" ([")[0]
    assert all(line.startswith("\t") for line in lines[1:-1])


def test_dates_do_not_depend_on_the_locale() -> None:
    assert date_time(AT) == "Tue, 3 Nov 2026 09:05:07 +0000"


@pytest.mark.parametrize(
    ("section", "left"),
    [
        (b"X-Liaison-Flag: tier=clear\r\nFrom: a\r\n", b"From: a\r\n"),
        (b"From: a\r\nx-LIAISON-whatever : x\r\n folded\r\nTo: b\r\n", b"From: a\r\nTo: b\r\n"),
        (b"Authentication-Results: mx.police.example; spf=pass\r\nFrom: a\r\n", b"From: a\r\n"),
        (b"authentication-results\t: (c (d)) MX.Police.Example (e) 1; dkim=pass\r\nFrom: a\r\n", b"From: a\r\n"),
        (b'Authentication-Results:\r\n "mx.police.example"; x=y\r\nFrom: a\r\n', b"From: a\r\n"),
        (b"Authentication-Results: (a \\( b) mx.police.example; dkim=pass\r\nFrom: a\r\n", b"From: a\r\n"),
        (b'Authentication-Results: "mx.police\\.example"; dkim=pass\r\nFrom: a\r\n', b"From: a\r\n"),
        (b"Authentication-Results: mx.police.example.; dkim=pass\r\nFrom: a\r\n", b"From: a\r\n"),
        (b"Authentication-Results\r\n \r\n : mx.police.example; dkim=pass\r\nFrom: a\r\n", b"From: a\r\n"),
        (b"Authentication-\0Results: mx.police.example; dkim=pass\r\nFrom: a\r\n", b"From: a\r\n"),
        (b"From: a\r\nX-Liaison-Flag\0: x\r\n\0 more\r\nTo: b\r\n", b"From: a\r\nTo: b\r\n"),
        (b"X-Liaison-Flag: x\r\n more\r\n\tand more\r\nTo: b\r\n", b"To: b\r\n"),
        (b"From: a\0\r\nAuthentication-Results: other.example; spf=pass\r\n", None),
        (b'Authentication-Results: "other\\".mx.police.example"; spf=pass\r\n', None),
        (b"Authentication-Results: (mx.police.example \\) x) other.example; spf=pass\r\n", None),
        (
            b"Authentication-Results: other.example; spf=pass\r\n",
            b"Authentication-Results: other.example; spf=pass\r\n",
        ),
        (b"Authentication-Results: mx.police.example.evil.example; spf=pass\r\n", None),
        (b"Subject: X-Liaison-Flag: hello\r\n", None),
        (b"Subject: x\r\n X-Liaison-Flag: folded text\r\n", None),
        (b"X-Liaisonette: friend\r\n", None),
    ],
)
def test_only_fields_that_claim_to_be_ours_are_taken_out(section: bytes, left: bytes | None) -> None:
    assert as_it_leaves(section, forged_fields(section, "mx.police.example")) == (section if left is None else left)


@pytest.mark.parametrize("first", [b" folded: x\r\n", b"\t; spf=pass\r\n", b"\0 x\r\n", b" \r\n"])
def test_a_section_that_would_continue_the_field_above_it_is_set_apart(first: bytes) -> None:
    assert as_it_leaves(first + b"From: a\r\n", ()) == b"\r\n" + first + b"From: a\r\n"
    behind = b"X-Liaison-a: b\r\n"
    assert as_it_leaves(behind + first, forged_fields(behind + first, "mx")) == b""


def test_nested_comments_cost_linear_time() -> None:
    section = b"Authentication-Results: " + b"(" * 200_000 + b"\r\n"
    assert forged_fields(section, "mx.police.example") == ()


@pytest.mark.parametrize(
    ("section", "found"),
    [
        (b"From: a\r\nMessage-ID: <1@b.example>\r\nTo: c\r\n", "<1@b.example>"),
        (b"Message-Id:<1@b.example> (x)\r\n", "<1@b.example>"),
        (b"From: a\r\nMESSAGE-ID:\r\n <1@b.example>\r\n", "<1@b.example>"),
        (b"From: a\r\nMessage-ID: <1@b.example>\r\nMessage-ID: <2@b.example>\r\n", "<1@b.example>"),
        (b"From: a\r\nMessage-ID:\r\nTo: c\r\n", ""),
        (b"From: a\r\nX-Message-ID: <1@b.example>\r\n", ""),
        (b"From: a\r\nmessage-id: \xff\r\n", "\ufffd"),
        (b"", ""),
    ],
)
def test_the_message_id_is_the_first_word_of_its_field(section: bytes, found: str) -> None:
    assert message_id_of(section) == found


@given(st.binary(max_size=400))
def test_whatever_stands_there_it_is_one_short_word(section: bytes) -> None:
    found = message_id_of(b"Message-ID:" + section)
    assert len(found) <= 998
    assert len(found.split(" ")) <= 1 or " " not in found
