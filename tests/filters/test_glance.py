"""A glance lets go what a close look would let go, and nothing else; most mail needs no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.address import NULL_PATH, parse_path
from filters.content import Header, fields_of_note
from filters.dkim import claimed_signers
from filters.glance import Glance, glance
from filters.identities import IdentityKind, claims
from filters.lists import EntryKind
from filters.screening import touches_lists
from tests.support.arrivals import MFA, PSB, WEBMAIL, entry, rulebook

if TYPE_CHECKING:
    from filters.rulebook import Rulebook

MISSION = entry(
    "subtree",
    "mission.example",
    mission_en="Embassy of the PRC in Canada",
    mission_fr="ambassade de la RPC au Canada",
    mission_zh="驻加拿大大使馆",
)
BOOK = rulebook(MISSION, MFA, PSB, WEBMAIL)

ORDINARY = b"From: A Resident <a@town.example>\r\nTo: desk@police.example\r\nSubject: Hello\r\n"


def looked_at_closely(path: str, section: bytes, book: Rulebook) -> bool:
    """Whether a close look finds anything."""
    fields = Header(fields_of_note(section))
    claimed = claims(parse_path(path), fields, signers=claimed_signers(fields.fields))
    return touches_lists(claimed, fields, book)


@pytest.mark.parametrize(
    "section",
    [
        ORDINARY,
        ORDINARY + b"Reply-To: b@town.example\r\nSender: c@list.example\r\n",
        ORDINARY + b"DKIM-Signature: v=1; d=town.example; b=x\r\nDKIM-Signature: v=1; d=esp.example\r\n",
        b'From: "Resident, A." <a@town.example>\r\n',
        b"From: <a@town.example>\r\nContent-Type: text/plain\r\n",
    ],
)
def test_ordinary_mail_needs_a_glance(section: bytes) -> None:
    assert glance(parse_path("a@town.example"), section, BOOK) == Glance(parse_path("a@town.example"), in_parts=False)
    assert glance(NULL_PATH, section, BOOK) is not None


@pytest.mark.parametrize("kind", [b"multipart/mixed; boundary=x", b"text/calendar", b"\r\n Application/ICS"])
def test_what_may_hold_a_calendar_is_said(kind: bytes) -> None:
    seen = glance(NULL_PATH, ORDINARY + b"Content-Type: " + kind + b"\r\n", BOOK)
    assert seen is not None
    assert seen.in_parts


@pytest.mark.parametrize(
    "section",
    [
        b"From: a@mission.example\r\n",
        b"From: a@MISSION.example\r\n",
        b"From: a@x.mission.example.\r\n",
        b"From: a@rnission.example\r\n",
        b"From: china.vancouver@gmail.com\r\n",
        b"From: a@gat.zj.gov.cn\r\n",
        ORDINARY + b"Sender: a@mission.example\r\n",
        ORDINARY + b"RESENT-FROM: a@mission.example\r\n",
        ORDINARY + b"DKIM-Signature: v=1; a=rsa-sha256; d=mission.example\r\n",
        b"From: Embassy of the People's Republic of China in Canada <a@webmail.example>\r\n",
        b'From: "EMBASSY of the PRC in Canada" <a@webmail.example>\r\n',
        b"From: PRC Embassy <a@mission.example>\r\n",
        b"From : a@town.example\r\n",
        b" From: a@town.example\r\n" + ORDINARY,
        b"From: a@town.example, b@town.example\r\n",
        b"From: a@town.example\r\nFrom: b@town.example\r\n",
        b"From: =?utf-8?q?a=40mission.example?= <a@town.example>\r\n",
        b"To: desk@police.example\r\n",
        b"From: " + b"a" * 3000 + b"@town.example\r\n",
        b"",
    ],
)
def test_whatever_is_not_ordinary_is_looked_at_closely(section: bytes) -> None:
    assert glance(parse_path("a@town.example"), section, BOOK) is None


NAMES = st.one_of(
    st.sampled_from([MISSION.mission_en, MISSION.mission_fr, MISSION.mission_zh]),
    st.sampled_from(["Embassy of the People's Republic of China in Canada", "A Resident", "Embassy", ""]),
    st.text("EMBASYembasy0fthPRCinCad '.-\"5vrnw", max_size=30),
)
ADDRESSES = st.sampled_from(
    ["a@town.example", "a@mission.example", "b@x.mission.example", "a@rnission.exarnple", "a@gmail.com", "a@GAT.zj.gov.cn",
     "china.van.couver+x@googlemail.com", "a@mfa.gov.cn.town.example", "a@xn--mssion-n2a.example", "a..b@town.example"]
)  # fmt: skip
CASES = st.sampled_from([str, str.upper, str.lower, str.title])
FIELDS = st.builds(
    lambda field, case, name, address, form: f"{field}: {form.format(name=case(name), address=address)}\r\n",
    st.sampled_from(["From", "from", "Sender", "Reply-To", "Resent-From", "Return-Path", "To", "From "]),
    CASES,
    NAMES,
    ADDRESSES,
    st.sampled_from(
        ["{name} <{address}>", '"{name}" <{address}>', "{address} ({name})", "{address}", "  {name}  <{address}>",
         "{name}\r\n <{address}>", "=?utf-8?q?{name}?= <{address}>", "<{address}>"]
    ),
)  # fmt: skip
SIGNATURES = st.builds(
    lambda before, domain: f"DKIM-Signature: {before}d={domain}; b=x\r\n",
    st.sampled_from(["", "v=1; ", "v=1;\r\n\t", "bd=1; "]),
    st.sampled_from(["town.example", "mission.example", "mfa.gov.cn"]),
)


@given(
    st.sampled_from(["", "a@town.example", "a@mission.example", '"a b"@town.example', "a@gmail.com"]),
    st.lists(st.one_of(FIELDS, FIELDS, SIGNATURES), min_size=1, max_size=4),
)
def test_what_a_glance_lets_go_a_close_look_lets_go(path: str, fields: list[str]) -> None:
    section = "".join(fields).encode()
    seen = glance(parse_path(path), section, BOOK)
    if seen is None:
        return
    assert not looked_at_closely(path, section, BOOK)
    strict = [one.mailbox for one in claims(parse_path(path), Header(fields_of_note(section))).identities
              if one.kind is IdentityKind.FROM]  # fmt: skip
    assert strict == [seen.author]


@pytest.mark.parametrize("kind", EntryKind)
def test_every_kind_of_entry_is_known_by_its_domain(kind: EntryKind) -> None:
    value = {EntryKind.ADDRESS: "a@mission.example", EntryKind.LABEL: "gat.*.mission.example"}.get(
        kind, "mission.example"
    )
    book = rulebook(entry(kind, value))
    path = {EntryKind.LABEL: "x@gat.b.mission.example"}.get(kind, "a@mission.example")
    assert glance(parse_path(path), ORDINARY, book) is None
