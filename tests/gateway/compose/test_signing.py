from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from filters.line_ends import normalize
from gateway.compose.signing import SIGNED, Signer, SigningKeyError
from gateway.compose.text import ComposeError
from gateway.model.outbox import Post, Purpose
from tests.support.correspondence import VOICE, a_decline, a_notice, a_report, read
from tests.support.records import RAW, a_case
from tests.support.signatures import DOMAIN, SELECTOR, KeyPair, key_pair, pem_of

if TYPE_CHECKING:
    from gateway.compose.values import AgencyVoice

__all__ = ["key_pair"]

EIGHTBIT = b"From: office@mission.example\r\nSubject: x\r\n\r\n\xe4\xbd\xa0\xe5\xa5\xbd  \t\r\n.\r\n\r\n \r\n\r\n"
LONG_NAMES = replace(VOICE, hostname=f"{'mx' * 20}.{'a' * 60}.{'b' * 60}.police.example")


def past(post: Post) -> Post:
    """The post as of two years before: verifiers refuse a signature that was made after their own present."""
    assert b"Date: Mon, 4 May 2026 " in post.content
    return replace(post, content=post.content.replace(b"Date: Mon, 4 May 2026 ", b"Date: Sat, 4 May 2024 ", 1))


def signed(key_pair: KeyPair, post: Post) -> Post:
    return Signer(DOMAIN, SELECTOR, key_pair.pem).sign(past(post))


def tags(post: Post) -> dict[str, str]:
    """The tags of the signature on top, without white space."""
    field, _, _ = post.content.partition(b"\r\nDate: ")
    name, _, value = re.sub(rb"\s", b"", field).decode("ascii").partition(":")
    assert name == "DKIM-Signature"
    return dict(part.split("=", 1) for part in value.split(";"))


@pytest.mark.parametrize(
    "post",
    [
        a_decline(),
        a_decline(replace(a_case(), reverse_path="büro@mission.example", message_id=f"<{'x' * 200}@mission.example>")),
        a_notice(),
        a_notice(voice=LONG_NAMES),
        a_report(),
        a_report(original=None),
        a_report(original=RAW + b"word " * 150_000 + b"\r\n"),
        a_report(original=b"Subject: x\n\nbare\nnewlines\r and \0\n"),
        a_report(original=EIGHTBIT, eightbit=True),
    ],
    ids=["decline", "SMTPUTF8", "notice", "long names", "report", "summary", "large", "base64", "8bit"],
)
def test_what_we_write_verifies_as_it_leaves_and_is_otherwise_unchanged(key_pair: KeyPair, post: Post) -> None:
    ours = signed(key_pair, post)
    assert normalize(ours.content) == ours.content
    assert key_pair.verifies(ours.content)
    assert ours.content.endswith(past(post).content)
    assert replace(ours, content=b"") == replace(post, content=b"")


def test_a_report_with_octets_above_127_verifies_as_they_are(key_pair: KeyPair) -> None:
    content = signed(key_pair, a_report(original=EIGHTBIT, eightbit=True)).content
    assert EIGHTBIT in content
    assert key_pair.verifies(content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: ", b"From: Somebody Else "),
        (b"\r\nFrom: ", b"\r\nFrom: <evil@evil.example>\r\nFrom: "),
        (b"\r\nMIME-Version: 1.0\r\n", b"\r\nMIME-Version: 1.0\r\nFrom: <evil@evil.example>\r\n"),
        (b"\r\nMIME-Version: 1.0\r\n", b"\r\nMIME-Version: 1.0\r\nReply-To: <evil@evil.example>\r\n"),
        (b"\r\nMIME-Version: 1.0\r\n", b"\r\nMIME-Version: 1.0\r\nCc: <evil@evil.example>\r\n"),
        (b"\r\nMIME-Version: 1.0\r\n", b"\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n"),
        (b"\r\nMIME-Version: 1.0\r\n", b"\r\nMIME-Version: 1.0\r\nSubject: another\r\n"),
        (b"\r\nAuto-Submitted: auto-replied\r\n", b"\r\nAuto-Submitted: no\r\n"),
        (b"\r\nAuto-Submitted: auto-replied\r\n", b"\r\n"),
        (b"\r\nX-Auto-Response-Suppress: All\r\n", b"\r\n"),
        (b"office@mission.example", b"others@mission.example"),
        (b"Interpolottawa", b"Interpol0ttawa"),
    ],
)
def test_tampering_fails(key_pair: KeyPair, old: bytes, new: bytes) -> None:
    content = signed(key_pair, a_decline()).content
    assert old in content
    assert not key_pair.verifies(content.replace(old, new, 1))


def test_nothing_can_be_added_below(key_pair: KeyPair) -> None:
    assert not key_pair.verifies(signed(key_pair, a_decline()).content + b"And more.\r\n")


def test_the_signature_of_another_key_fails(key_pair: KeyPair) -> None:
    stranger = KeyPair(rsa.generate_private_key(65537, 2048))
    assert not key_pair.verifies(signed(stranger, a_decline()).content)


