"""What may be said when, and what is answered: one session, line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.dialogue import Dialogue
    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
MAIL = "MAIL FROM:<a@town.example>"
RCPT = "RCPT TO:<desk@police.example>"
ENHANCED = re.compile(r"(\d)\d\d[ -]\1\.\d{1,3}\.\d{1,3} \S")


async def test_the_banner_names_the_host_and_no_product(front: Running) -> None:
    client = await front.client(hello=None)
    banner = await client.hear("220")
    assert banner == "220 mx.police.example ESMTP"


async def test_ehlo_offers_what_the_next_hop_has_and_nothing_else(front: Running) -> None:
    await front.send("a@town.example", ["desk@police.example"], MESSAGE)
    client = await front.client(hello=None)
    await client.hear("220")
    lines = (await client.say("EHLO client.example", "250")).split("\n")
    assert lines[0] == "250-mx.police.example"
    assert {line[4:] for line in lines[1:]} == {
        "PIPELINING", "SIZE 52363264", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8",
    }  # fmt: skip


async def test_helo_offers_nothing_and_mail_passes(front: Running) -> None:
    client = await front.client(hello=None)
    await client.hear("220")
    assert await client.say("HELO client.example") == "250 mx.police.example"
    await client.mail("a@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")
    (message,) = await front.next_hop.arrived()
    assert b" with SMTP id " in message.content.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize("line", ["EHLO", "EHLO  ", "HELO", "HELO "])
async def test_a_greeting_needs_a_name(front: Running, line: str) -> None:
    client = await front.client(hello=None)
    await client.hear("220")
    await client.say(line, "501 5.5.4")


@pytest.mark.parametrize("line", [MAIL, RCPT, "DATA"])
async def test_nothing_comes_before_the_greeting(front: Running, line: str) -> None:
    client = await front.client(hello=None)
    await client.hear("220")
    await client.say(line, "503 5.5.1 Send EHLO")


@pytest.mark.parametrize("odd", ["EHLO front_office.example", "EHLO  client.example", "EHLO client.example again"])
async def test_a_greeting_that_aiosmtpd_judges_offers_the_same_and_the_session_goes_on(
    front: Running, odd: str
) -> None:
    await front.send("a@town.example", ["desk@police.example"], MESSAGE)  # now it is known what the next hop offers
    client = await front.client(hello=None)
    await client.hear("220")
    plain = await client.say("EHLO client.example", "250")
    assert await client.say(odd, "250") == plain
    assert await client.say("EHLO client.example", "250") == plain
    await client.say("VRFY desk", "252")
    await client.mail("a@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")


async def test_commands_out_of_order_are_told_what_is_missing(front: Running) -> None:
    client = await front.client()
    await client.say(RCPT, "503 5.5.1 Send MAIL")
    await client.say("DATA", "503 5.5.1 Send MAIL")
    await client.say(MAIL, "250 2.1.0")
    await client.say("DATA", "503 5.5.1 Send RCPT")
    await client.say(MAIL, "503 5.5.1")
    await client.say(RCPT, "250 2.1.5")
    await client.content(MESSAGE, "250 2.0.0")
    await client.say(RCPT, "503 5.5.1 Send MAIL")


async def test_data_without_a_valid_recipient_is_refused(front: Running) -> None:
    client = await front.client()
    await client.say(MAIL, "250")
    await client.say("RCPT TO:<a@elsewhere.example>", "550 5.7.1")
    await client.say("DATA", "554 5.5.1")
    await client.say(RCPT, "250")
    await client.content(MESSAGE, "250")


@pytest.mark.parametrize("line", ["RSET", "EHLO again.example", "HELO again.example"])
async def test_rset_and_a_greeting_end_a_transaction(front: Running, line: str) -> None:
    client = await front.client()
    await client.say(MAIL, "250")
    await client.say(RCPT, "250")
    await client.say(line, "250")
    await client.say("DATA", "503 5.5.1 Send MAIL")
    await client.mail("b@town.example", ["front@police.example"], MESSAGE, expect="250 2.0.0")
    (message,) = await front.next_hop.arrived()
    assert (message.reverse_path, message.recipients) == ("b@town.example", ["front@police.example"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("NOOP", "250 2.0.0"),
        ("NOOP whatever", "250 2.0.0"),
        ("noop", "250 2.0.0"),
        ("RSET", "250 2.0.0"),
        ("RSET now", "501 5.5.4"),
        ("DATA now", "501 5.5.4"),
        ("QUIT now", "501 5.5.4"),
        ("VRFY desk@police.example", "252 2.5.2"),
        ("VRFY", "252 2.5.2"),
        ("EXPN staff", "502 5.5.1"),
        ("HELP", "214 2.0.0"),
        ("HELP MAIL", "214 2.0.0"),
        ("AUTH PLAIN AGFAYi5leGFtcGxlAHNlY3JldA==", "502 5.5.1"),
        ("STARTTLS", "502 5.5.1"),
        ("XCLIENT ADDR=192.0.2.1", "500 5.5.1"),
        ("XFORWARD ADDR=192.0.2.1", "500 5.5.1"),
        ("TURN", "500 5.5.1"),
        ("ETRN example", "500 5.5.1"),
        ("SEND FROM:<a@b.example>", "500 5.5.1"),
        ("", "500 5."),
        (" ", "500 5."),
        (" NOOP", "500 5."),
        ("MAIL\tFROM:<a@b.example>", "500 5."),
        ("__init__", "500 5.5.1"),
        ("\u00c9HLO x", "500 5."),
        ("VRFY caf\u00e9", "500 5.5.2"),
        ("EHLO caf\u00e9", "500 5.5.2"),
    ],
)
async def test_every_other_line_has_its_answer_and_the_session_goes_on(
    front: Running, line: str, expected: str
) -> None:
    client = await front.client()
    reply = await client.say(line, expected)
    assert ENHANCED.match(reply)
    await client.mail("a@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")


async def test_quit_says_goodbye_and_closes(front: Running) -> None:
    client = await front.client()
    await client.say("QUIT", "221 2.0.0")
    assert await client.closed() == b""


@pytest.mark.parametrize(
    "octets",
    [b"NO\0OP\r\n", b"NO\rOP\r\n", b"NO\nOP\r\n", b"\nNOOP\r\n", b"NOOP\r\r\n", b"NOOP\n\r\n", b"MAIL\nRSET\r\n"],
)
async def test_a_control_that_ends_no_line_makes_one_line_with_one_refusal(front: Running, octets: bytes) -> None:
    client = await front.client()
    client.send(octets)
    await client.hear("500 5.5.2")
    await client.say("NOOP", "250 2.0.0")


@pytest.mark.parametrize("length", [2049, 5000, 300_000])
@pytest.mark.parametrize("pieces", [1, 7])
async def test_an_overlong_line_gets_one_refusal(front: Running, length: int, pieces: int) -> None:
    client = await front.client()
    line = b"MAIL FROM:<" + b"x" * (length - 11)
    step = len(line) // pieces + 1
    for start in range(0, len(line), step):
        client.send(line[start : start + step])
    client.send(b"\r\nNOOP\r\n")
    await client.hear("500 5.5.2 Command line too long")
    await client.hear("250 2.0.0")


@pytest.mark.parametrize(
    "line", [b"DATA\t", b"NOOP\t", b"noop \t", b"RSET \t ", b"VRFY " + b"x" * 2000, b"EHLO " + b"x" * 600]
)
async def test_white_space_at_the_end_and_long_lines_are_borne(front: Running, line: bytes) -> None:
    client = await front.client()
    reply = await client.say(line)
    assert reply.startswith("503 5.5.1" if line.startswith(b"DATA") else "25")


async def test_a_greeting_and_a_query_are_ascii(front: Running) -> None:
    client = await front.client()
    for line in ("EHLO \u00fc.example", "VRFY \u00fc SMTPUTF8"):
        await client.say(line, "500 5.5.2 A command must be ASCII; MAIL and RCPT may have UTF-8, with SMTPUTF8")


async def test_the_longest_line_is_taken(front: Running) -> None:
    client = await front.client()
    await client.say("NOOP " + "x" * (2048 - 5), "250 2.0.0")
    route = ",".join(f"@hop{number}.example" for number in range(100))
    await client.say(f"MAIL FROM:<{route}:a@town.example>", "250")
    await client.say(RCPT, "250 2.1.5")


async def _heard_until_closed(client: Dialogue) -> list[str]:
    return (await client.closed()).decode().splitlines()


@pytest.mark.parametrize("line", ["FOO", "EHLO", "DATA", "MAIL FROM:a", "HELO\u00e9", "EXPN x"])
async def test_too_many_errors_close_the_session(front: Running, line: str) -> None:
    client = await front.client()
    client.send((line + "\r\n").encode() * 40)
    lines = await _heard_until_closed(client)
    assert 20 <= len(lines) <= 22
    assert lines[-1].startswith("421 4.7.0")
    assert all(ENHANCED.match(one) for one in lines)


async def test_refused_recipients_are_no_errors_of_the_session(front: Running) -> None:
    client = await front.client()
    await client.say(MAIL, "250")
    for number in range(40):
        await client.say(f"RCPT TO:<r{number}@elsewhere.example>", "550 5.7.1")
    await client.say(RCPT, "250 2.1.5")
    await client.content(MESSAGE, "250 2.0.0")


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: mx\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nMAIL FROM:<a@town.example>\r\nRCPT TO:<desk@police.example>\r\n",
        b"CONNECT mx:25 HTTP/1.1\r\n\r\n",
        b"BDAT 20 LAST\r\nMAIL FROM:<a@b.example>\r\n",
        b"bdat 20\r\nQUIT\r\n",
    ],
)
async def test_http_and_bdat_are_refused_once_and_the_connection_closed(front: Running, octets: bytes) -> None:
    client = await front.client()
    client.send(octets)
    (line,) = await _heard_until_closed(client)
    assert line.startswith("502 5.")
    assert not [link for link in front.next_hop.links if any(one.startswith("MAIL") for one in link.commands)]


async def test_nothing_is_done_after_the_session_was_closed(front: Running) -> None:
    client = await front.client()
    client.send(b"FOO\r\n" * 21 + f"{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode() + MESSAGE + b".\r\n")
    assert (await _heard_until_closed(client))[-1].startswith("421")
    await front.send("b@town.example", ["desk@police.example"], MESSAGE)
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]


async def test_every_reply_after_the_greeting_has_an_enhanced_code(passage: Passage) -> None:
    front = await passage.open(smtp="max_recipients = 1")
    front.next_hop.script = lambda stage, _link: "550 nobody\r\n" if "nobody" in stage else None
    client = await front.client()
    for line in (
        "MAIL FROM:<a@town.example> SIZE=10 BODY=8BITMIME", MAIL, "RCPT TO:<nobody@police.example>", "RCPT TO:<>",
        "RCPT TO:<a@elsewhere.example>", RCPT, "RCPT TO:<second@police.example>", RCPT, "NOOP", "VRFY x", "RSET", "DATA",
    ):  # fmt: skip
        reply = await client.say(line)
        assert ENHANCED.match(reply), reply
    assert ENHANCED.match(await client.mail("a@town.example", ["desk@police.example"], MESSAGE))
    assert ENHANCED.match(await client.say("QUIT", "221"))


async def test_smtputf8_mail_is_passed_on_with_its_parameters(front: Running) -> None:
    client = await front.client()
    await client.say("MAIL FROM:<\u7528\u6237@\u4f8b\u5b50.example> SMTPUTF8 BODY=8BITMIME SIZE=100", "250")
    await client.say("RCPT TO:<\u00e9quipe@police.example>", "250")
    await client.content("From: \u7528\u6237@\u4f8b\u5b50.example\r\n\r\nx\r\n".encode(), "250")
    (message,) = await front.next_hop.arrived()
    assert message.recipients == ["\u00e9quipe@police.example"]
    assert message.mail_line == "MAIL FROM:<\u7528\u6237@\u4f8b\u5b50.example> SIZE=100 BODY=8BITMIME SMTPUTF8"
    assert b" with UTF8SMTP id " in message.content.split(b"\r\n\r\n")[0]
    assert b"\tfor <" not in message.content


async def test_an_address_beyond_ascii_without_the_parameter_is_refused(front: Running) -> None:
    client = await front.client()
    await client.say("MAIL FROM:<\u7528\u6237@\u4f8b\u5b50.example>", "553 5.6.7")
    await client.say(MAIL, "250")
    await client.say("RCPT TO:<\u00e9quipe@police.example>", "553 5.6.7")


async def test_the_null_reverse_path_is_passed_on(front: Running) -> None:
    await front.send("", ["desk@police.example"], MESSAGE)
    (message,) = await front.next_hop.arrived()
    assert message.reverse_path == ""


async def test_the_received_field_names_client_host_protocol_and_a_lone_recipient(front: Running) -> None:
    await front.send("a@town.example", ["desk@police.example"], MESSAGE)
    await front.send("a@town.example", ["desk@police.example", "front@police.example"], MESSAGE)
    one, two = await front.next_hop.arrived(2)
    field = one.content[: one.content.index(b"From: ")]
    assert re.fullmatch(
        rb"Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n"
        rb"\tby mx\.police\.example with ESMTP id \S+\r\n\tfor <desk@police\.example>;\r\n\t[A-Z][a-z]{2}, .* \+0000\r\n",
        field,
    ), field
    assert b"for <" not in two.content, "a Bcc would be betrayed"


async def test_a_hostile_greeting_breaks_no_header_field(front: Running) -> None:
    client = await front.client(hello="x)\x0b(y;\x07 z <a@b.example>")
    await client.mail("a@town.example", ["desk@police.example"], MESSAGE, expect="250")
    (message,) = await front.next_hop.arrived()
    assert message.behind_received == MESSAGE
    assert message.content.startswith(b"Received: from x???y???z??a?b.example? ([127.0.0.1])\r\n")
