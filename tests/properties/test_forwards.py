"""Whatever comes to the intake mailbox is read: nothing raises, nothing is taken that was not there."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from filters.forwards import LONGEST_COVER, MOST_ATTACHED, read_forward
from filters.mime_parts import MimeLimits
from filters.quoted import LONGEST_VALUE, quoted_block

LIMITS = MimeLimits(parts=50, depth=5)
PIECES = st.sampled_from(
    [
        *(b"Content-Type: ", b"multipart/mixed; boundary=b", b"message/rfc822", b"text/plain", b"text/html", b"\r\n"),
        *(b"\n", b"\r\n\r\n", b"--b", b"--b--", b"Content-Transfer-Encoding: base64", b"quoted-printable", b"; name=x.eml"),
        *(b"Content-Disposition: attachment", b'; filename="a.msg"', b"From: a@b.example", b"Subject: x", b"Date: y"),
        *(b"Resent-From: a@b.example", b"<style", b"<br>", b">", b"&lt;", b"\0", b"\xff", b"Rnk=", b"=00", b"; charset=utf-7"),
    ]
)  # fmt: skip
OCTETS = st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=40).map(b"".join)
WORDS = st.sampled_from(
    [
        "From:",
        "De :",
        "De\u00a0:",
        "Sent:",
        "Envoyé :",
        "Objet:",
        "*Subject:*",
        "> ",
        "\n",
        "\r\n",
        "\u2028",
        "-----",
        "a@b.example",
        " ",
        "\0",
        "\ud800",
    ]
)
TEXTS = st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=40).map("".join)
BODIES = st.binary(max_size=200).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"\r\n"))


@given(OCTETS)
def test_any_octets_are_read_within_bounds(octets: bytes) -> None:
    found = read_forward(memoryview(octets), LIMITS)
    assert len(found.attached) <= MOST_ATTACHED
    assert all(len(one) <= len(octets) for one in found.attached)
    assert len(found.cover) <= LONGEST_COVER
    assert found.attached or found.quoted or found.troubles, "an officer is always told something"
    assert not (found.attached and found.quoted)


@given(TEXTS)
def test_any_text_is_read_and_each_claim_is_one_line(text: str) -> None:
    block = quoted_block(text)
    if block is None:
        return
    assert block.sender

    for said in (block.sender, block.reply_to, block.date, block.subject):
        assert len(said.splitlines()) <= 1
        assert len(said) <= LONGEST_VALUE


@given(BODIES, st.booleans(), st.booleans())
def test_an_attached_message_comes_out_as_it_went_in(body: bytes, encoded: bool, named: bool) -> None:
    original = b"From: a@b.example\r\nSubject: x\r\n\r\n" + body
    kind = b'application/octet-stream; name="x.eml"' if named else b"message/rfc822"
    content = base64.encodebytes(original).replace(b"\n", b"\r\n") if encoded else original
    encoding = b"base64" if encoded else b"8bit"
    mail = b"Content-Type: multipart/mixed; boundary=0f8b2c\r\n\r\n--0f8b2c\r\nContent-Type: " + kind
    mail += b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + content + b"\r\n--0f8b2c--\r\n"
    assert read_forward(memoryview(mail), LIMITS).attached == (original,)