def test_what_servers_add_on_the_way_and_white_space_at_line_ends_does_no_harm(key_pair: KeyPair) -> None:
    content = signed(key_pair, a_decline()).content
    travelled = b"Received: from a.example by b.example; Sat, 4 May 2024 12:00:01 +0000\r\n" + content
    assert key_pair.verifies(travelled.replace(b"\r\nSubject: ", b"\r\nSubject:  ").rstrip(b"\r\n") + b" \r\n\r\n")


@pytest.mark.parametrize("ours", [a_decline(), a_notice(), a_report()], ids=["decline", "notice", "report"])
def test_every_field_is_named_once_more_than_it_occurs(key_pair: KeyPair, ours: Post) -> None:
    post = signed(key_pair, ours)
    named = tags(post)["h"].split(":")
    written = [name.lower() for name in read(post) if name != "DKIM-Signature"]
    assert [name for name in written if named.count(name) != 2] == []
    assert {name for name in named if name not in written} <= {"cc", "reply-to", "in-reply-to", "references"}
    assert [named.count(name) for name in ("cc", "reply-to", "from")] == [1, 1, 2]


def test_the_tags_say_how_it_is_signed_and_when_the_mail_was_written(key_pair: KeyPair) -> None:
    post = signed(key_pair, a_report())
    found = tags(post)
    written = int(parsedate_to_datetime(str(read(post)["Date"])).timestamp())
    assert {name: found[name] for name in "vacdst"} == {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": DOMAIN, "s": SELECTOR, "t": str(written),
    }  # fmt: skip
    assert not {"l", "x", "z"} & found.keys()


def test_the_same_mail_has_the_same_signature_each_time(key_pair: KeyPair) -> None:
    report = a_report()
    assert signed(key_pair, report) == signed(key_pair, report)


@pytest.mark.parametrize("voice", [VOICE, LONG_NAMES])
def test_the_field_is_folded_into_short_lines(key_pair: KeyPair, voice: AgencyVoice) -> None:
    long = Signer(f"{'a' * 60}.{'b' * 60}.{'c' * 60}.police.example", "s" * 60, key_pair.pem)
    for post in (signed(key_pair, a_decline(voice=voice)), long.sign(a_decline(voice=voice))):
        field, _, _ = post.content.partition(b"\r\nDate: ")
        lines = field.split(b"\r\n")
        assert max(map(len, lines)) <= 78
        assert all(line.startswith(b" ") and line.strip() for line in lines[1:])


def test_a_mail_without_a_date_is_not_signed(key_pair: KeyPair) -> None:
    with pytest.raises(ComposeError, match="Date"):
        Signer(DOMAIN, SELECTOR, key_pair.pem).sign(replace(a_decline(), content=b"From: a@police.example\r\n\r\n"))


def test_only_what_we_write_ourselves_is_signed() -> None:
    assert set(Purpose) - {Purpose.RELEASE} == SIGNED


def test_a_key_is_read_in_each_form_that_openssl_writes(key_pair: KeyPair) -> None:
    old = pem_of(key_pair.private, form=PrivateFormat.TraditionalOpenSSL)
    forms = (old, key_pair.pem, b"A comment\n" + old, key_pair.pem.replace(b"\n", b"\r\n"))
    decline = a_decline()
    assert len({Signer(DOMAIN, SELECTOR, pem).sign(decline).content for pem in forms}) == 1


def test_the_key_is_never_shown(key_pair: KeyPair) -> None:
    assert "PRIVATE" not in repr(Signer(DOMAIN, SELECTOR, key_pair.pem))


UNFIT = {
    "no PEM": (b"no key", "no private key in PEM"),
    "empty": (b"", "no private key in PEM"),
    "not even text": (bytes(range(256)), "no private key in PEM"),
    "cut": (b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n", "no private key in PEM"),
    "elliptic": (pem_of(ec.generate_private_key(ec.SECP256R1())), "not RSA"),
    "ed25519": (pem_of(ed25519.Ed25519PrivateKey.generate()), "not RSA"),
    "short": (pem_of(rsa.generate_private_key(65537, 1024)), "an RSA key of 1024 bits"),  # noqa: S505 -- it is to be refused
}


@pytest.mark.parametrize(("pem", "why"), UNFIT.values(), ids=UNFIT.keys())
def test_a_key_that_is_unfit_is_refused(pem: bytes, why: str) -> None:
    with pytest.raises(SigningKeyError, match=why):
        Signer(DOMAIN, SELECTOR, pem)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_behind_a_passphrase_is_refused(key_pair: KeyPair, form: PrivateFormat) -> None:
    with pytest.raises(SigningKeyError, match="passphrase"):
        Signer(DOMAIN, SELECTOR, pem_of(key_pair.private, form=form, passphrase=b"secret"))


def test_a_large_mail_is_signed_in_little_more_memory_than_it_has_octets(key_pair: KeyPair) -> None:
    post = a_report(original=RAW + b"a b c d e f g\r\n" * 300_000)
    signer = Signer(DOMAIN, SELECTOR, key_pair.pem)
    tracemalloc.start()
    try:
        signer.sign(past(post))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * len(post.content)
