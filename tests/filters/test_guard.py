from __future__ import annotations

import pytest

from filters.guard import refusal
from filters.lists import EntryKind

OWN = frozenset({"police.city.example", "Service.Example"})


@pytest.mark.parametrize(
    ("kind", "value", "because"),
    [
        ("subtree", "", "needs a value"),
        ("address", "  ", "needs a value"),
        ("label", "", "gat.*.gov.cn"),
        ("subtree", "cn", "top-level domain"),
        ("domain", "..", "no domain name"),
        ("subtree", "gov.cn", "public suffix"),
        ("subtree", "公司.cn", "public suffix"),
        ("domain", "co.uk", "public suffix"),
        ("subtree", "on.ca", "public suffix"),
        ("subtree", "zj.gov.cn", "public suffix"),
        ("subtree", "beijing.gov.cn", "public suffix"),
        ("domain", "embassy example", "no domain name"),
        ("subtree", "*.mfa.gov.cn", "no domain name"),
        ("subtree", "-mfa.gov.cn", "no domain name"),
        ("subtree", "a" * 64 + ".example", "no domain name"),
        ("subtree", "a." * 130 + "example", "no domain name"),
        ("subtree", "mfa.gov.cn\0", "no domain name"),
        ("domain", "192.0.2.1", "IP address"),
        ("subtree", "press@embassy.example", "kind “address”"),
        ("subtree", "gmail.com", "public mail provider"),
        ("domain", "qq.com", "public mail provider"),
        ("subtree", "vip.163.com", "public mail provider"),
        ("subtree", "yahoo.ca", "public mail provider"),
        ("domain", "hotmail.fr", "public mail provider"),
        ("subtree", "gc.ca", "public suffix"),
        ("subtree", "rcmp-grc.gc.ca", "Canadian"),
        ("subtree", "canada.ca", "Canadian"),
        ("domain", "mcscs.gov.on.ca", "Canadian"),
        ("subtree", "msp.gouv.qc.ca", "Canadian"),
        ("subtree", "alberta.ca", "Canadian"),
        ("subtree", "gov.bc.ca", "Canadian"),
        ("domain", "mail.torontopolice.on.ca", "Canadian"),
        ("subtree", "spvm.qc.ca", "Canadian"),
        ("subtree", "ccg.interpol.int", "INTERPOL"),
        ("subtree", "interpol.int", "INTERPOL"),
        ("subtree", "police.city.example", "agency's own"),
        ("domain", "mail.police.city.example", "agency's own"),
        ("subtree", "city.example", "contains the agency's own"),
        ("domain", "SERVICE.example", "agency's own"),
        ("address", "nobody", "no e-mail address"),
        ("address", "a b@embassy.example", "no e-mail address"),
        ("address", "a@[192.0.2.1]", "no e-mail address"),
        ("address", "a@b@embassy.example", "no e-mail address"),
        ("address", "chief@police.city.example", "agency's own"),
        ("address", "ildc@rcmp-grc.gc.ca", "Canadian"),
        ("address", "ncb@interpol.int", "INTERPOL"),
        ("label", "gat.gov.cn", "no label entry"),
        ("label", "*.gov.cn", "no label entry"),
        ("label", "gat.*.", "no label entry"),
        ("label", "gat.*.*.gov.cn", "no label entry"),
        ("label", "a.b.*.gov.cn", "not one label"),
        ("label", "mail.*.gov.cn", "every organisation"),
        ("label", "gat.*.cn", "too wide"),
        ("label", "gat.*.com.cn", "too wide"),
        ("label", "gat.*.com", "too wide"),
        ("label", "police.*.gc.ca", "Canadian"),
        ("label", "gat.*.city.example", "contains the agency's own"),
        ("label", "gat.*.gmail.com", "public mail provider"),
    ],
)
def test_an_entry_that_would_catch_the_wrong_mail_is_refused_with_the_reason(
    kind: str, value: str, because: str
) -> None:
    reason = refusal(EntryKind(kind), value, OWN)
    assert reason is not None
    assert because in reason
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("subtree", "mfa.gov.cn"), ("domain", "csm.mfa.gov.cn"), ("subtree", "china-embassy.org"), ("label", "gat.*.gov.cn")),
        *(("label", "gat.*.zj.gov.cn"), ("address", "china.vancouver@gmail.com"), ("address", "zj.ccmtl@hotmail.com")),
        *(("subtree", "外交部.公司"), ("subtree", "police.gov.hk"), ("subtree", "outlook.embassy.example"), ("subtree", "MID.ru.")),
    ],
)  # fmt: skip
def test_an_official_body_can_be_listed(kind: str, value: str) -> None:
    assert refusal(EntryKind(kind), value, OWN) is None


@pytest.mark.parametrize(
    "value", ["\0", "\ud800", "@", ".*.", "a" * 100000, "。", "a@" + "b" * 100000, "a.*." + "é" * 5000]
)
@pytest.mark.parametrize("kind", list(EntryKind))
def test_hostile_text_is_refused_and_nothing_raises(kind: EntryKind, value: str) -> None:
    assert refusal(kind, value, OWN)
