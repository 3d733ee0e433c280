from __future__ import annotations

import pytest

from filters.disposition import Tier
from gateway.compose.flag import flag_fields
from gateway.compose.text import ComposeError


def fields(authentication: dict[str, str], auth: str = "pass", hostname: str = "mx.police.example") -> tuple[str, str]:
    """The two fields, unfolded."""
    written = flag_fields(
        tier=Tier.RELATED, reference="LG-2345-6789", auth=auth, hostname=hostname, authentication=authentication
    )
    assert written.endswith(b"\r\n")
    flag, results = written.decode("ascii").replace("\r\n ", " ").removesuffix("\r\n").split("\r\n")
    return flag, results


def test_the_flag_names_tier_reference_and_result() -> None:
    flag, _ = fields({})
    assert flag == "X-Liaison-Flag: tier=related; ref=LG-2345-6789; auth=pass"


def test_results_are_written_in_the_grammar_of_rfc_8601() -> None:
    _, results = fields(
        {"spf": "softfail mission.example", "dkim": "pass a.example, fail b.example", "dmarc": "pass mission.example"}
    )
    assert results == (
        "Authentication-Results: mx.police.example; spf=softfail smtp.mailfrom=mission.example; "
        "dkim=pass header.d=a.example; dkim=fail header.d=b.example; dmarc=pass header.from=mission.example"
    )


@pytest.mark.parametrize("authentication", [{}, {"spf": "", "dkim": "none", "dmarc": "none "}])
def test_what_was_not_checked_is_none(authentication: dict[str, str]) -> None:
    assert fields(authentication)[1] == "Authentication-Results: mx.police.example; spf=none; dkim=none; dmarc=none"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ('fail a.example" dkim=pass', 'spf=fail smtp.mailfrom="a.example\\" dkim=pass"'),
        ("fail a.example; dmarc=pass", 'spf=fail smtp.mailfrom="a.example; dmarc=pass"'),
        ("fail a(comment)\\", 'spf=fail smtp.mailfrom="a(comment)\\\\"'),
        (
            "fail a.example\r\nX-Liaison-Flag: tier=clear",
            'spf=fail smtp.mailfrom="a.example??X-Liaison-Flag: tier=clear"',
        ),
        ("fail 大.example\0", 'spf=fail smtp.mailfrom="?.example?"'),
        ("fail a@b.example", 'spf=fail smtp.mailfrom="a@b.example"'),
        ("pass; dmarc=pass x", "spf=none"),
        ("excellent a.example", "spf=none"),
        ("fail a, dmarc=pass b", "spf=fail smtp.mailfrom=a; spf=none"),
    ],
)
def test_no_domain_can_bring_another_result(given: str, written: str) -> None:
    assert fields({"spf": given})[1] == f"Authentication-Results: mx.police.example; {written}; dkim=none; dmarc=none"


def test_a_result_word_of_the_case_that_is_unknown_is_none() -> None:
    assert fields({}, auth="pass; tier=clear")[0].endswith("auth=none")


def test_a_very_long_domain_still_fits_a_line() -> None:
    _, results = fields({"spf": "fail " + "a" * 100_000})
    assert len(results) < 998


@pytest.mark.parametrize("hostname", ["", "mx; spf=pass", "mx\r\nX: y"])
def test_the_authserv_id_is_a_token(hostname: str) -> None:
    with pytest.raises(ComposeError):
        fields({}, hostname=hostname)
