"""What is written for collation, in its S/MIME envelope: who can read it, and what everybody else sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.compose.enveloping import (
    CertificateError,
    CertificateOutOfDateError,
    Envelope,
    is_enveloped,
)
from gateway.compose.signing import Signer
from tests.support.clocks import NOON
from tests.support.correspondence import a_report, read
from tests.support.envelopes import ADDRESS, Reader, a_certificate, parsed, pem_of, reader
from tests.support.records import RAW, a_case
from tests.support.signatures import DOMAIN, SELECTOR, KeyPair, key_pair

__all__ = ["key_pair", "reader"]

CASE = replace(a_case(), reference="LG-2345-6789")
AES_256_CBC = bytes.fromhex("060960864801650304012a")
"""2.16.840.1.101.3.4.1.42, as an OBJECT IDENTIFIER in DER."""
EIGHTBIT = b"From: office@mission.example\r\nSubject: x\r\n\r\n\xe4\xbd\xa0\xe5\xa5\xbd\r\n"


def test_outside_stands_what_carries_it_there_and_nothing_of_what_it_says(reader: Reader) -> None:
    post = a_report(CASE)
    sealed = reader.envelope().seal(post, CASE.reference, NOON)
    outside = parsed(sealed.content)
    assert outside["Content-Type"] == 'application/pkcs7-mime; smime-type="enveloped-data"; name="smime.p7m"'
    assert outside["Content-Transfer-Encoding"] == "base64"
    assert outside["Subject"] == "Encrypted message / Message chiffré [LG-2345-6789]"
    for kept in ("From", "To", "Date", "Message-ID", "Auto-Submitted", "X-Liaison-Loop"):
        assert outside[kept] == read(post)[kept]
    assert b"mission" not in sealed.content.lower()
    assert outside["Content-Language"] is None
    assert sealed.content.isascii()
    assert max(map(len, sealed.content.split(b"\r\n"))) <= 78
    assert b"\n" not in sealed.content.replace(b"\r\n", b"")


def test_inside_stands_the_whole_message_with_its_own_header(reader: Reader) -> None:
    post = a_report(CASE)
    inner = reader.opens(reader.envelope().seal(post, CASE.reference, NOON).content)
    inside = parsed(inner)
    assert inside["Subject"] == read(post)["Subject"]
    assert (inside["From"], inside["To"], inside["Date"]) == (read(post)["From"], read(post)["To"], read(post)["Date"])
    assert inside.get_content_type() == "multipart/mixed"
    assert inside.get_param("hp") == "cipher"
    *_, original = inside.iter_parts()
    assert original.get_content_type() == "message/rfc822"
    assert inner.partition(b"\r\n\r\n")[2] == post.content.partition(b"\r\n\r\n")[2]
    assert RAW in inner


def test_inside_is_told_how_each_field_stands_outside(reader: Reader) -> None:
    sealed = reader.envelope().seal(a_report(CASE), CASE.reference, NOON)
    outside, inside = parsed(sealed.content), parsed(reader.opens(sealed.content))
    told = dict(str(line).split(": ", 1) for line in inside.get_all("HP-Outer", []))
    assert told["Message-ID"] == outside["Message-ID"]
    assert told["Subject"] == "Encrypted message / Message chiffré [LG-2345-6789]"
    assert "Content-Type" not in told


def test_it_is_encrypted_with_aes_256_and_eight_bit_content_survives(reader: Reader) -> None:
    post = a_report(CASE, original=EIGHTBIT, eightbit=True)
    sealed = reader.envelope().seal(post, CASE.reference, NOON)
    der = parsed(sealed.content).get_payload(decode=True)
    assert isinstance(der, bytes)
    assert AES_256_CBC in der
    assert EIGHTBIT in reader.opens(sealed.content)


def test_it_needs_no_verified_tls_any_more_and_is_known_for_what_it_is(reader: Reader) -> None:
    post = a_report(CASE)
    sealed = reader.envelope().seal(post, CASE.reference, NOON)
    assert (post.needs_verified_tls, sealed.needs_verified_tls) == (True, False)
    assert (is_enveloped(post.content), is_enveloped(sealed.content)) == (False, True)
    assert (sealed.message_id, sealed.recipient, sealed.reverse_path) == (
        post.message_id, post.recipient, post.reverse_path,
    )  # fmt: skip


def test_the_signature_is_over_the_envelope(reader: Reader, key_pair: KeyPair) -> None:
    sealed = reader.envelope().seal(a_report(CASE), CASE.reference, NOON)
    past = replace(sealed, content=sealed.content.replace(b"Date: Mon, 4 May 2026 ", b"Date: Sat, 4 May 2024 ", 1))
    signed = Signer(DOMAIN, SELECTOR, key_pair.pem).sign(past)
    assert key_pair.verifies(signed.content)
    assert not key_pair.verifies(signed.content.replace(b"smime-type", b"smime_type"))
    assert is_enveloped(signed.content)


def test_a_large_original_is_encoded_without_a_seam(reader: Reader) -> None:
    large = RAW + b"word word word\r\n" * 60_000
    for more in range(3):
        sealed = reader.envelope().seal(a_report(CASE, original=large + b"x" * more), CASE.reference, NOON)
        assert large + b"x" * more in reader.opens(sealed.content)
        assert max(map(len, sealed.content.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    ("start", "days", "says"),
    [
        (NOON - timedelta(days=40), 30, "expired on 2026-04-24"),
        (NOON + timedelta(days=1), 30, "is not valid before 2026-05-05"),
    ],
)
def test_out_of_date_nothing_is_encrypted_to_it(start: datetime, days: int, says: str, reader: Reader) -> None:
    envelope = Envelope(pem_of(a_certificate(reader.private, start=start, days=days)))
    with pytest.raises(CertificateOutOfDateError, match=says):
        envelope.seal(a_report(CASE), CASE.reference, NOON)


def test_the_last_second_counts(reader: Reader) -> None:
    envelope = Envelope(pem_of(a_certificate(reader.private, start=datetime(2026, 1, 1, tzinfo=UTC), days=10)))
    assert envelope.out_of_date(envelope.not_after) is None
    assert envelope.out_of_date(envelope.not_before) is None
    assert envelope.out_of_date(envelope.not_after + timedelta(seconds=1))


def test_a_certificate_is_compared_with_the_address_as_addresses_are(reader: Reader) -> None:
    assert reader.envelope().names(ADDRESS.upper())
    assert not reader.envelope().names("somebody@ildc.example")
    assert Envelope(pem_of(a_certificate(reader.private, address=None))).names("anybody@ildc.example")


def test_what_is_no_certificate_is_refused_with_the_reason() -> None:
    for pem in (b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(CertificateError, match="holds no certificate"):
            Envelope(pem)


def test_a_key_that_we_do_not_encrypt_to_is_refused_with_the_reason() -> None:
    with pytest.raises(CertificateError, match="not RSA"):
        Envelope(pem_of(a_certificate(ec.generate_private_key(ec.SECP256R1()))))
    with pytest.raises(CertificateError, match="an RSA key of 1024 bits"):
        Envelope(pem_of(a_certificate(rsa.generate_private_key(65537, 1024))))  # noqa: S505


@pytest.mark.parametrize(("encrypts", "fits"), [(True, True), (None, True), (False, False)])
def test_a_key_that_is_for_signatures_alone_is_refused(encrypts: bool | None, fits: bool, reader: Reader) -> None:
    pem = pem_of(a_certificate(reader.private, encrypts=encrypts))
    if fits:
        assert Envelope(pem).names(ADDRESS)
    else:
        with pytest.raises(CertificateError, match="no keyEncipherment"):
            Envelope(pem)
