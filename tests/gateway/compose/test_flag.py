from __future__ import annotations

import pytest

from filters.authentication import Authentication, MethodResult, Result
from filters.disposition import Tier
from gateway.compose.flag import flag_fields
from gateway.compose.text import ComposeError

NOTHING = Authentication()


def spf(result: Result, domain: str) -> Authentication:
    return Authentication(spf=MethodResult(result=result, domain=domain))


def fields(authentication: Authentication, hostname: str = "mx.police.example") -> tuple[str, str]:
    """The two fields, unfolded."""
    written = flag_fields(tier=Tier.RELATED, reference="LG-2345-6789", hostname=hostname, authentication=authentication)
    assert written.endswith(b"\r\n")
    flag, results = written.decode("ascii").replace("\r\n ", " ").removesuffix("\r\n").split("\r\n")
    return flag, results


def test_the_flag_names_tier_reference_and_result() -> None:
    flag, _ = fields(spf(Result.PASS, "mission.example"))
    assert flag == "X-Liaison-Flag: tier=related; ref=LG-2345-6789; auth=pass"


def test_results_are_written_in_the_grammar_of_rfc_8601() -> None:
    _, results = fields(
        Authentication(
            spf=MethodResult(result=Result.SOFTFAIL, domain="mission.example"),
            dkim=(
                MethodResult(result=Result.PASS, domain="a.example"),
                MethodResult(result=Result.FAIL, domain="b.example"),
            ),
            dmarc=MethodResult(result=Result.PASS, domain="mission.example"),
        )
    )
    assert results == (
        "Authentication-Results: mx.police.example; spf=softfail smtp.mailfrom=mission.example; "
        "dkim=pass header.d=a.example; dkim=fail header.d=b.example; dmarc=pass header.from=mission.example"
    )


def test_what_was_not_checked_is_none() -> None:
    assert fields(NOTHING)[1] == "Authentication-Results: mx.police.example; spf=none; dkim=none; dmarc=none"


@pytest.mark.parametrize(
    ("domain", "written"),
    [
        ('a.example" dkim=pass', '"a.example\\" dkim=pass"'),
        ("a.example; dmarc=pass", '"a.example; dmarc=pass"'),
        ("a(comment)\\", '"a(comment)\\\\"'),
        ("a.example\r\nX-Liaison-Flag: tier=clear", '"a.example??X-Liaison-Flag: tier=clear"'),
        ("大.example\0", '"?.example?"'),
        ("a@b.example", '"a@b.example"'),
        ("a, dmarc=pass b", '"a, dmarc=pass b"'),
    ],
)
def test_no_domain_can_bring_another_result(domain: str, written: str) -> None:
    results = fields(spf(Result.FAIL, domain))[1]
    assert results == (
        f"Authentication-Results: mx.police.example; spf=fail smtp.mailfrom={written}; dkim=none; dmarc=none"
    )


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (Result.PASS, "pass"),
        (Result.FAIL, "fail"),
        (Result.TEMPERROR, "error"),
        (Result.PERMERROR, "error"),
        (Result.NONE, "none"),
        (Result.SOFTFAIL, "none"),
        (Result.NEUTRAL, "none"),
        (Result.POLICY, "none"),
    ],
)
def test_the_flag_has_one_word_for_every_result(result: Result, word: str) -> None:
    assert fields(spf(result, "mission.example"))[0].endswith(f"auth={word}")


def test_a_very_long_domain_still_fits_a_line() -> None:
    _, results = fields(spf(Result.FAIL, "a" * 100_000))
    assert len(results) < 998


@pytest.mark.parametrize("hostname", ["", "mx; spf=pass", "mx\r\nX: y"])
def test_the_authserv_id_is_a_token(hostname: str) -> None:
    with pytest.raises(ComposeError):
        fields(NOTHING, hostname=hostname)
