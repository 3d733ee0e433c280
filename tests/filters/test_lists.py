from __future__ import annotations

import time

import pytest

from filters.address import Mailbox, parse_path
from filters.lists import EntryKind, ListIndex, canonical_entry_value, describe
from tests.support.arrivals import entry


def _values(index: ListIndex, address: str) -> list[str]:
    return [found.value for found in index.lookup(parse_path(address, smtputf8=True))]


@pytest.mark.parametrize(
    ("kind", "value", "address", "covered"),
    [
        ("domain", "mfa.gov.cn", "a@mfa.gov.cn", True),
        ("domain", "mfa.gov.cn", "a@csm.mfa.gov.cn", False),
        ("subtree", "mfa.gov.cn", "a@mfa.gov.cn", True),
        ("subtree", "mfa.gov.cn", "a@MFA.GOV.CN", True),
        ("subtree", "mfa.gov.cn", "a@csm.mfa.gov.cn", True),
        ("subtree", "mfa.gov.cn", "a@x.y.z.mfa.gov.cn", True),
        ("subtree", "mfa.gov.cn", "a@notmfa.gov.cn", False),
        ("subtree", "mfa.gov.cn", "a@not-mfa.gov.cn", False),
        ("subtree", "mfa.gov.cn", "a@mfa.gov.cn.attacker.example", False),
        ("subtree", "mfa.gov.cn", "a@gov.cn", False),
        ("subtree", "mfa.gov.cn", "a@cn", False),
        ("subtree", "mfa.gov.cn", "mfa.gov.cn@x.example", False),
        ("subtree", "mfa.gov.cn", "a@ｍｆａ。gov.cn", True),
        ("subtree", "bücher.example", "a@xn--bcher-kva.example", True),
        ("label", "gat.*.gov.cn", "a@gat.zj.gov.cn", True),
        ("label", "gat.*.gov.cn", "a@mail.gat.zj.gov.cn", True),
        ("label", "gat.*.gov.cn", "a@gat.hangzhou.zj.gov.cn", True),
        ("label", "gat.*.gov.cn", "a@x.y.gat.hangzhou.zj.gov.cn", True),
        ("label", "gat.*.gov.cn", "a@gat.gov.cn", False),
        ("label", "gat.*.gov.cn", "a@gov.cn", False),
        ("label", "gat.*.gov.cn", "a@zj.gat.gov.cn", False),
        ("label", "gat.*.gov.cn", "a@zj.gov.cn", False),
        ("label", "gat.*.gov.cn", "a@xgat.zj.gov.cn", False),
        ("label", "gat.*.gov.cn", "a@gat.zj.gov.cn.attacker.example", False),
        ("label", "gat.*.gov.cn", "a@gat.zj.notgov.cn", False),
        ("address", "press@embassy.example", "press@embassy.example", True),
        ("address", "press@embassy.example", "PRESS@Embassy.Example", True),
        ("address", "press@embassy.example", '"press"@embassy.example', True),
        ("address", "press@embassy.example", "press+visa@embassy.example", True),
        ("address", "press@embassy.example", "press+a+b@embassy.example", True),
        ("address", "press@embassy.example", "press@mail.embassy.example", False),
        ("address", "press@embassy.example", "pres@embassy.example", False),
        ("address", "press@embassy.example", "+press@embassy.example", False),
        ("address", "press@embassy.example", "pr.ess@embassy.example", False),
        ("address", "press+visa@embassy.example", "press+visa+x@embassy.example", True),
        ("address", "press+visa@embassy.example", "press@embassy.example", False),
        ("address", "china.vancouver@gmail.com", "china.vancouver@gmail.com", True),
        ("address", "china.vancouver@gmail.com", "chinavancouver@gmail.com", True),
        ("address", "china.vancouver@gmail.com", "c.h.i.n.a.vancouver+x@googlemail.com", True),
        ("address", "china.vancouver@gmail.com", "china.vancouver2@gmail.com", False),
        ("address", "china.vancouver@gmail.com", "china.vancouver@gmail.com.example", False),
        ("address", "china.vancouver@gmail.com", "resident@gmail.com", False),
    ],
)  # fmt: skip
def test_an_entry_covers_whole_labels_and_whole_addresses(kind: str, value: str, address: str, covered: bool) -> None:
    assert bool(_values(ListIndex([entry(kind, value)]), address)) is covered


