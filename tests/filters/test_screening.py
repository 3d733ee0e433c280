from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from filters.authentication import NOT_AUTHENTICATED, Authentication, MethodResult, Result
from filters.disposition import Delivery, Disposition, Handling, Mode, Tier
from filters.identities import claims
from filters.rulebook import Exemption
from filters.rules import Rule
from filters.screening import Screening, screen, screen_reverse_path, touches_lists
from tests.support.arrivals import (
    CONSULAR,
    DISPATCH,
    MFA,
    MPS,
    NOW,
    OFFICER,
    PSB,
    WEBMAIL,
    entry,
    envelope,
    header,
    rulebook,
)

CONSUL = "consul@mfa.gov.cn"
FROM = f"From: Consul <{CONSUL}>"
RESIDENT = "resident@example.org"
AUTO, REVIEW, NEVER = Handling.AUTO, Handling.REVIEW, Handling.NEVER


def spf(result: str, domain: str = "mfa.gov.cn") -> Authentication:
    return Authentication(spf=MethodResult(result=Result(result), domain=domain))


def dkim(domain: str) -> Authentication:
    return Authentication(dkim=(MethodResult(result=Result.PASS, domain=domain),))


def dmarc_fail(policy: str, spf: MethodResult | None = None) -> Authentication:
    failed = MethodResult(result=Result.FAIL, domain="mfa.gov.cn")
    return Authentication(spf=spf or MethodResult(), dmarc=failed, dmarc_policy=policy)


