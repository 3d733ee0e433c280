"""DMARC as RFC 9989 has it: records of every kind, the walk up the tree, alignment; over real packets."""

from __future__ import annotations

import pytest

from filters.authentication import MethodResult, Result
from gateway.settings import Endpoint
from gateway.verify.dmarc import evaluate_dmarc
from gateway.verify.resolver import Inquiry, Resolver
from tests.support.nameserver import FailingNameServer, name_server

NOTHING = MethodResult()
DOMAIN = "mail.office.mission.example"
"""The author's domain in most tests; its organization is mission.example."""


def spf(domain: str, result: Result = Result.PASS) -> MethodResult:
    return MethodResult(result=result, domain=domain)


async def evaluated(
    records: dict[str, str | list[str]],
    *,
    domain: str = DOMAIN,
    spf: MethodResult = NOTHING,
    dkim: tuple[MethodResult, ...] = (),
    exists: bool = True,
    servfail: str = "",
) -> tuple[Result, str, str, FailingNameServer]:
    """`records` maps domains to what stands at their _dmarc names."""
    zone = {
        (f"_dmarc.{name}", "TXT"): [f'"{text}"' for text in ([texts] if isinstance(texts, str) else texts)]
        for name, texts in records.items()
    }
    if exists:
        zone[domain, "A"] = ["192.0.2.1"]
    async with name_server(zone) as server:
        server.servfail.add(servfail)
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), 4)
        result, policy = await evaluate_dmarc(inquiry, domain, spf=spf, dkim=dkim)
    assert result.reason
    return result.result, policy, result.reason, server


async def test_without_any_record_there_is_no_result() -> None:
    result, policy, _, server = await evaluated({}, spf=spf(DOMAIN))
    assert (result, policy) == (Result.NONE, "")
    asked = [name for name, _ in server.asked]
    assert asked == [
        "_dmarc.mail.office.mission.example",
        "_dmarc.office.mission.example",
        "_dmarc.mission.example",
        "_dmarc.example",
    ]


@pytest.mark.parametrize(
    ("record", "policy"),
    [
        ("v=DMARC1; p=reject", "reject"),
        ("v=DMARC1;p=quarantine", "quarantine"),
        ("v=DMARC1; p=none; rua=mailto:a@mission.example", "none"),
        ("v=DMARC1; rua=mailto:a@mission.example", "none"),
        ("v=DMARC1; p=strange", "none"),
        ("v=DMARC1", "none"),
        (" v = DMARC1 ; P = Reject", "reject"),
        ("v=DMARC1; adkim=r; p=reject; unknown=1; pct=0", "reject"),
        ("v=DMARC1; p=reject; t=y", "quarantine"),
        ("v=DMARC1; p=quarantine; t=y", "none"),
        ("v=DMARC1; p=reject; p=none", "reject"),
        ("v=DMARC1; nonsense; p=reject;;", "reject"),
    ],
)
async def test_the_policy_of_the_domain_itself(record: str, policy: str) -> None:
    result, found, _, _ = await evaluated({DOMAIN: record})
    assert (result, found) == (Result.FAIL, policy)


@pytest.mark.parametrize("record", ["v=dmarc1; p=reject", "p=reject; v=DMARC1", "v=DMARC10; p=reject", "v=spf1 -all"])
async def test_what_does_not_begin_with_the_version_is_no_record(record: str) -> None:
    assert (await evaluated({DOMAIN: record}))[:2] == (Result.NONE, "")


async def test_several_records_are_none() -> None:
    assert (await evaluated({DOMAIN: ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}))[:2] == (Result.NONE, "")


@pytest.mark.parametrize(
    ("record", "exists", "policy"),
    [
        ("v=DMARC1; p=reject", True, "reject"),
        ("v=DMARC1; p=reject; sp=quarantine", True, "quarantine"),
        ("v=DMARC1; p=none; sp=reject; np=none", True, "reject"),
        ("v=DMARC1; p=none; sp=none; np=reject", False, "reject"),
        ("v=DMARC1; p=none; np=reject", True, "none"),
        ("v=DMARC1; p=reject; sp=strange", True, "reject"),
    ],
)
async def test_a_subdomain_has_the_policy_of_its_organization(record: str, exists: bool, policy: str) -> None:
    result, found, _, _ = await evaluated({"mission.example": record}, exists=exists)
    assert (result, found) == (Result.FAIL, policy)


