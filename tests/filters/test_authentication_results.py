"""Authentication-Results by the grammar of RFC 8601: verdicts are read where the grammar has them, and nowhere else."""

from __future__ import annotations

import time

import pytest

from filters.authentication_results import AuthenticationResults, MethodVerdict, Property, parse_authentication_results


def verdicts(value: str) -> list[tuple[str, str, dict[str, str]]]:
    results = parse_authentication_results(value)
    assert results is not None
    return [
        (one.method, one.result, {f"{p.ptype}.{p.name}": p.value for p in one.properties}) for one in results.verdicts
    ]


@pytest.mark.parametrize("value", [" example.org 1; none", "example.org; none", "example.org ; (c) NONE\r\n\t", "example.org", "example.org;"])  # fmt: skip
def test_a_field_may_say_that_nothing_was_tried(value: str) -> None:
    assert parse_authentication_results(value) == AuthenticationResults("example.org", ())


def test_the_examples_of_the_rfc_are_read() -> None:
    value = (
        " example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
        "          spf=pass smtp.mailfrom=example.net"
    )
    assert verdicts(value) == [
        ("auth", "pass", {"smtp.auth": "sender@example.net"}),
        ("spf", "pass", {"smtp.mailfrom": "example.net"}),
    ]


def test_the_rfc_s_heavily_commented_field_is_read() -> None:
    value = (
        " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
        "      policy (A dot can go here) . (like that) expired\r\n    (this surprised me) = (as I wasn't expecting it) 1362471462"
    )  # fmt: skip
    assert verdicts(value) == [("dkim", "fail", {"policy.expired": "1362471462"})]


def test_what_servers_in_the_field_write_is_read() -> None:
    value = (
        'mx.filter.example;\r\n       dkim=pass header.i=@town.example header.s=s1 header.b="WQ/x+1z=";\r\n'
        "       dkim=pass header.d=town.example header.b=WQ/x+1z==;\r\n"
        "       spf=pass (mx.filter.example: domain of a@town.example designates 192.0.2.1 as permitted sender)"
        ' smtp.mailfrom="a b"@town.example;\r\n'
        "       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=town.example;"
    )  # fmt: skip
    assert [(method, result) for method, result, _ in verdicts(value)] == [
        ("dkim", "pass"), ("dkim", "pass"), ("spf", "pass"), ("dmarc", "pass"),
    ]  # fmt: skip
    assert verdicts(value)[1][2]["header.b"] == "WQ/x+1z=="
    assert verdicts(value)[2][2] == {"smtp.mailfrom": "a b@town.example"}


def test_a_verdict_in_a_comment_or_a_quoted_string_is_none() -> None:
    value = 'mx.example; spf=fail (x; dkim=pass header.d=a.example) reason="; dkim=pass" smtp.mailfrom="a; dmarc=pass \\" x"@b.example'
    (one,) = verdicts(value)
    assert one == ("spf", "fail", {"smtp.mailfrom": 'a; dmarc=pass " x@b.example'})


def test_a_reason_is_kept_apart() -> None:
    results = parse_authentication_results('mx.example; dkim=fail reason="bad\r\n key" header.d=a.example')
    assert results is not None
    assert results.verdicts == (MethodVerdict("dkim", "fail", "bad key", (Property("header", "d", "a.example"),)),)


def test_a_property_with_two_values_has_none() -> None:
    results = parse_authentication_results("mx.example; dkim=pass header.d=a.example header.d=b.example header.s=x")
    assert results is not None
    assert (results.verdicts[0].about("header", "d"), results.verdicts[0].about("header", "s")) == ("", "x")


@pytest.mark.parametrize(
    "value",
    [
        "", ";", " ; spf=pass", "spf=pass smtp.mailfrom=a.example", "mx.example 2; spf=pass", "mx.example spf=pass", "mx.example; spf",
        "mx.example; spf=", "mx.example; =pass", "mx.example; spf=pass smtp", "mx.example; spf=pass smtp.mailfrom", "mx.example; spf=pass (a",
        'mx.example; spf=pass smtp.mailfrom="a', "mx.example; spf=pass ) x", "mx.example; spf/=pass", "mx.example;; spf=pass",
        "mx.example; spf=pass\x00", "mx.example; spf=pass smtp.mailfrom=a\x00b", "mx.example; spf=pass dkim=pass", "(mx.example; spf=pass",
        "mx.example; spf=pass smtp.mailfrom=a, dkim=pass", "mx.example; (a\\",
    ],
)  # fmt: skip
def test_a_broken_field_says_nothing_at_all(value: str) -> None:
    assert parse_authentication_results(value) is None


@pytest.mark.parametrize(
    "piece", ["(", "((a)", "\\", '"', '"a" ', "(\\", "a", " ", "\r\n ", ";", "; a=b", " c.d=e", '"\\', "a=", "/", ".", "("*50 + ")"*50]
)  # fmt: skip
@pytest.mark.parametrize("front", ["", "mx.example; spf=pass ", "mx.example; spf=pass (", 'mx.example; a=b reason="'])
def test_a_long_field_takes_no_more_than_linear_time(front: str, piece: str) -> None:
    began = time.process_time()
    parse_authentication_results(front + piece * (200_000 // len(piece)))
    assert time.process_time() - began < 1.5
