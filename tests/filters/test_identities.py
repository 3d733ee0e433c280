"""The differentials between parsers, one by one: what each reader could take for the sender."""

from __future__ import annotations

import time

import pytest

from filters.address import NULL_PATH, Mailbox, parse_path
from filters.content import Header, fields_of_note
from filters.identities import Claims, Identity, IdentityKind, claims
from tests.support.arrivals import header

LISTED = "a@mfa.gov.cn"


def _keys(claimed: Claims, kind: IdentityKind = IdentityKind.FROM) -> list[str]:
    return [identity.mailbox.key for identity in claimed.identities if identity.kind is kind]


def _claims(*lines: str | bytes) -> Claims:
    return claims(NULL_PATH, header(*lines))


@pytest.mark.parametrize(
    "value",
    [
        *("a@mfa.gov.cn", "<a@mfa.gov.cn>", "Name <a@mfa.gov.cn>", '"Name, First" <a@mfa.gov.cn>', "J. Q. Public <a@mfa.gov.cn>"),
        *("=?utf-8?B?5Lit5paH?= <a@mfa.gov.cn>", '"=?utf-8?B?5Lit5paH?=" <a@mfa.gov.cn>', "中文 <a@mfa.gov.cn>"),
        *("a@mfa.gov.cn (Name)", "Name\r\n <a@mfa.gov.cn>", "(x (y)) a@mfa.gov.cn", '"a@mfa.gov.cn" <a@mfa.gov.cn>'),
        *("a(x)@mfa.gov.cn", "a@mfa(x).gov.cn", "a @ mfa . gov . cn", "a@mfa.\r\n gov.cn", "A@MFA.GOV.CN", "Name<a@mfa.gov.cn>"),
    ],
)  # fmt: skip
def test_a_legal_from_field_has_one_strict_reading(value: str) -> None:
    claimed = _claims(f"From: {value}")
    assert _keys(claimed) == [LISTED]
    assert claimed.identities[0].strict
    assert claimed.ambiguous == ()


@pytest.mark.parametrize(
    "line",
    [
        *("From: x@y.example, a@mfa.gov.cn", "From: g: a@mfa.gov.cn;", "From: <@h.example:a@mfa.gov.cn>", "From: a@mfa.gov.cn <x@y.example>"),
        *("From: <x@y.example> a@mfa.gov.cn", '"From: "x" <a@mfa.gov.cn>"@y.example'[1:], "From: Doe, John <a@mfa.gov.cn>"),
        *("From: =?utf-8?q?a=40mfa.gov.cn?= <x@y.example>", 'From: "=?utf-8?q?a=40mfa.gov.cn?=" <x@y.example>'),
        *("From: =?utf-8?q?a=40mf?= =?utf-8?q?a.gov.cn?= <x@y.example>", "From: =?x-none?q?a=40mfa.gov.cn?= <x@y.example>"),
        *("From: =?utf-8?q?a=40mfa.gov.cn=00?= <x@y.example>", "From: =?utf-8?q?<a=40mfa.gov.cn>=0D=0A?= <x@y.example>"),
        *("From: a@m\0fa.gov.cn", "From: a@mfa.gov.cn\0.evil.example", "From: a@m\x01fa.gov.cn", "From: a@mfa\u200b.gov.cn"),
        *("From: a@mf\u00ada.gov.cn", "From: a\uff20mfa.gov.cn", "From: a\ufe6bmfa.gov.cn", "From: a@ｍｆａ。gov．cn"),
        *("From: 𝐚@𝐦𝐟𝐚.gov.cn", "From: a@mfa..gov.cn", "From: a@mfa.gov.cn.", "From: <a@mf\r\n a.gov.cn>", "From: <a@mf a.gov.cn>", "From: a@mf\r\n a.gov.cn"),
        *('From: "a"@mfa.gov.cn', "From: (x a@mfa.gov.cn", "From: \\a@mfa.gov.cn", "From: <a@mfa.gov.cn", "From: 'a@mfa.gov.cn'"),
        *("From: mailto:a@mfa.gov.cn", "From: a@mfa.gov.cn\r\n\tand more", "From: ((a)a@mfa.gov.cn", "From: [x] <a@mfa.gov.cn>"),
        *(" From: a@mfa.gov.cn", "From : a@mfa.gov.cn", "From\r\n : a@mfa.gov.cn", "From:\xa0a@mfa.gov.cn", "Fr\0om: a@mfa.gov.cn"),
        *(b"From: \xe9 a@mfa.gov.cn", b"From: \xd6\xd0\xce\xc4 <a@mfa.gov.cn> x", "From: 领事<a@mfa.gov.cn>，"),
        *("From: a@[mfa.gov.cn]", "From: Name <a@[mfa.gov.cn]>", "From: a@[ｍｆａ．gov．cn]"),
        *("From: =?utf-8?q?a?=@mfa.gov.cn", "From: a@=?utf-8?q?mfa.gov.cn?=", 'From: "a".@mfa.gov.cn, <a@mfa.gov.cn>'),
    ],
)  # fmt: skip
def test_a_field_with_several_readings_claims_them_all_and_is_ambiguous(line: str | bytes) -> None:
    claimed = _claims(line)
    assert LISTED in _keys(claimed)
    assert claimed.ambiguous


