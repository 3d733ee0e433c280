"""What senders and the DNS say about authentication: no octets make a reader raise anything unforeseen, or go slow."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.calendar import announces_calendar, organizers
from filters.content import fields_of_note, parse_header
from filters.dkim import (
    DkimSyntaxError,
    canonical_body,
    claimed_signers,
    covered_header,
    parse_key,
    parse_signature,
    raw_fields,
)
from filters.dmarc import is_dmarc_record, milder, parse_dmarc_record
from filters.lookalike import display_names, fold, fold_domain
from filters.mime_parts import MimeLimits
from filters.spf import LONGEST_NAME, SpfSyntaxError, expand, is_spf_record, parse_spf_record

if TYPE_CHECKING:
    from collections.abc import Callable

SPF_PIECES = st.sampled_from(
    [
        "a",
        "mx",
        "ptr",
        "all",
        "ip4:",
        "ip6:",
        "include:",
        "exists:",
        "redirect=",
        "exp=",
        "1.2.3.4",
        "::1",
        "/24",
        "//64",
        "%{",
        "}",
        "%{s}",
        "%{ir}",
        "%{l1r+-}",
        "%%",
        "%_",
        "x.example",
        ".",
        "-",
        "+",
        "~",
        "?",
        "moo=",
        "\x00",
        "é",
        " ",
    ]
)
VALUES = dict.fromkeys("slodipvhcrt", "a.b.c-d+e@f.example")


@given(st.lists(SPF_PIECES, max_size=30).map("".join))
def test_any_spf_record_is_read_or_refused(text: str) -> None:
    with suppress(SpfSyntaxError):
        record = parse_spf_record(f"v=spf1 {text}")
        for mechanism in record.mechanisms:
            assert len(expand(mechanism.domain, VALUES)) <= max(LONGEST_NAME, len(mechanism.domain))
    is_spf_record(text)


@given(st.text(max_size=400))
def test_any_dmarc_record_has_a_policy(text: str) -> None:
    is_dmarc_record(text)
    record = parse_dmarc_record("v=DMARC1;" + text)
    for policy in (record.policy, record.subdomain, record.absent):
        assert milder(policy) in {"none", "quarantine", "reject"}


SIGNATURES = st.lists(
    st.sampled_from(
        [
            b"v=1;",
            b"a=rsa-sha256;",
            b"d=x.example;",
            b"s=s1;",
            b"h=from:to;",
            b"bh=aGk=;",
            b"b=aGk=;",
            b"l=5;",
            b"c=",
            b"relaxed",
            b"/",
            b"simple;",
            b"i=@x.example;",
            b"x=9;",
            b"q=dns/txt;",
            b"\r\n ",
            b" ",
            b"=",
            b";",
            b"\xff",
            b"\x00",
        ]
    ),
    max_size=40,
).map(b"".join)


@given(SIGNATURES, st.binary(max_size=300))
def test_any_signature_is_read_or_refused(value: bytes, body: bytes) -> None:
    section = b"From: a@x.example\r\nDKIM-Signature:" + value + b"\r\nTo: b@y.example\r\n"
    claimed_signers(fields_of_note(section))
    fields = raw_fields(section)
    with suppress(DkimSyntaxError):
        signature = parse_signature(value)
        covered_header(fields, fields[1], signature)
        b"".join(canonical_body([body], signature.body_canonicalization))
    with suppress(DkimSyntaxError):
        parse_key(value.decode("latin-1"))


@given(st.binary(max_size=500))
def test_signers_are_claimed_by_any_octets(section: bytes) -> None:
    claimed_signers(fields_of_note(section))


LARGE = 250_000
SLOW = [
    pytest.param(lambda n: _read_spf("a:x." + "a" * n + "_"), id="spf label"),
    pytest.param(lambda n: _read_spf("a:" + "/1" * n), id="spf lengths"),
    pytest.param(lambda n: _read_spf("a:" + "%{s" * n), id="spf macros"),
    pytest.param(lambda n: expand("%{s}" * (n // 50), VALUES), id="spf expansion"),
    pytest.param(lambda n: _read_spf(" " * n + "a"), id="spf spaces"),
    pytest.param(lambda n: parse_dmarc_record("v=DMARC1" + ";p=" * n), id="dmarc"),
    pytest.param(lambda n: is_dmarc_record(" " * n), id="dmarc spaces"),
    pytest.param(lambda n: claimed_signers(fields_of_note(b"DKIM-Signature:" + b"\n d" * n)), id="signers"),
    pytest.param(
        lambda n: claimed_signers(fields_of_note(b"DKIM-Signature:" + b"; d" * n)), id="signers without values"
    ),
    pytest.param(lambda n: raw_fields(b"a: b\r\n " * n), id="fields"),
    pytest.param(lambda n: list(canonical_body([b" \t" * n + b"\r\n" * n], "relaxed")), id="body"),
    pytest.param(lambda n: fold("rn" * n), id="fold"),
    pytest.param(lambda n: fold_domain("xn--" + "a" * n), id="fold domain"),
    pytest.param(lambda n: list(display_names(parse_header(b'From: "\\' + b'"\\' * n).fields)), id="names"),
    pytest.param(lambda n: list(display_names(parse_header(b"From: " + b"(" * n).fields)), id="comments"),
    pytest.param(
        lambda n: announces_calendar(fields_of_note(b"Content-Type:" + b" " * n), [b"x"]), id="calendar header"
    ),
    pytest.param(lambda n: _read_calendar(b"ORGANIZER" * n), id="calendar lines"),
    pytest.param(lambda n: _read_calendar(b"ORGANIZER:mailto:" + b" " * n), id="calendar spaces"),
    pytest.param(lambda n: _read_calendar(b"\n " * n), id="calendar folds"),
]


def _read_spf(text: str) -> None:
    with suppress(SpfSyntaxError):
        parse_spf_record("v=spf1 " + text)


def _read_calendar(text: bytes) -> None:
    content = b"Content-Type: text/calendar\r\n\r\n" + text
    organizers(parse_header(content[:29]), memoryview(content), 29, MimeLimits(parts=200, depth=10))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", SLOW)
def test_work_grows_with_the_input_and_no_faster(read: Callable[[int], object]) -> None:
    """Each takes a blink where it is linear, and minutes where it is not: the limit tells the two apart."""
    read(LARGE)