@pytest.mark.parametrize(
    "address",
    [
        *(
            "resident@gmail.com",
            "reporter@chinadaily.com.cn",
            "student@pku.edu.cn",
            "clerk@health.gov.cn",
            "clerk@beijing.gov.cn",
        ),
        *(
            "envoy@mofa.gov.tw",
            "officer@npa.gov.tw",
            "office@roc-taiwan.org",
            "mfa@mfa.gov.sg",
            "a@mps.gov.vn",
            "a@mfa.gov.ir",
        ),
        *(
            "a@cn",
            "a@gov.cn",
            "vancouver@chinese-community.example",
            "wang@police.example",
            "a@163.com",
            "a@visaforchina.org",
        ),
    ],
)
def test_nobody_else_is_covered_by_the_missions_entries(address: str) -> None:
    index = ListIndex([entry("subtree", "mfa.gov.cn"), entry("subtree", "mps.gov.cn"), entry("label", "gat.*.gov.cn")])
    assert _values(index, address) == []


def test_the_most_specific_entry_comes_first() -> None:
    index = ListIndex(
        [
            *(entry("label", "csm.*.gov.cn"), entry("subtree", "gov.example"), entry("subtree", "mfa.gov.cn")),
            *(
                entry("subtree", "csm.mfa.gov.cn"),
                entry("domain", "csm.mfa.gov.cn"),
                entry("address", "a@csm.mfa.gov.cn"),
            ),
        ]
    )
    found = index.lookup(Mailbox("a+x", "csm.mfa.gov.cn"))
    assert [(each.kind.value, each.value) for each in found] == [
        *(("address", "a@csm.mfa.gov.cn"), ("domain", "csm.mfa.gov.cn"), ("subtree", "csm.mfa.gov.cn")),
        *(("subtree", "mfa.gov.cn"), ("label", "csm.*.gov.cn")),
    ]


def test_an_empty_index_covers_nobody() -> None:
    assert ListIndex([]).lookup(Mailbox("a", "mfa.gov.cn")) == ()


@pytest.mark.parametrize("mailbox", [Mailbox("", ""), Mailbox("postmaster", ""), Mailbox("a", "..")])
def test_an_address_without_a_domain_is_never_listed(mailbox: Mailbox) -> None:
    assert ListIndex([entry("subtree", "mfa.gov.cn")]).lookup(mailbox) == ()


def test_hostile_names_cost_no_more_than_linear_time() -> None:
    index = ListIndex([entry("label", "gat.*.gov.cn"), entry("subtree", "mfa.gov.cn"), entry("address", "a@b.example")])
    started = time.process_time()
    index.lookup(Mailbox("a", "a." * 100000 + "gov.cn"))
    index.lookup(Mailbox("+" * 100000, "b.example"))
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    ("kind", "value", "canonical", "description"),
    [
        ("subtree", " MFA.Gov.CN. ", "mfa.gov.cn", "mfa.gov.cn and below"),
        ("domain", "外交部.公司", "xn--tlq87w5j9b.xn--55qx5d", "xn--tlq87w5j9b.xn--55qx5d alone"),
        ("address", '"China.Vancouver"@GMAIL.com', "china.vancouver@gmail.com", "china.vancouver@gmail.com"),
        ("label", "GAT.*.Gov.CN", "gat.*.gov.cn", "gat.*.gov.cn and below"),
    ],
)
def test_a_value_has_one_spelling_and_one_description(kind: str, value: str, canonical: str, description: str) -> None:
    assert canonical_entry_value(EntryKind(kind), value) == canonical
    assert describe(entry(kind, value)) == description