async def test_a_public_suffix_speaks_where_the_organization_says_nothing() -> None:
    records: dict[str, str | list[str]] = {"example": "v=DMARC1; p=reject; psd=y"}
    assert (await evaluated(records))[:2] == (Result.FAIL, "reject")
    result, _, reason, _ = await evaluated(records, spf=spf("other.mission.example"))
    assert result is Result.PASS, "mission.example is the organization, one label below the public suffix"
    assert "mission.example" in reason
    assert (await evaluated(records, spf=spf("stranger.example")))[0] is Result.FAIL


async def test_an_organization_that_says_so_ends_the_walk() -> None:
    records: dict[str, str | list[str]] = {
        "office.mission.example": "v=DMARC1; p=reject; psd=n",
        "mission.example": "v=DMARC1; p=none",
    }
    result, policy, _, server = await evaluated(records, spf=spf("mission.example"))
    assert (result, policy) == (Result.FAIL, "reject"), "mission.example is another organization"
    assert "_dmarc.example" not in {name for name, _ in server.asked[:3]}


@pytest.mark.parametrize(
    ("tags", "spf_domain", "dkim_domain", "wanted"),
    [
        ("", DOMAIN, "", Result.PASS),
        ("", "", DOMAIN, Result.PASS),
        ("", "bounce.mission.example", "", Result.PASS),
        ("", "", "mission.example", Result.PASS),
        ("", "notmission.example", "", Result.FAIL),
        ("", "", "mission.example.attacker.example", Result.FAIL),
        ("; aspf=s", "mission.example", "", Result.FAIL),
        ("; aspf=s", "mission.example", "mission.example", Result.PASS),
        ("; adkim=s", "", "mission.example", Result.FAIL),
        ("; adkim=s; aspf=s", DOMAIN, "", Result.PASS),
        ("; adkim=S", "", "mission.example", Result.FAIL),
    ],
)
async def test_alignment(tags: str, spf_domain: str, dkim_domain: str, wanted: Result) -> None:
    result, _, reason, _ = await evaluated(
        {"mission.example": f"v=DMARC1; p=reject{tags}"},
        spf=spf(spf_domain) if spf_domain else NOTHING,
        dkim=(spf(dkim_domain),) if dkim_domain else (),
    )
    assert result is wanted, reason


async def test_only_what_passes_is_aligned() -> None:
    record: dict[str, str | list[str]] = {DOMAIN: "v=DMARC1; p=reject"}
    for found in Result:
        result = (await evaluated(record, spf=spf(DOMAIN, found)))[0]
        expected = {Result.PASS: Result.PASS, Result.TEMPERROR: Result.TEMPERROR}.get(found, Result.FAIL)
        assert result is expected, found


@pytest.mark.parametrize("broken", [f"_dmarc.{DOMAIN}", "_dmarc.mission.example"])
async def test_a_dns_that_does_not_answer_is_neither_pass_nor_fail(broken: str) -> None:
    result, policy, _, _ = await evaluated({"example": "v=DMARC1; p=reject"}, spf=spf(DOMAIN), servfail=broken)
    assert (result, policy) == (Result.TEMPERROR, "")


async def test_a_name_of_many_labels_costs_eight_questions() -> None:
    domain = ".".join("abcdefghijklmnopqrstuvwxyz") + ".mission.example"
    _, _, _, server = await evaluated({}, domain=domain)
    names = [name for name, _ in server.asked]
    assert len(names) == 8
    assert names[0] == f"_dmarc.{domain}"
    assert names[1] == "_dmarc.v.w.x.y.z.mission.example"


async def test_names_in_other_letters_are_asked_for_as_a_labels() -> None:
    result, _, _, server = await evaluated({"xn--bcher-kva.example": "v=DMARC1; p=reject"}, domain="BÜCHER.example")
    assert result is Result.FAIL
    assert server.asked[0][0] == "_dmarc.xn--bcher-kva.example"
