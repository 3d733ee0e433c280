"""Look-alikes: what a reader would take for a listed mission is a suspect; what only reminds of one is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.address import parse_path
from filters.authentication import NOT_AUTHENTICATED
from filters.content import parse_header
from filters.disposition import Delivery, Handling, Tier
from filters.envelope import Envelope, Origin
from filters.lists import EntryKind, ListEntry, ListIndex
from filters.lookalike import LookAlikes, display_names, fold, fold_domain
from filters.rulebook import Rulebook
from filters.rules import Rule
from filters.screening import Screening, screen
from tests.support.clocks import NOON

ENTRIES = (
    ListEntry(
        kind=EntryKind.SUBTREE,
        value="mission.example",
        mission_en="Embassy of Example in Canada",
        mission_fr="ambassade d'Exemple au Canada",
        mission_zh="驻加拿大大使馆",
    ),
    ListEntry(kind=EntryKind.DOMAIN, value="mps.gov.example"),
    ListEntry(kind=EntryKind.LABEL, value="consulate.*.gov.example"),
    ListEntry(kind=EntryKind.ADDRESS, value="post@webmail.example"),
    ListEntry(kind=EntryKind.SUBTREE, value="modern-warning.example"),
)
LOOKS = LookAlikes(ENTRIES)


def screened(sender: str, header: str) -> Screening:
    envelope = Envelope(
        reverse_path=parse_path(sender, smtputf8=True),
        recipients=(parse_path("desk@police.example"),),
        origin=Origin(client_ip="192.0.2.1", helo="x.example"),
        received_at=NOON,
    )
    book = Rulebook(version=1, index=ListIndex(ENTRIES))
    return screen(envelope, parse_header(header.encode() + b"\r\n\r\n"), NOT_AUTHENTICATED, book)


@pytest.mark.parametrize(
    "domain",
    [
        "rnission.example",
        "missi0n.example",
        "mi55ion.example",
        "mis5ion.example",
        "visa.rnission.example",
        "mïssion.example",
        "xn--mssion-iwa.example",
        "mіssion.example",  # Cyrillic
        "MISSI0N.example",
        "missiοn.example",  # Greek
        "rnps.gov.example",
        "mp5.g0v.example",
        "consu1ate.ottawa.gov.example",
        "rnodern-vvarning.example",
        "modem-warning.example",
    ],
)
def test_a_domain_that_looks_listed_is_a_suspect(domain: str) -> None:
    screening = screened(f"office@{domain}", f"From: office@{domain}")
    assert screening.tier is Tier.SUSPECT, fold_domain(domain)
    (verdict,) = screening.verdicts
    assert (verdict.delivery, verdict.decline, verdict.report) == (Delivery.FLAG, Handling.REVIEW, Handling.REVIEW)
    assert {finding.rule for finding in screening.findings} == {Rule.LOOK_ALIKE}
    assert screening.entry is None


@pytest.mark.parametrize(
    "domain",
    [
        "notmission.example",
        "mission.example.attacker.example",
        "mission-example.example",
        "misson.example",
        "missions.example",
        "mission.other",
        "example",
        "a.mps.gov.example",
        "0ther.example",
        "webmai1.example",
        "consu1ate.gov.example",
        "rnailserver.example",
    ],
)
def test_a_domain_that_only_reminds_of_a_listed_one_is_clear(domain: str) -> None:
    assert screened(f"office@{domain}", f"From: office@{domain}").tier is Tier.CLEAR


def test_what_is_listed_is_no_look_alike() -> None:
    screening = screened("office@mission.example", "From: office@mission.example")
    assert screening.tier is Tier.UNVERIFIED
    assert Rule.LOOK_ALIKE not in {finding.rule for finding in screening.findings}


@pytest.mark.parametrize(
    "field",
    [
        'From: "Embassy of Example in Canada" <a@webmail.example>',
        "From: Embassy  of Example in Canada <a@webmail.example>",
        "From: EMBASSY OF EXAMPLE IN CANADA <a@webmail.example>",
        "From: a@webmail.example (Embassy of Example in Canada)",
        "From: =?utf-8?q?Embassy_of_Example_in_Canada?= <a@webmail.example>",
        "From: =?utf-8?B?6am75Yqg5ou/5aSn5aSn5L2/6aaG?= <a@webmail.example>",
        'From: =?utf-8?q?"Ambassade_d\'Exemple_au_Canada"?= <a@webmail.example>',
        "From:驻加拿大大使馆 <a@webmail.example>",
        "From: Embаssy of Exаmple in Cаnаda <a@webmail.example>",
        "From: a@webmail.example\r\nReply-To: Embassy of Example in Canada <b@webmail.example>",
        "From: a@webmail.example\r\nSender: Embassy of Example in Canada <b@webmail.example>",
    ],
)
def test_the_official_name_as_a_display_name_is_a_suspect(field: str) -> None:
    screening = screened("a@webmail.example", field)
    assert screening.tier is Tier.SUSPECT
    assert [finding.rule for finding in screening.findings] == [Rule.OFFICIAL_NAME]


@pytest.mark.parametrize(
    "field",
    [
        'From: "Friends of the Embassy of Example in Canada" <a@webmail.example>',
        "From: Embassy of Example <a@webmail.example>",
        "From: Example <a@webmail.example>",
        "From: a@webmail.example\r\nSubject: Embassy of Example in Canada",
        "From: a@webmail.example\r\nTo: Embassy of Example in Canada <x@police.example>",
        "From: 李大使 <a@webmail.example>",
        "From: <a@webmail.example>",
    ],
)
def test_a_name_that_only_mentions_it_is_clear(field: str) -> None:
    assert screened("a@webmail.example", field).tier is Tier.CLEAR


@pytest.mark.parametrize(
    "name",
    [
        "Embassy of the PRC in Canada",
        "Embassy of the People's Republic of China in Canada",
        "EMBASSY OF THE PEOPLE\u2019S REPUBLIC OF CHINA IN CANADA",
        "Ambassade de la République populaire de Chine au Canada",
        "Ambassade de la RPC au Canada",
    ],
)
def test_an_abbreviation_stands_for_the_official_name(name: str) -> None:
    entry = ListEntry(
        kind=EntryKind.SUBTREE,
        value="mission.example",
        mission_en="Embassy of the PRC in Canada",
        mission_fr="ambassade de la RPC au Canada",
    )
    assert LookAlikes([entry]).name(name) is not None
    assert LookAlikes([entry]).name("Friends of the " + name) is None


def test_an_address_entry_has_no_look_alikes() -> None:
    """Its provider's domain is everybody's."""
    assert LOOKS.domain("webmail.example") is None
    assert LOOKS.domain("vvebmail.example") is None


@given(st.text(max_size=300))
def test_folding_is_stable_whatever_comes(text: str) -> None:
    assert fold(fold(text)) == fold(fold(fold(text)))
    LOOKS.domain(text)
    LOOKS.name(text)


@given(st.binary(max_size=3000))
def test_names_are_read_from_any_octets(value: bytes) -> None:
    list(display_names(parse_header(b"From:" + value).fields))