def screened(
    *lines: str, path: str = CONSUL, to: tuple[str, ...] = (OFFICER,), auth: Authentication = NOT_AUTHENTICATED, **rules: object
) -> Screening:  # fmt: skip
    return screen(envelope(path, *to), header(*lines or (FROM,)), auth, rulebook(**rules))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "lines", "auth", "tier"),
    [
        (RESIDENT, [f"From: {RESIDENT}"], NOT_AUTHENTICATED, Tier.CLEAR),
        (RESIDENT, [f"From: {RESIDENT}", f"To: {CONSUL}", f"Subject: Fwd: {CONSUL}"], NOT_AUTHENTICATED, Tier.CLEAR),
        ("", [f"From: {RESIDENT}"], NOT_AUTHENTICATED, Tier.CLEAR),
        (CONSUL, [FROM], NOT_AUTHENTICATED, Tier.UNVERIFIED),
        (CONSUL, [f"From: {RESIDENT}"], NOT_AUTHENTICATED, Tier.UNVERIFIED),
        (RESIDENT, [FROM], NOT_AUTHENTICATED, Tier.UNVERIFIED),
        ("", [FROM], NOT_AUTHENTICATED, Tier.UNVERIFIED),
        (CONSUL, [FROM], spf("softfail"), Tier.UNVERIFIED),
        (CONSUL, [FROM], spf("temperror"), Tier.UNVERIFIED),
        (CONSUL, [FROM], spf("pass"), Tier.CONFIRMED),
        (CONSUL, [FROM], spf("pass", "csm.mfa.gov.cn"), Tier.CONFIRMED),
        (CONSUL, [FROM], spf("pass", "gov.cn"), Tier.UNVERIFIED),
        (CONSUL, [FROM], spf("pass", "notmfa.gov.cn"), Tier.UNVERIFIED),
        (CONSUL, [FROM], spf("pass", ""), Tier.UNVERIFIED),
        (RESIDENT, [FROM], dkim("mfa.gov.cn"), Tier.CONFIRMED),
        (RESIDENT, [FROM], dkim("example.org"), Tier.UNVERIFIED),
        (CONSUL, [FROM, "From: x@y.example"], spf("pass"), Tier.UNVERIFIED),
        (CONSUL, ["From: Consul"], spf("pass"), Tier.UNVERIFIED),
        (CONSUL, [FROM, "Reply-To: other@mfa.gov.cn", "Subject: =?x?"], spf("pass"), Tier.CONFIRMED),
        (CONSUL, ["From: c@csm.mfa.gov.cn"], dkim("mfa.gov.cn"), Tier.UNVERIFIED),
        (CONSUL, ["From: c@csm.mfa.gov.cn"], dkim("csm.mfa.gov.cn"), Tier.CONFIRMED),
        (CONSUL, [FROM], spf("fail"), Tier.SPOOFED),
        (RESIDENT, [FROM], spf("fail", "example.org"), Tier.UNVERIFIED),
        (CONSUL, [FROM], Authentication(spf=spf("fail").spf, dkim=dkim("mfa.gov.cn").dkim), Tier.CONFIRMED),
        (RESIDENT, [FROM], dmarc_fail("reject"), Tier.SPOOFED),
        (RESIDENT, [FROM], dmarc_fail("quarantine"), Tier.SPOOFED),
        (RESIDENT, [FROM], dmarc_fail("none"), Tier.UNVERIFIED),
        (RESIDENT, [FROM], dmarc_fail(""), Tier.UNVERIFIED),
        (CONSUL, [f"From: {RESIDENT}"], dmarc_fail("reject"), Tier.UNVERIFIED),
        (RESIDENT, [FROM], dmarc_fail("reject", spf=spf("pass").spf), Tier.UNVERIFIED),
        (RESIDENT, [f"From: {RESIDENT}", f"Reply-To: {CONSUL}"], NOT_AUTHENTICATED, Tier.RELATED),
        (RESIDENT, [f"From: {RESIDENT}", f"Sender: {CONSUL}"], spf("fail", "example.org"), Tier.RELATED),
        (RESIDENT, [f"From: {RESIDENT}", f"Return-Path: <{CONSUL}>"], NOT_AUTHENTICATED, Tier.RELATED),
        (RESIDENT, [f"From: {RESIDENT}", f"Resent-From: {CONSUL}"], NOT_AUTHENTICATED, Tier.RELATED),
        (RESIDENT, [FROM, f"Resent-From: {RESIDENT}"], dkim("mfa.gov.cn"), Tier.RELATED),
        (RESIDENT, [FROM, f"Resent-Sender: {RESIDENT}"], NOT_AUTHENTICATED, Tier.RELATED),
        (CONSUL, [FROM, "Resent-From: other@mfa.gov.cn"], spf("pass"), Tier.CONFIRMED),
        (CONSUL, [FROM, f"Resent-From: {RESIDENT}"], spf("fail"), Tier.SPOOFED),
    ],
)  # fmt: skip
def test_the_first_tier_that_applies_is_taken(path: str, lines: list[str], auth: Authentication, tier: Tier) -> None:
    assert screened(*lines, path=path, auth=auth).tier is tier


@pytest.mark.parametrize(
    ("tier", "auth", "lines", "delivery", "disposition", "decline", "report", "notice"),
    [
        (Tier.CONFIRMED, spf("pass"), [FROM], Delivery.HOLD, Disposition.WITHHOLD, AUTO, AUTO, True),
        (Tier.UNVERIFIED, NOT_AUTHENTICATED, [FROM], Delivery.HOLD, Disposition.WITHHOLD, REVIEW, AUTO, True),
        (Tier.SPOOFED, spf("fail"), [FROM], Delivery.HOLD, Disposition.WITHHOLD, NEVER, REVIEW, True),
        (Tier.RELATED, spf("pass"), [FROM, f"Resent-From: {RESIDENT}"], Delivery.FLAG, Disposition.RELAY, REVIEW, REVIEW, False),
    ],
)  # fmt: skip
def test_what_follows_is_the_policy_table(
    tier: Tier,
    auth: Authentication,
    lines: list[str],
    delivery: Delivery,
    disposition: Disposition,
    decline: Handling,
    report: Handling,
    notice: bool,
) -> None:
    [verdict] = screened(*lines, auth=auth).verdicts
    assert (verdict.tier, verdict.delivery, verdict.disposition) == (tier, delivery, disposition)
    assert (verdict.decline, verdict.report, verdict.notice) == (decline, report, notice)


