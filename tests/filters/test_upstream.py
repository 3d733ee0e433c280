"""A named upstream is believed where nobody else can have written; others are not, whatever they write."""

from __future__ import annotations

import pytest

from filters.address import parse_path
from filters.authentication import NOT_AUTHENTICATED, Authentication, MethodResult, Result
from filters.upstream import Upstream, received_by, upstream_authentication
from tests.support.arrivals import header

FILTER = Upstream("mx.filter.example", frozenset({"in1.filter.example", "in2.filter.example"}))
RESULTS = (
    "Authentication-Results: MX.Filter.example 1; spf=pass smtp.mailfrom=a@mission.example;"
    " dkim=pass header.d=mission.example; dmarc=fail policy.dmarc=reject header.from=mission.example"
)
OWN = "Received: from sender.example (sender.example [192.0.2.1])\r\n\tby in1.filter.example (8.18/8.18) with ESMTPS id 1;\r\n\tMon, 1 Jun 2026 12:00:00 +0000"
OWN_AGAIN = "Received: by IN2.filter.example with LMTP id 2; Mon, 1 Jun 2026 12:00:00 +0000"
FOREIGN = "Received: from x by mail.sender.example; Mon, 1 Jun 2026 12:00:00 +0000"
FROM = "From: a@mission.example"
SAID = Authentication(
    spf=MethodResult(result=Result.PASS, domain="mission.example"),
    dkim=(MethodResult(result=Result.PASS, domain="mission.example"),),
    dmarc=MethodResult(result=Result.FAIL, domain="mission.example"),
    dmarc_policy="reject",
)


def seen(*lines: str, reverse_path: str = "a@mission.example", upstream: Upstream = FILTER) -> Authentication:
    return upstream_authentication(header(*lines), upstream, parse_path(reverse_path, smtputf8=True))


@pytest.mark.parametrize(
    "lines",
    [
        (RESULTS, OWN, FROM),
        (RESULTS, FOREIGN, FROM),
        (OWN_AGAIN, RESULTS, OWN, FOREIGN, FROM),
        (OWN_AGAIN, OWN, RESULTS, FOREIGN, FROM),
        (RESULTS, FROM),
        (RESULTS, RESULTS.replace("pass", "fail").replace("MX.Filter", "other"), OWN, FROM),
    ],
)
def test_results_of_the_upstream_are_believed_above_the_first_foreign_received(lines: tuple[str, ...]) -> None:
    found = seen(*lines)
    assert (found.spf, found.dkim[0], found.dmarc, found.dmarc_policy) == (
        SAID.spf, SAID.dkim[0], SAID.dmarc, SAID.dmarc_policy,
    )  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        (FOREIGN, RESULTS, FROM),
        (OWN_AGAIN, OWN, FOREIGN, RESULTS, FROM),
        ("Received: (qmail 1 invoked by in1.filter.example); now", RESULTS, FROM),
        ("Received: from by by mail.sender.example", RESULTS, FROM),
        ("Received: from x (by in1.filter.example) by mail.sender.example", RESULTS, FROM),
        ("Received: from in1.filter.example", RESULTS, FROM),
        ("Received: ; by in1.filter.example", RESULTS, FROM),
        ("Received : from x by in1.filter.example", RESULTS, FROM),
        ("received:", RESULTS, FROM),
        (RESULTS.replace("-Results:", "-Results :"), OWN, FROM),
        (RESULTS.replace("MX.Filter.example 1", "MX.Filter.example 2"), OWN, FROM),
        (RESULTS.replace("MX.Filter.example", "MX.Filter.example.attacker.example"), OWN, FROM),
        (RESULTS.replace("Authentication", "ARC-Authentication"), OWN, FROM),
        ("Subject: x", " " + RESULTS, OWN, FROM),
        (RESULTS + " (", OWN, FROM),
        (FROM,),
        (),
    ],
)
def test_results_that_somebody_else_may_have_written_are_not(lines: tuple[str, ...]) -> None:
    assert seen(*lines) == NOT_AUTHENTICATED


def test_spf_counts_for_the_reverse_path_alone() -> None:
    assert seen(RESULTS, reverse_path="a@other.example").spf == MethodResult()
    assert seen(RESULTS, reverse_path="").spf == MethodResult()
    for about in ("smtp.helo=mission.example", "", "smtp.mailfrom=a.mission.example"):
        assert seen(f"Authentication-Results: mx.filter.example; spf=fail {about}").spf == MethodResult()


@pytest.mark.parametrize("value", ["mission.example", "a@mission.example", "@mission.example", "<a@mission.example>", '"a b"@Mission.Example.'])  # fmt: skip
def test_spf_names_its_domain_in_whichever_form(value: str) -> None:
    found = seen(f"Authentication-Results: mx.filter.example; spf=softfail smtp.mailfrom={value}")
    assert found.spf == MethodResult(result=Result.SOFTFAIL, domain="mission.example")


def test_verdicts_that_contradict_each_other_are_none() -> None:
    spf = "Authentication-Results: mx.filter.example; spf={} smtp.mailfrom=mission.example"
    assert seen(spf.format("pass"), spf.format("fail")).spf == MethodResult()
    assert seen(spf.format("pass"), spf.format("pass")).spf.result is Result.PASS


def test_every_signature_has_its_own_result_up_to_ten() -> None:
    one = "Authentication-Results: mx.filter.example; dkim=fail header.d=a.example; dkim=pass header.i=@mission.example"
    assert seen(one).dkim == (MethodResult(result=Result.FAIL, domain="a.example"), MethodResult())
    assert len(seen(*[one] * 20).dkim) == 10


@pytest.mark.parametrize("word", ["hardfail", "discard", "bestguesspass", "PASS1"])
def test_a_word_that_the_rfc_lacks_says_nothing(word: str) -> None:
    assert (
        seen(f"Authentication-Results: mx.filter.example; dkim={word} header.d=a.example").dkim[0].result is Result.NONE
    )


def test_a_policy_that_is_none_is_not_taken_over() -> None:
    line = "Authentication-Results: mx.filter.example; dmarc=fail policy.dmarc={} header.from=mission.example"
    assert [seen(line.format(word)).dmarc_policy for word in ("Quarantine", "shoot", "")] == ["quarantine", "", ""]


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (" from a by b with c", "b"),
        ("from [192.0.2.1] (port=1 helo=x) by B.Example. (p)", "b.example"),
        ("by b; date", "b"),
        ("FROM a BY b", "b"),
        ("from a", ""),
        ("from by b with c", ""),
        ('from "a by c" by b', "b"),
        ("from a (x", ""),
        ("", ""),
    ],
)
def test_the_by_host_is_found_in_its_place(value: str, host: str) -> None:
    assert received_by(value) == host
