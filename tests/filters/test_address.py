from __future__ import annotations

import pytest

from filters.address import (
    NULL_PATH,
    AddressError,
    Mailbox,
    NonAsciiAddressError,
    canonical_domain,
    canonical_local_part,
    parse_path,
)


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        ("a@police.example", "a", "police.example"),
        ("First.Last+tag@Police.Example", "First.Last+tag", "Police.Example"),
        ("!#$%&'*+-/=?^_`{|}~@police.example", "!#$%&'*+-/=?^_`{|}~", "police.example"),
        ('"john doe"@police.example', '"john doe"', "police.example"),
        ('"a@b"@police.example', '"a@b"', "police.example"),
        (r'"a\"b\\c"@police.example', r'"a\"b\\c"', "police.example"),
        ('""@police.example', '""', "police.example"),
        ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
        ("a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"),
        ("a@[ipv6:::1]", "a", "[ipv6:::1]"),
        ("a@[tag:content]", "a", "[tag:content]"),
        ("a@localhost", "a", "localhost"),
        ("a@host_name.example", "a", "host_name.example"),
        ("a@xn--tlq87w5j9b.example", "a", "xn--tlq87w5j9b.example"),
        ("x" * 64 + "@police.example", "x" * 64, "police.example"),
        ("a@" + ".".join(["d" * 63] * 3 + ["d" * 61, "e"]), "a", ".".join(["d" * 63] * 3 + ["d" * 61, "e"])),
    ],
)
def test_a_path_is_kept_as_received(text: str, local_part: str, domain: str) -> None:
    assert parse_path(text) == Mailbox(local_part, domain)
    assert str(parse_path(text)) == text


def test_the_empty_path_is_the_null_path() -> None:
    assert parse_path("") is NULL_PATH
    assert str(NULL_PATH) == NULL_PATH.key == ""


@pytest.mark.parametrize("text", ["postmaster", "Postmaster", "POSTMASTER"])
def test_postmaster_may_stand_alone_in_any_case(text: str) -> None:
    assert parse_path(text) == Mailbox(text, "")
    assert parse_path(text).key == "postmaster"


@pytest.mark.parametrize(
    "text", ["@a.example:u@police.example", "@a.example,@b.example:u@police.example", "@A:u@police.example"]
)
def test_a_source_route_is_dropped(text: str) -> None:
    assert parse_path(text) == Mailbox("u", "police.example")