def test_clear_mail_passes_with_no_finding() -> None:
    screening = screened(f"From: {RESIDENT}", path=RESIDENT, to=(OFFICER, DISPATCH))
    assert not screening.flagged
    assert screening.entry is None
    assert screening.ambiguous == ()
    assert {verdict.disposition for verdict in screening.verdicts} == {Disposition.RELAY}
    assert {verdict.delivery for verdict in screening.verdicts} == {Delivery.PASS}


def test_recipients_keep_their_order_and_get_one_verdict_each() -> None:
    to = ("c@police.example", DISPATCH, "a@police.example")
    assert [str(verdict.recipient) for verdict in screened(to=to).verdicts] == list(to)


def test_an_emergency_recipient_is_served_first_and_flagged() -> None:
    screening = screened(to=("Dispatch@POLICE.example",), auth=spf("fail"))
    [verdict] = screening.verdicts
    assert (verdict.tier, verdict.disposition) == (Tier.EMERGENCY, Disposition.RELAY_FIRST)
    assert (verdict.delivery, verdict.decline, verdict.report) == (Delivery.FLAG, NEVER, REVIEW)
    assert (screening.tier, screening.decline) == (Tier.EMERGENCY, NEVER)


def test_a_copy_to_dispatch_does_not_buy_silence() -> None:
    screening = screened(to=(DISPATCH, OFFICER), auth=spf("pass"))
    assert [verdict.tier for verdict in screening.verdicts] == [Tier.EMERGENCY, Tier.CONFIRMED]
    assert (screening.tier, screening.decline, screening.report) == (Tier.CONFIRMED, REVIEW, AUTO)


def test_a_spoofed_message_with_a_copy_to_dispatch_is_still_never_declined() -> None:
    assert screened(to=(DISPATCH, OFFICER), auth=spf("fail")).decline is NEVER


def exemption(**changes: object) -> Exemption:
    values: dict[str, object] = {
        "id": "1",
        "sender": CONSUL,
        "recipients": frozenset(),
        "until": NOW + timedelta(days=1),
        "approver": "chief",
        "reason": "visit",
        **changes,
    }
    return Exemption(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("granted", "lines", "tier"),
    [
        (exemption(), [FROM], Tier.EXEMPT),
        (exemption(sender="mfa.gov.cn"), [FROM], Tier.EXEMPT),
        (exemption(recipients=frozenset({OFFICER})), [FROM], Tier.EXEMPT),
        (exemption(recipients=frozenset({"chief@police.example"})), [FROM], Tier.UNVERIFIED),
        (exemption(sender="attache@mfa.gov.cn"), [FROM], Tier.UNVERIFIED),
        (exemption(sender="mps.gov.cn"), [FROM], Tier.UNVERIFIED),
        (exemption(until=NOW), [FROM], Tier.UNVERIFIED),
        (exemption(), ["From: attache@mfa.gov.cn", f"Reply-To: {CONSUL}"], Tier.UNVERIFIED),
    ],
)
def test_an_exemption_covers_its_sender_its_recipients_and_its_time(
    granted: Exemption, lines: list[str], tier: Tier
) -> None:
    assert screened(*lines, exemptions=(granted,)).tier is tier


def test_exempt_mail_is_delivered_flagged_and_says_why() -> None:
    granted = exemption(until=datetime(2027, 1, 2, tzinfo=UTC))
    screening = screened(exemptions=(granted,), auth=spf("pass"), to=(OFFICER, DISPATCH))
    assert [verdict.tier for verdict in screening.verdicts] == [Tier.EXEMPT, Tier.EMERGENCY]
    assert screening.verdicts[0].delivery is Delivery.FLAG
    assert screening.tier is Tier.EXEMPT
    assert screening.decline is NEVER
    (why,) = [finding.evidence for finding in screening.findings if finding.rule is Rule.EXEMPTION]
    assert why == f"{CONSUL} is exempted until 2027-01-01 by chief: visit."


