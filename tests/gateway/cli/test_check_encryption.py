"""`liaison check` about the S/MIME certificate: whether reports can be encrypted to it, for how long, and for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.gateway.cli.test_check import change, wrong
from tests.support.envelopes import Reader, a_certificate, pem_of, reader

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

__all__ = ["reader"]


def encrypt_to(liaison: CommandLine, pem: bytes) -> None:
    liaison.file("ildc.pem", pem)
    change(liaison, "[collation]", '[collation]\nsmime_certificate = "ildc.pem"')


def said(liaison: CommandLine) -> list[str]:
    return [line for line in liaison("check").stdout.splitlines() if " s/mime: " in line]


def test_a_fit_certificate_is_well_and_its_end_is_named(liaison: CommandLine, reader: Reader) -> None:
    encrypt_to(liaison, reader.pem)
    (line,) = said(liaison)
    assert line == "ok s/mime: reports are encrypted to a certificate that is valid until 2034-12-30"


def test_without_one_it_says_that_reports_are_not_encrypted(liaison: CommandLine) -> None:
    assert said(liaison) == ["ok s/mime: no certificate is set, reports are not encrypted"]


def test_thirty_days_before_its_end_the_next_one_is_asked_for(liaison: CommandLine, reader: Reader) -> None:
    start = SystemClock().now() - timedelta(days=1)
    encrypt_to(liaison, pem_of(a_certificate(reader.private, start=start, days=30)))
    assert "for less than 30 days; ask for a new one" in said(liaison)[0]


def test_one_that_expired_is_wrong_and_so_is_one_that_is_not_valid_yet(liaison: CommandLine, reader: Reader) -> None:
    encrypt_to(liaison, pem_of(a_certificate(reader.private, days=30)))
    (line,) = wrong(liaison, 1)
    assert line.startswith(
        "wrong s/mime: the S/MIME certificate expired on 2025-01-31: reports wait; ask for a new one"
    )
    start = SystemClock().now() + timedelta(days=2)
    liaison.file("ildc.pem", pem_of(a_certificate(reader.private, start=start)))
    (line,) = wrong(liaison, 1)
    assert "is not valid before" in line


def test_one_for_another_mailbox_is_spoken_of(liaison: CommandLine, reader: Reader) -> None:
    encrypt_to(liaison, pem_of(a_certificate(reader.private, address="other@ildc.example")))
    assert "the certificate is of other@ildc.example, not of" in said(liaison)[1]


@pytest.mark.parametrize("pem", [b"", b"no certificate"])
def test_one_that_is_none_is_wrong_with_what_would_be_right(liaison: CommandLine, pem: bytes) -> None:
    encrypt_to(liaison, pem)
    (line,) = wrong(liaison, 2)
    assert "ildc.pem holds no certificate in PEM that can be read; write an X.509 certificate in PEM" in line