@pytest.mark.parametrize(
    "text",
    [
        *("a", "@", "a@", "@police.example", "a b@police.example", "a@police example", "a@@police.example", "a@b@c.example"),
        *(".a@police.example", "a.@police.example", "a..b@police.example", "a@.example", "a@police..example"),
        *("a@police.example.", "a@-police.example", "a@police-.example", "a@police.-x.example"),
        *("<a@police.example>", "a@police.example>", "(a)a@police.example", "a,b@police.example", "a:b@police.example"),
        *('"a@police.example', 'a"b@police.example', '"a"b"@police.example', '"a\\"@police.example', '"a".b@x.example'),
        *("a@[300.0.0.1]", "a@[1.2.3]", "a@[]", "a@[IPv6:zz]", "a@[IPv6:fe80::1%eth0]", "a@[IPv6:]", "a@[1.2.3.4", "a@[a b]"),
        *("@a.example:", "@a.example", "@:u@police.example", "@a.example,b.example:u@police.example", "@a.example;u@b"),
        *("x" * 65 + "@police.example", "a@" + "d." * 127 + "dd", "a@" + "d" * 64 + ".example"),
        *("a\0b@police.example", "a\r\n@police.example", "a@police.example\n", "a\x7f@police.example", "a@pol\tice.example"),
        *('"a\0"@police.example', '"a\r\nb"@police.example', '"a\\\x01"@police.example', "@" * 5000, "@a," * 5000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("smtputf8", [False, True])
def test_what_the_grammar_does_not_give_is_refused_in_words(text: str, smtputf8: bool) -> None:
    with pytest.raises(AddressError) as refused:
        parse_path(text, smtputf8=smtputf8)
    assert str(refused.value)
    assert not isinstance(refused.value, NonAsciiAddressError)


@pytest.mark.parametrize("text", ["é@police.example", "a@policé.example", '"é"@police.example', "领事@使馆.example"])
def test_characters_beyond_ascii_need_smtputf8(text: str) -> None:
    assert str(parse_path(text, smtputf8=True)) == text
    with pytest.raises(NonAsciiAddressError):
        parse_path(text)


@pytest.mark.parametrize("character", ["\x80", "\x9f", "\ud800"])
def test_c1_controls_and_surrogates_are_refused_even_with_smtputf8(character: str) -> None:
    for text in (f"a{character}@police.example", f"a@pol{character}ice.example", f'"{character}"@police.example'):
        with pytest.raises(AddressError):
            parse_path(text, smtputf8=True)


def test_limits_count_octets_and_not_characters() -> None:
    assert parse_path("é" * 32 + "@police.example", smtputf8=True).local_part == "é" * 32
    with pytest.raises(AddressError, match="64 octets"):
        parse_path("é" * 33 + "@police.example", smtputf8=True)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        *(("mfa.gov.cn", "mfa.gov.cn"), ("MFA.Gov.CN", "mfa.gov.cn"), ("mfa.gov.cn.", "mfa.gov.cn")),
        *(("mfa..gov.cn", "mfa.gov.cn"), (".mfa.gov.cn", "mfa.gov.cn"), ("mfa。gov．cn｡", "mfa.gov.cn")),
        *(("ｍｆａ.gov.cn", "mfa.gov.cn"), ("𝐦𝐟𝐚.𝓰𝓸𝓿.cn", "mfa.gov.cn"), ("ⓜⓕⓐ.gov.cn", "mfa.gov.cn")),
        *(("m\u200bf\u00ada\u200d.gov\ufeff.cn", "mfa.gov.cn"), ("mfa\u2024gov\u2024cn", "mfa.gov.cn")),
        *(("mfa" + "。" * 2000 + "gov.cn", "mfa.gov.cn"), ("m" + "\u200b" * 2000 + "fa.gov.cn", "mfa.gov.cn")),
        *(("外交部.公司", "xn--tlq87w5j9b.xn--55qx5d"), ("BÜCHER.example", "xn--bcher-kva.example")),
        *(("", ""), (".", ""), ("。。", ""), ("\u200b", ""), ("[192.0.2.1]", "[192.0.2.1]")),
    ],
)
def test_domains_that_read_alike_are_compared_alike(text: str, canonical: str) -> None:
    assert canonical_domain(text) == canonical


@pytest.mark.parametrize("text", ["\ufffd.example", "a\U000f0000b.example", "℀.example", "-é-.example"])
def test_a_domain_that_uts46_refuses_is_still_comparable(text: str) -> None:
    assert canonical_domain(text).endswith(".example")
    assert canonical_domain(text) == canonical_domain(text.upper())


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        *(("John.Doe", "john.doe"), ('"John.Doe"', "john.doe"), (r'"j\ohn"', "john"), ("ｊｏｈｎ", "john")),
        *(('"john doe"', '"john doe"'), (r'"a\"b"', r'"a\"b"'), ('"a@b"', '"a@b"'), ('""', '""'), ('"a..b"', '"a..b"')),
        *(('".a"', '".a"'), ('"', '"'), ("STRASSE", "strasse"), ("straße", "strasse"), ("e\u0301", "\u00e9")),
    ],
)
def test_local_parts_that_mean_the_same_are_compared_alike(text: str, canonical: str) -> None:
    assert canonical_local_part(text) == canonical


def test_percent_bang_and_verp_forms_are_never_decoded() -> None:
    for local_part in ("a%mfa.gov.cn", "mfa.gov.cn!a", "bounce+a=mfa.gov.cn", "srs0=x=y=mfa.gov.cn=a"):
        assert parse_path(f"{local_part}@relay.example").key == f"{local_part}@relay.example"