def test_an_exempt_recipient_among_others_gives_review() -> None:
    granted = exemption(recipients=frozenset({OFFICER}))
    screening = screened(exemptions=(granted,), auth=spf("pass"), to=(OFFICER, "other@police.example"))
    assert (screening.tier, screening.decline, screening.report) == (Tier.CONFIRMED, REVIEW, AUTO)


def test_a_spoofed_sender_is_not_exempt() -> None:
    assert screened(exemptions=(exemption(),), auth=spf("fail")).tier is Tier.SPOOFED


@pytest.mark.parametrize("to", [(OFFICER,), (OFFICER, DISPATCH)])
@pytest.mark.parametrize("auth", [spf("pass"), spf("fail"), NOT_AUTHENTICATED])
def test_observe_records_and_does_nothing_else(auth: Authentication, to: tuple[str, ...]) -> None:
    screening = screened(auth=auth, to=to, mode=Mode.OBSERVE)
    assert screening.flagged
    assert (screening.mode, screening.decline, screening.report) == (Mode.OBSERVE, NEVER, NEVER)
    assert {(v.delivery, v.decline, v.report, v.notice) for v in screening.verdicts} == {
        (Delivery.PASS, NEVER, NEVER, False)
    }
    assert [v.disposition for v in screening.verdicts] == [Disposition.RELAY, Disposition.RELAY_FIRST][: len(to)]


def test_assist_leaves_every_start_to_a_person() -> None:
    screening = screened(auth=spf("pass"), mode=Mode.ASSIST)
    assert (screening.tier, screening.decline, screening.report) == (Tier.CONFIRMED, REVIEW, REVIEW)
    assert screening.verdicts[0].delivery is Delivery.HOLD


def test_an_entry_may_lower_the_mode_and_never_raise_it() -> None:
    observing = rulebook(entry("subtree", "mfa.gov.cn", mode=Mode.OBSERVE))
    assert screen(envelope(CONSUL), header(FROM), NOT_AUTHENTICATED, observing).mode is Mode.OBSERVE
    raising = rulebook(entry("subtree", "mfa.gov.cn", mode=Mode.AUTO), mode=Mode.ASSIST)
    assert screen(envelope(CONSUL), header(FROM), NOT_AUTHENTICATED, raising).mode is Mode.ASSIST


@pytest.mark.parametrize(
    ("columns", "auth", "lines", "delivery", "decline", "report"),
    [
        ({"decline": NEVER}, spf("pass"), [FROM], Delivery.HOLD, NEVER, AUTO),
        ({"decline": AUTO}, NOT_AUTHENTICATED, [FROM], Delivery.HOLD, REVIEW, AUTO),
        ({"report": REVIEW}, spf("pass"), [FROM], Delivery.HOLD, AUTO, REVIEW),
        ({"report": AUTO}, spf("fail"), [FROM], Delivery.HOLD, NEVER, REVIEW),
        ({"delivery": Delivery.FLAG}, spf("pass"), [FROM], Delivery.FLAG, AUTO, AUTO),
        ({"delivery": Delivery.FLAG}, NOT_AUTHENTICATED, [FROM], Delivery.FLAG, REVIEW, AUTO),
        ({"delivery": Delivery.FLAG}, spf("fail"), [FROM], Delivery.HOLD, NEVER, REVIEW),
        ({"delivery": Delivery.HOLD}, spf("pass"), [FROM, f"Resent-From: {RESIDENT}"], Delivery.FLAG, REVIEW, REVIEW),
    ],
)
def test_an_entry_has_a_say_within_the_table(
    columns: dict[str, object],
    auth: Authentication,
    lines: list[str],
    delivery: Delivery,
    decline: Handling,
    report: Handling,
) -> None:
    book = rulebook(entry("subtree", "mfa.gov.cn", **columns))
    [verdict] = screen(envelope(CONSUL), header(*lines), auth, book).verdicts
    assert (verdict.delivery, verdict.decline, verdict.report) == (delivery, decline, report)