def test_every_from_field_counts() -> None:
    claimed = _claims("From: x@y.example", f"From: {LISTED}")
    assert _keys(claimed) == ["x@y.example", LISTED]
    assert claimed.ambiguous == ("There are 2 From fields.",)


@pytest.mark.parametrize("kind", [kind for kind in IdentityKind if kind.value.startswith("RFC5322")])
def test_every_originator_field_counts(kind: IdentityKind) -> None:
    claimed = _claims("From: x@y.example", f"{kind.field_name}: {LISTED}")
    assert LISTED in _keys(claimed, kind)


def test_the_reverse_path_comes_first() -> None:
    claimed = claims(parse_path("b@mfa.gov.cn"), header(f"From: {LISTED}"))
    assert claimed.identities[0] == Identity(IdentityKind.MAIL_FROM, Mailbox("b", "mfa.gov.cn"))


def test_the_null_path_claims_nobody() -> None:
    assert _keys(_claims(f"From: {LISTED}"), IdentityKind.MAIL_FROM) == []


@pytest.mark.parametrize(
    "line",
    [
        *(
            f"To: {LISTED}",
            f"Cc: {LISTED}",
            f"Subject: {LISTED}",
            f"Subject: x\r\n From: {LISTED}",
            f"X-From: {LISTED}",
        ),
        *(f'From: "{LISTED}"@y.example', f"From: x@y.example ({LISTED})", "From: a%mfa.gov.cn@y.example"),
        *("From: mfa.gov.cn!a@y.example", "From: bounce+a=mfa.gov.cn@y.example", "From: mfa.gov.cn <x@y.example>"),
        *("From: x@mfa.gov.cn.evil.example", "From: <@mfa.gov.cn:x@y.example>"),
    ],
)
def test_what_is_no_originator_claims_nothing(line: str) -> None:
    assert not any(identity.mailbox.domain == "mfa.gov.cn" for identity in _claims(line).identities)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "There is no From field."),
        (("From: a@x.example", "Sender: a@x.example", "Sender: b@x.example"), "There are 2 Sender fields."),
        (("From: a@x.example, b@x.example",), "The From field holds 2 addresses."),
        (("From: nobody:;",), "The From field holds no address."),
        (("From: g: h: a@x.example;;",), "A From field can't be read by RFC 5322."),
        (("From:",), "A From field can't be read by RFC 5322."),
        (("From: a@x.example", "Reply-To: x"), "A Reply-To field can't be read by RFC 5322."),
        (("From: g: a@x.example;",), "A From field uses group syntax."),
        (("From: <@h:a@x.example>",), "A From field uses a source route."),
        (("From : a@x.example",), "The name of a From field is spelled so that only some readers take it for one."),
    ],
)
def test_ambiguity_is_said_in_a_sentence(lines: tuple[str, ...], reason: str) -> None:
    assert reason in _claims(*lines).ambiguous


@pytest.mark.parametrize(
    "lines",
    [
        *(("From: a@x.example", "Reply-To: b@x.example, c@x.example"), ("From: a@x.example", "Return-Path: <>")),
        *(("From: a@x.example", "Sender: b@x.example"), ("From: a@x.example", "Subject: =?x?")),
        *(("From: root@[192.0.2.1]",), ("From: root@[IPv6:2001:db8::1]",), ("From: root@[IPv6:::ffff:192.0.2.1]",)),
    ],
)
def test_ordinary_variety_is_not_ambiguous(lines: tuple[str, ...]) -> None:
    assert _claims(*lines).ambiguous == ()


@pytest.mark.parametrize("path", ['"a"@mfa.gov.cn', "a@ｍｆａ.gov.cn", "a@mfa。gov.cn"])
def test_a_reverse_path_in_an_unusual_spelling_is_ambiguous(path: str) -> None:
    assert claims(parse_path(path, smtputf8=True), header("From: a@x.example")).ambiguous


HOSTILE = [
    "a",
    *("@", "a@b,", "<", "<a@b>", "(", ")", "()", '"', '\\"', '"a"@b ', "=?a?q?x?=", "=?utf-8?q?=40?= ", "=?utf-16?b?AAAA?="),
    *("a ", "a. ", " ", ".", "\u200b", "@\u0301\u0316", "\u0301\u0316", "\x00a@b", "\r\n ", "\r\n a@b", "<@a:", "g:a@b;", "a+@b ", "a@b\uff0e"),
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_256_kib_of_junk_costs_no_more_than_linear_time(unit: str) -> None:
    section = b"From: x@y," + unit.encode() * (262144 // len(unit.encode())) + b"\r\n"
    started = time.process_time()
    for identity in claims(NULL_PATH, Header(fields_of_note(section))).identities:
        assert identity.mailbox.key
    assert time.process_time() - started < 5  # 0.06 s measured; a quadratic step would take minutes


def test_beyond_the_bounds_both_ends_are_read_and_the_rest_is_said() -> None:
    junk = "x@y.example, " * 20000
    claimed = _claims(f"From: b@mfa.gov.cn, {junk} {LISTED}")
    assert {"b@mfa.gov.cn", LISTED} <= set(_keys(claimed))
    assert any("too long" in reason for reason in claimed.ambiguous)
