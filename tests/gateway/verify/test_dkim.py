"""DKIM verification: the vectors of RFC 8463, messages signed on the spot by another implementation, and attacks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from filters.authentication import MethodResult, Result
from gateway.settings import Endpoint
from gateway.spool import Spool
from gateway.verify.dkim import verify_signatures
from gateway.verify.resolver import Inquiry, Resolver
from tests.support.nameserver import name_server
from tests.support.signatures import pem_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MESSAGE = (
    b"From: Office <office@mission.example>\r\nTo: desk@police.example\r\nSubject:  a   meeting\r\n"
    b"Date: Mon, 4 May 2026 12:00:00 +0000\r\nMessage-ID: <1@mission.example>\r\n\r\n"
    b"We ask for a meeting. \r\n\r\nThe  office\r\n\r\n\r\n"
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.RSAPublicNumbers(e=65537, n=(1 << 767) + 1).public_key()
PUBLIC = KEY.public_key()
PUBLISHED = "s1._domainkey.mission.example"

RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""
RFC_8463_KEYS = {
    ("brisbane._domainkey.football.example.com", "TXT"): [
        '"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'
    ],
    ("test._domainkey.football.example.com", "TXT"): [
        (
            '"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdO'
            'Kb2jLQiY/J16JYi0Qvx/b" "yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYL'
            'zBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"'
        )
    ],
}


def record(key: rsa.RSAPublicKey = PUBLIC, tags: str = "v=DKIM1; k=rsa; ") -> str:
    public = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = tags + "p=" + base64.b64encode(public).decode()
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


def signed(
    message: bytes = MESSAGE,
    *,
    canonicalization: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    algorithm: bytes = b"rsa-sha256",
    headers: list[bytes] | None = None,
    length: bool = False,
) -> bytes:
    field = dkim.sign(
        message,
        b"s1",
        b"mission.example",
        pem_of(KEY),
        canonicalize=canonicalization,
        signature_algorithm=algorithm,
        include_headers=headers,
        length=length,
    )
    return bytes(field) + message


async def verified(content: bytes, *, text: str | None = None, now: datetime = NOW) -> tuple[MethodResult, ...]:
    async with name_server({(PUBLISHED, "TXT"): [text or record()], **RFC_8463_KEYS}) as server:
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), 5)
        return await verify_signatures(inquiry, Spool.of(content), now)


async def result(content: bytes, *, text: str | None = None) -> MethodResult:
    (only,) = await verified(content, text=text)
    assert only.reason
    return only


async def test_the_vectors_of_rfc_8463_verify() -> None:
    assert [one.result for one in await verified(RFC_8463)] == [Result.PASS, Result.PASS]


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
@pytest.mark.parametrize("message", [MESSAGE, MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", MESSAGE + b"\r\n \r\n"])
async def test_what_another_implementation_signs_verifies(header: bytes, body: bytes, message: bytes) -> None:
    found = await result(signed(message, canonicalization=(header, body)))
    assert (found.result, found.domain) == (Result.PASS, "mission.example")


async def test_relaxed_signatures_survive_what_servers_do_to_white_space() -> None:
    content = (
        signed().replace(b"Subject:  a   meeting", b"SUBJECT: a\r\n\tmeeting ").replace(b"The  office", b"The office  ")
    )
    assert (await result(content)).result is Result.PASS


async def test_a_message_without_signatures_has_no_results() -> None:
    assert await verified(MESSAGE) == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"We ask", b"We demand", "body"),
        (b"a   meeting", b"a greeting", "signed fields"),
        (b"office@mission", b"consul@mission", "signed fields"),
        (b"t=", b"t=1", "signed fields"),
    ],
)
async def test_what_was_altered_fails(before: bytes, after: bytes, words: str) -> None:
    found = await result(signed().replace(before, after, 1))
    assert found.result is Result.FAIL
    assert words in found.reason


async def test_a_field_that_is_not_signed_may_be_added() -> None:
    assert (await result(b"Received: from relay.example\r\n" + signed())).result is Result.PASS


async def test_a_second_author_is_not_covered() -> None:
    """Added above a signature that signs one From: the reader would see the new one."""
    field = signed(headers=[b"from", b"to", b"subject"])
    found = await result(b"From: chief@police.example\r\n" + field)
    assert found.result is Result.POLICY
    assert "2 From fields" in found.reason


async def test_a_signature_of_a_part_of_the_body_does_not_count() -> None:
    assert (await result(signed(length=True))).result is Result.PASS, "l= of the whole body"
    found = await result(signed(length=True) + b"And send it all to the address below.\r\n")
    assert found.result is Result.POLICY
    assert "l= covers" in found.reason


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        (record(SHORT), Result.POLICY, "768 bits"),
        ('"v=DKIM1; k=rsa; p="', Result.PERMERROR, "revoked"),
        ('"v=DKIM1; k=rsa"', Result.PERMERROR, "no p="),
        ('"v=spf1 -all"', Result.PERMERROR, "can't be read"),
        ('"v=DKIM1; k=rsa; p=!!!"', Result.PERMERROR, "base64"),
        ('"v=DKIM1; k=rsa; p=aGVsbG8="', Result.PERMERROR, "can't be used"),
        ('"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="', Result.PERMERROR, "ed25519"),
        (record(tags="v=DKIM1; h=sha1; "), Result.PERMERROR, "not for this use"),
        (record(tags="v=DKIM1; s=tlsrpt; "), Result.PERMERROR, "not for this use"),
        (record(tags="v=DKIM1; t=y; "), Result.POLICY, "test"),
        (record(tags=""), Result.PASS, "verifies"),
        (record(tags="v=DKIM1; t=s; s=email; h=sha1:sha256; "), Result.PASS, "verifies"),
        (record(OTHER.public_key()), Result.FAIL, "another"),
    ],
)
async def test_the_key_decides(text: str, wanted: Result, words: str) -> None:
    found = await result(signed(), text=text)
    assert found.result is wanted, found.reason
    assert words in found.reason


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (b"a=rsa-sha256", b"a=rsa-sha1", Result.POLICY),
        (b"a=rsa-sha256", b"a=rsa-md5", Result.POLICY),
        (b"i=@mission.example", b"i=@other.example", Result.PERMERROR),
        (b"i=@mission.example", b"i=@notmission.example", Result.PERMERROR),
        (b" q=dns/txt;", b" q=dns/txt; x=1000;", Result.POLICY),
        (b"h=from", b"h=x-from", Result.PERMERROR),
        (b"v=1;", b"v=2;", Result.PERMERROR),
        (b"v=1;", b"v=1; v=1;", Result.PERMERROR),
        (b"v=1;", b"v=1; l=99999;", Result.PERMERROR),
        (b"v=1;", b"v=1; l=-1;", Result.PERMERROR),
        (b"d=mission.example", b"d=mission .example", Result.PERMERROR),
        (b"d=mission.example", b"d=", Result.PERMERROR),
        (b"bh=", b"bh=?", Result.PERMERROR),
        (b"c=relaxed/relaxed", b"c=lax/lax", Result.PERMERROR),
    ],
)
async def test_a_signature_that_is_wrong_in_itself_does_not_count(before: bytes, after: bytes, wanted: Result) -> None:
    content = signed(headers=[b"from", b"to"])
    assert before in content
    found = await result(content.replace(before, after, 1))
    assert found.result is wanted, found.reason


async def test_a_dns_that_does_not_answer_is_told_from_a_missing_key() -> None:
    async with name_server({}) as server:
        resolver = Resolver([Endpoint("127.0.0.1", server.port)])
        (missing,) = await verify_signatures(Inquiry(resolver, 5), Spool.of(signed()), NOW)
        server.servfail.add(PUBLISHED)
        (failed,) = await verify_signatures(Inquiry(resolver, 2), Spool.of(signed()), NOW)
    assert (missing.result, failed.result) == (Result.PERMERROR, Result.TEMPERROR)


async def test_two_records_at_one_name_are_none() -> None:
    async with name_server({(PUBLISHED, "TXT"): [record(), '"v=DKIM1; p="']}) as server:
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), 5)
        assert (await verify_signatures(inquiry, Spool.of(signed()), NOW))[0].result is Result.PERMERROR


async def test_ten_signatures_are_looked_at_and_each_key_is_asked_for_once() -> None:
    field, _, rest = signed().partition(b"From: Office")
    async with name_server({(PUBLISHED, "TXT"): [record()]}) as server:
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), 5)
        results = await verify_signatures(inquiry, Spool.of(field * 1000 + b"From: Office" + rest), NOW)
        assert len(results) == 10
        assert len(server.asked) == 1


async def test_bare_line_feeds_of_a_file_are_read_as_line_ends() -> None:
    assert (await result(signed().replace(b"\r\n", b"\n"))).result is Result.PASS


async def test_a_signature_is_over_octets_whatever_they_are() -> None:
    message = MESSAGE + bytes(octet for octet in range(256) if octet not in b"\r\n") + b"\r\n"
    assert (await result(signed(message))).result is Result.PASS
    assert hashlib.sha256(message).hexdigest()


async def test_who_gives_up_waiting_for_a_long_verification_leaves_nobody_reading_the_message() -> None:
    before = descriptors()
    content = Spool.of(signed(b"From: office@mission.example\r\n\r\n" + b" \t x" * 8_000_000 + b"\r\n"))
    (file,) = descriptors() - before
    async with name_server({(PUBLISHED, "TXT"): [record()]}) as server:
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), 5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await verify_signatures(inquiry, content, NOW)
    reached = position(file)
    await asyncio.sleep(0.3)
    assert position(file) == reached < content.size
    content.close()


def descriptors() -> set[str]:
    """The open files of this process, by their numbers."""
    return {one.name for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}


def position(file: str) -> int:
    """Where the next octets would be read."""
    return int(Path(f"/proc/self/fdinfo/{file}").read_text(encoding="ascii").split()[1])