def test_the_most_specific_entry_of_the_author_decides() -> None:
    screening = screened("From: c@csm.mfa.gov.cn", "Reply-To: x@mps.gov.cn", path="b@mps.gov.cn")
    assert screening.entry == CONSULAR
    assert screening.entries == (CONSULAR, MFA, MPS)


def test_a_decline_heeds_the_entry_of_the_reverse_path_too() -> None:
    careful = entry("subtree", "csm.mfa.gov.cn", decline=REVIEW)
    book = rulebook(MFA, careful)
    screening = screen(envelope("c@csm.mfa.gov.cn"), header(FROM), dkim("mfa.gov.cn"), book)
    assert (screening.tier, screening.entry, screening.decline) == (Tier.CONFIRMED, MFA, REVIEW)


@pytest.mark.parametrize(
    ("path", "author", "auth", "tier"),
    [
        ("x@gat.zj.gov.cn", "x@gat.zj.gov.cn", spf("pass", "gat.zj.gov.cn"), Tier.CONFIRMED),
        ("x@gat.zj.gov.cn", "x@gat.zj.gov.cn", spf("pass", "gat.js.gov.cn"), Tier.CONFIRMED),
        ("x@gat.zj.gov.cn", "x@gat.zj.gov.cn", spf("pass", "zj.gov.cn"), Tier.UNVERIFIED),
        ("china.vancouver@gmail.com", "china.vancouver@gmail.com", spf("pass", "gmail.com"), Tier.CONFIRMED),
        ("other@gmail.com", "china.vancouver@gmail.com", spf("pass", "gmail.com"), Tier.UNVERIFIED),
        ("other@gmail.com", "china.vancouver@gmail.com", dkim("gmail.com"), Tier.CONFIRMED),
        ("china.vancouver@gmail.com", RESIDENT, dkim("gmail.com"), Tier.UNVERIFIED),
        ("china.vancouver@gmail.com", "china.vancouver@gmail.com", dkim("mail.gmail.com"), Tier.UNVERIFIED),
    ],
)
def test_alignment_is_with_the_entry_itself(path: str, author: str, auth: Authentication, tier: Tier) -> None:
    assert screened(f"From: {author}", path=path, auth=auth).tier is tier


def test_a_domain_entry_is_aligned_with_names_below_it() -> None:
    book = rulebook(entry("domain", "mfa.gov.cn"))
    assert screen(envelope(CONSUL), header(FROM), spf("pass", "mail.mfa.gov.cn"), book).tier is Tier.CONFIRMED


def test_findings_say_which_field_matched_which_entry() -> None:
    screening = screened(f"From: {RESIDENT}, {CONSUL}", path="x@gat.zj.gov.cn")
    evidence = [(finding.rule, finding.evidence) for finding in screening.findings]
    assert evidence == [
        (Rule.LISTED_IDENTITY, "RFC5322.From consul@mfa.gov.cn is listed: mfa.gov.cn and below."),
        (Rule.LISTED_IDENTITY, "RFC5321.MailFrom x@gat.zj.gov.cn is listed: gat.*.gov.cn and below."),
        (Rule.AMBIGUOUS_ORIGINATOR, "The From field holds 2 addresses."),
    ]
    assert screening.findings[1].entry == PSB
    assert screening.ambiguous == ("The From field holds 2 addresses.",)
    assert screening.rulebook_version == 7


def test_a_lenient_reading_is_said_to_be_one() -> None:
    [finding] = [f for f in screened(f"From: {RESIDENT} <{CONSUL}>", path=RESIDENT).findings if f.identity]
    assert "as a lenient reader sees it" in finding.evidence


