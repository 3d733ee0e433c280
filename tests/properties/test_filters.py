"""What holds for all input, hostile input above all."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from filters.address import AddressError, Mailbox, canonical_domain, canonical_local_part, parse_path
from filters.address_list import parse_address_list
from filters.address_tokens import address_tokens
from filters.authentication import NOT_AUTHENTICATED, Authentication, MethodResult, Result
from filters.authentication_results import parse_authentication_results
from filters.content import (
    NAMES_OF_NOTE,
    Header,
    decode_text,
    fields_of_note,
    header_length,
    message_id,
    parse_header,
)
from filters.disposition import Delivery, Disposition, Handling, Mode, Tier
from filters.encoded_words import decode_words
from filters.guard import refusal
from filters.identities import claims
from filters.lists import EntryKind, ListEntry, ListIndex, canonical_entry_value
from filters.packs import format_csv, format_pack, parse_csv, parse_pack
from filters.responding import hard_objections
from filters.screening import screen, screen_reverse_path, touches_lists
from filters.upstream import Upstream, upstream_authentication
from tests.support.arrivals import DISPATCH, entry, envelope, rulebook

ANY_TEXT = st.text(st.characters(), max_size=60)
PIECES = st.sampled_from(
    [
        *("From", "Sender", "Reply-To", "To", "Resent-From", ":", " :", "\r\n", "\n", "\r", "\r\n ", "\t", " ", "\0", "\x01", "@", "<", ">"),
        *("a@mfa.gov.cn", "x@y.example", "mfa.gov.cn", "(", ")", '"', "\\", ",", ";", ".", "=?utf-8?q?=40?=", "=?utf-8?b?", "?=", "=?"),
        *("\u200b", "\uff20", "。", "é", "中", "\u0301", "[", "]", "'", "gat.zj.gov.cn", "From ", "noreply"),
    ]
)  # fmt: skip
MAIL_TEXT = st.lists(PIECES, max_size=30).map("".join)
SECTIONS = st.one_of(
    st.binary(max_size=200), MAIL_TEXT.map(str.encode), MAIL_TEXT.map(lambda text: b"From: " + text.encode())
)
LABELS = st.sampled_from(["mfa", "csm", "gat", "gov", "cn", "zj", "a", "example", "notmfa"])
DOMAINS = st.lists(LABELS, min_size=1, max_size=6).map(".".join)
LOCAL_PARTS = st.sampled_from(["a", "A", "a+x", "a.b", "ab", "a+x+y", '"a"', "b"])
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.one_of(ANY_TEXT, MAIL_TEXT), st.booleans())
def test_a_path_is_parsed_or_refused(text: str, smtputf8: bool) -> None:
    with suppress(AddressError):
        mailbox = parse_path(text, smtputf8=smtputf8)
        assert str(mailbox) == text or text.startswith("@")
        assert parse_path(str(mailbox), smtputf8=True) == mailbox


@given(st.one_of(ANY_TEXT, MAIL_TEXT))
def test_canonical_forms_are_stable(text: str) -> None:
    domain, local_part = canonical_domain(text), canonical_local_part(text)
    assert canonical_local_part(local_part) == local_part
    assert ".." not in domain
    assert not domain.startswith(".")
    assert not domain.endswith(".")


@given(SECTIONS)
def test_the_fast_way_finds_what_the_full_parse_finds(section: bytes) -> None:
    full = tuple(field for field in parse_header(section).fields if field.name in NAMES_OF_NOTE)
    assert fields_of_note(section) == full
    assert claims(parse_path(""), Header(full)) == claims(parse_path(""), parse_header(section))


@given(SECTIONS)
def test_content_is_read_whatever_it_is(section: bytes) -> None:
    assert 0 <= header_length(section) <= len(section)
    shown = decode_text(section)
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    shown.encode()  # no lone surrogates
    assert message_id(parse_header(b"Message-ID:" + section)).isascii()


@given(st.one_of(ANY_TEXT, MAIL_TEXT))
def test_no_reading_raises(text: str) -> None:
    decode_words(text)
    address_tokens(text)
    strict = parse_address_list(text)
    assert strict is None or all(mailbox.domain for mailbox in strict.mailboxes)


@example([(EntryKind.LABEL, "mfa", "a")], "a", "gat.gat.mfa.mfa")
@given(st.lists(st.tuples(st.sampled_from(EntryKind), DOMAINS, LOCAL_PARTS), max_size=6), LOCAL_PARTS, DOMAINS)
def test_lookups_agree_with_a_naive_reading_of_the_rules(
    listed: list[tuple[EntryKind, str, str]], local_part: str, domain: str
) -> None:
    entries = [entry(kind, _value(kind, name, local)) for kind, name, local in listed]
    found = ListIndex(entries).lookup(Mailbox(local_part, domain))
    key = canonical_local_part(local_part)
    assert sorted(map(id, found)) == sorted(id(each) for each in entries if _covers(each, key, domain))


def _value(kind: EntryKind, domain: str, local_part: str) -> str:
    if kind is EntryKind.ADDRESS:
        return f"{local_part}@{domain}"
    return f"gat.*.{domain}" if kind is EntryKind.LABEL else domain


def _covers(listed: ListEntry, local_part: str, domain: str) -> bool:
    below = f".{domain}".endswith(f".{listed.value}")
    if listed.kind is EntryKind.ADDRESS:
        entry_local, _, entry_domain = listed.value.rpartition("@")
        return entry_domain == domain and (local_part == entry_local or local_part.startswith(f"{entry_local}+"))
    if listed.kind is EntryKind.LABEL:
        first, _, suffix = listed.value.partition(".*.")
        labels, wanted = domain.split("."), suffix.split(".")
        before = labels[: -len(wanted)]
        return labels[-len(wanted) :] == wanted and first in before[:-1]
    return domain == listed.value or (listed.kind is EntryKind.SUBTREE and below)


RESULTS = st.builds(
    MethodResult,
    result=st.sampled_from(Result),
    domain=st.sampled_from(["", "mfa.gov.cn", "csm.mfa.gov.cn", "gov.cn", "x.example"]),
)
AUTHENTICATIONS = st.builds(
    Authentication,
    spf=RESULTS,
    dkim=st.lists(RESULTS, max_size=2).map(tuple),
    dmarc=RESULTS,
    dmarc_policy=st.sampled_from(["", "none", "reject"]),
)
PATHS = st.sampled_from(["", "a@mfa.gov.cn", "x@y.example", "owner-x@gat.zj.gov.cn", "a@ｍｆａ.gov.cn"])
RECIPIENTS = st.lists(st.sampled_from(["a@police.example", "b@police.example", DISPATCH]), min_size=1, unique=True)


@given(PATHS, RECIPIENTS, SECTIONS, AUTHENTICATIONS, st.sampled_from(Mode))
def test_every_recipient_gets_one_verdict_whatever_comes(
    path: str, recipients: list[str], section: bytes, authentication: Authentication, mode: Mode
) -> None:
    mail, header, book = envelope(path, *recipients), parse_header(section), rulebook(mode=mode)
    screening = screen(mail, header, authentication, book)
    assert tuple(verdict.recipient for verdict in screening.verdicts) == mail.recipients
    signers = tuple(one.domain for one in authentication.dkim if one.result is Result.PASS)
    assert screening.flagged is touches_lists(claims(mail.reverse_path, header, signers=signers), header, book)
    assert (screening.entry is None) is (screening.tier in {Tier.CLEAR, Tier.SUSPECT})
    for verdict in screening.verdicts:
        assert (verdict.disposition is Disposition.WITHHOLD) is (verdict.delivery is Delivery.HOLD)
        assert screening.flagged or verdict.delivery is Delivery.PASS
        assert mode is Mode.AUTO or Handling.AUTO not in {verdict.decline, verdict.report}
    if screening.decline is Handling.AUTO:
        assert not screening.ambiguous
    fallback = screen_reverse_path(mail, book, failure="x")
    assert fallback.flagged
    assert len(fallback.verdicts) == len(recipients)


@given(PATHS, SECTIONS)
def test_the_gate_for_a_decline_never_raises(path: str, section: bytes) -> None:
    reasons = hard_objections(parse_path(path, smtputf8=True), parse_header(section), (), frozenset(), lambda _: False)
    assert reasons


@example(EntryKind.ADDRESS, "\uff1a@0.A")
@given(st.sampled_from(EntryKind), st.one_of(ANY_TEXT, DOMAINS, MAIL_TEXT))
def test_a_value_is_allowed_only_in_a_form_that_can_be_compared(kind: EntryKind, value: str) -> None:
    canonical = canonical_entry_value(kind, value)
    if refusal(kind, value, frozenset()) is None:
        assert canonical_entry_value(kind, canonical) == canonical
        assert refusal(kind, canonical, frozenset()) is None


ENTRIES = st.builds(
    ListEntry,
    kind=st.just(EntryKind.SUBTREE),
    value=DOMAINS,
    mission_en=WORDS,
    mission_zh=WORDS,
    category=WORDS,
    decline=st.one_of(st.none(), st.sampled_from(Handling)),
    legacy=st.booleans(),
    note=WORDS,
    review_by=st.one_of(st.none(), st.dates()),
    pack=st.just("p"),
)


@given(st.lists(ENTRIES, max_size=3, unique_by=lambda listed: listed.value))
def test_exported_lists_come_back_the_same(entries: list[ListEntry]) -> None:
    assert parse_pack(format_pack(entries), "p") == (tuple(entries), ())
    assert parse_csv(format_csv(entries), "p") == (tuple(entries), ())


@given(
    st.one_of(
        ANY_TEXT,
        WORDS.map(lambda word: f'[[entry]]\nkind = "{word}"'),
        WORDS.map(lambda word: f"kind,value\n{word},{word}\n"),
    )
)
def test_a_pack_is_read_or_its_problems_told(text: str) -> None:
    for entries, problems in (parse_pack(text, "p"), parse_csv(text, "p")):
        assert all(problem.message for problem in problems)
        assert len({(listed.kind, listed.value) for listed in entries}) == len(entries)


RESULT_PIECES = st.sampled_from(
    [
        *("Authentication-Results:", "Received:", " mx.filter.example", " 1", ";", " spf", "=", "pass", "fail", " dkim", " dmarc", "none", "/"),
        *(" smtp.mailfrom=", " header.d=", " header.from=", "a@mfa.gov.cn", "mfa.gov.cn", " reason=", '"', "\\", "(", ")", " from x", " by "),
        *("in.filter.example", "\r\n", "\r\n ", "\0", "é", "\udce9", "."),
    ]
)  # fmt: skip
RESULT_SECTIONS = st.one_of(
    st.binary(max_size=200),
    st.lists(RESULT_PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode("utf-8", "surrogateescape")),
)


@given(RESULT_SECTIONS)
def test_no_octets_make_the_reader_of_an_upstream_s_results_raise(section: bytes) -> None:
    upstream = Upstream("mx.filter.example", frozenset({"in.filter.example"}))
    path = parse_path("a@mfa.gov.cn", smtputf8=True)
    found = upstream_authentication(parse_header(section), upstream, path)
    assert found.spf.domain in {"", "mfa.gov.cn"}
    foreign = b"Received: from a by b.example\r\n"
    assert upstream_authentication(parse_header(foreign + section), upstream, path) == NOT_AUTHENTICATED


@given(st.one_of(ANY_TEXT, st.lists(RESULT_PIECES, max_size=30).map("".join)))
def test_results_are_read_or_nothing_is(value: str) -> None:
    found = parse_authentication_results(value)
    assert found is None or (found.authserv_id and all(one.method and one.result for one in found.verdicts))