@pytest.mark.parametrize(
    ("path", "line", "touched"),
    [
        *(
            (RESIDENT, f"From: {RESIDENT}", False),
            (CONSUL, f"From: {RESIDENT}", True),
            (RESIDENT, f"Reply-To: {CONSUL}", True),
        ),
        *(("", f"From: {RESIDENT}", False), ("china.vancouver+x@googlemail.com", f"From: {RESIDENT}", True)),
    ],
)
def test_the_cheap_test_agrees_with_the_decision(path: str, line: str, touched: bool) -> None:
    assert touches_lists(claims(envelope(path).reverse_path, header(line)), header(line), rulebook()) is touched
    assert screened(line, path=path).flagged is touched


def test_when_screening_failed_a_listed_reverse_path_is_unverified() -> None:
    screening = screen_reverse_path(
        envelope(CONSUL, OFFICER, DISPATCH), rulebook(exemptions=(exemption(),)), failure="KeyError"
    )
    assert [verdict.tier for verdict in screening.verdicts] == [Tier.UNVERIFIED, Tier.EMERGENCY]
    assert (screening.entry, screening.tier, screening.decline) == (MFA, Tier.UNVERIFIED, REVIEW)
    assert [finding.rule for finding in screening.findings] == [Rule.LISTED_IDENTITY, Rule.SCREENING_FAILED]


@pytest.mark.parametrize("path", [RESIDENT, ""])
def test_when_screening_failed_everybody_else_is_delivered_flagged_as_suspect(path: str) -> None:
    screening = screen_reverse_path(envelope(path, OFFICER, DISPATCH), rulebook(), failure="KeyError")
    assert [(v.tier, v.delivery) for v in screening.verdicts] == [(Tier.SUSPECT, Delivery.FLAG)] * 2
    assert [v.disposition for v in screening.verdicts] == [Disposition.RELAY, Disposition.RELAY_FIRST]
    assert (screening.tier, screening.entry) == (Tier.SUSPECT, None)
    assert [(f.rule, f.evidence) for f in screening.findings] == [(Rule.SCREENING_FAILED, "KeyError")]


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("resident@gmail.com", ["From: 王芳 <resident@gmail.com>", "Subject: 领事馆的来信", "Content-Language: zh"]),
        ("a@163.com", ["From: =?gb2312?B?zfW3vA==?= <a@163.com>", f"Subject: Fwd: {CONSUL} wrote"]),
        ("a@qq.com", ['From: "Embassy of the PRC" <a@qq.com>']),
        ("clerk@health.gov.cn", ["From: clerk@health.gov.cn"]),
        ("dean@pku.edu.cn", ["From: dean@pku.edu.cn"]),
        ("sales@trade.com.cn", ["From: sales@trade.com.cn", f"Cc: {CONSUL}"]),
        ("envoy@mofa.gov.tw", ["From: envoy@mofa.gov.tw"]),
        ("x@notmfa.gov.cn", ["From: x@notmfa.gov.cn"]),
        ("x@mfa.gov.cn.attacker.example", ["From: x@mfa.gov.cn.attacker.example"]),
        ("bounce+consul=mfa.gov.cn@list.example", ["From: list@list.example", "List-Id: <mfa.gov.cn>"]),
        ("SRS0=x=y=mfa.gov.cn=consul@forward.example", [f"From: {RESIDENT}"]),
        ("reporter@news.example", ["From: reporter@news.example", "X-Original-From: consul@mfa.gov.cn"]),
    ],
)  # fmt: skip
def test_nobody_is_flagged_for_name_language_country_or_content(path: str, lines: list[str]) -> None:
    assert not screened(*lines, path=path).flagged


def test_webmail_of_a_mission_is_flagged_in_all_its_spellings() -> None:
    assert screened("From: C.H.I.N.A.Vancouver+news@GoogleMail.com", path=RESIDENT).entry == WEBMAIL
