from __future__ import annotations

import pytest

from filters.address import Mailbox, parse_path
from filters.responding import CLAUSES, hard_objections
from tests.support.arrivals import MFA, WEBMAIL, header

CONSUL = "consul@mfa.gov.cn"
OWN = frozenset({"Police.Example"})


def objections(*lines: str, path: str | Mailbox = CONSUL) -> tuple[str, ...]:
    reverse_path = path if isinstance(path, Mailbox) else parse_path(path)
    author = () if any(line.startswith("From:") for line in lines) else (f"From: {CONSUL}",)
    return hard_objections(
        reverse_path, header(*author, *lines), (MFA, WEBMAIL), OWN, lambda token: token == "ours.mac"
    )


@pytest.mark.parametrize(
    "lines",
    [
        (),
        *(
            ("Auto-Submitted: no",),
            ("Auto-Submitted: No (really)",),
            ("Precedence: normal",),
            ("Precedence: first-class",),
        ),
        *(("X-Auto-Response-Suppress: None",), ("X-Auto-Response-Suppress: DR, RN",), ("X-Liaison-Loop: theirs.mac",)),
        *(
            ("Content-Type: multipart/mixed; boundary=report",),
            ("To: officer@police.example",),
            ("Subject: Auto-Submitted",),
        ),
        *(("Listing: x",), ("Reply-To: other@mfa.gov.cn",)),
    ],
)
def test_a_letter_may_be_answered(lines: tuple[str, ...]) -> None:
    assert objections(*lines) == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        *(("Auto-Submitted: auto-replied", "automatically"), ("Auto-Submitted: auto-generated; x=y", "automatically")),
        *(("Auto-Submitted:", "automatically"), ("AUTO-SUBMITTED : AUTO-NOTIFIED", "automatically")),
        *(("List-Id: <x.example>", "list-id"), ("List-Unsubscribe: <mailto:x@y.example>", "list-unsubscribe")),
        *(("Precedence: bulk", "bulk"), ("Precedence: LIST", "list"), ("Precedence: junk", "junk"), ("Precedence: auto_reply", "auto_reply")),
        *(("X-Autoreply: yes", "x-autoreply"), ("X-Autorespond: 1", "x-autorespond")),
        *(("X-Auto-Response-Suppress: All", "all"), ("X-Auto-Response-Suppress: DR, OOF", "oof")),
        ("X-Auto-Response-Suppress: AutoReply", "autoreply"),
        *(("Content-Type: multipart/report; report-type=delivery-status", "report"), ("Content-Type: Multipart / Report", "report")),
        *(("Content-Type: message/disposition-notification", "receipt"), ("X-Liaison-Loop: ours.mac", "loop token")),
        *(("Sender: officer@police.example", "agency's own"), ("Reply-To: x@sub.police.example", "agency's own")),
        *(("From: x@rcmp-grc.gc.ca", "RCMP"), ("Resent-From: x@mail.rcmp-grc.gc.ca", "RCMP")),
        ("From: =?utf-8?q?x=40rcmp-grc.gc.ca?= <consul@mfa.gov.cn>", "RCMP"),
    ],
)  # fmt: skip
def test_a_header_field_can_forbid_the_decline(line: str, reason: str) -> None:
    [objection] = objections(line)
    assert reason in objection


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *(("", "null"), ("postmaster", "no domain"), ("x@gmail.com", "outside"), ("x@notmfa.gov.cn", "outside")),
        *((Mailbox("a b", "mfa.gov.cn"), "not one mailbox"), (Mailbox("a", "mfa.gov.cn\r\n"), "not one mailbox")),
        *(("owner-x@mfa.gov.cn", "program or a list"), ("x-owner@mfa.gov.cn", "program or a list"), ("x-request@mfa.gov.cn", "program")),
        *(("x-bounces@mfa.gov.cn", "program"), ("bounce-1@mfa.gov.cn", "program"), ("bounces+x@mfa.gov.cn", "program")),
        *(("MAILER-DAEMON@mfa.gov.cn", "program"), ("Postmaster@mfa.gov.cn", "program"), ('"postmaster"@mfa.gov.cn', "program")),
        *(("noreply@mfa.gov.cn", "program"), ("No-Reply@mfa.gov.cn", "program"), ("do_not_reply+1@mfa.gov.cn", "program")),
        *(("visa-noreply@mfa.gov.cn", "program"), ("ne-pas-repondre@mfa.gov.cn", "program")),
        *(("x@police.example", "agency's own"), ("x@rcmp-grc.gc.ca", "RCMP")),
    ],
)  # fmt: skip
def test_a_reverse_path_can_forbid_the_decline(path: str | Mailbox, reason: str) -> None:
    assert any(reason in objection for objection in objections(path=path))


@pytest.mark.parametrize(
    "local_part", ["consul", "press-office", "reply", "owner", "request", "bouncer", "norman.reply"]
)
def test_an_office_is_no_role_of_a_program(local_part: str) -> None:
    assert objections(path=f"{local_part}@mfa.gov.cn") == ()


def test_every_objection_is_told() -> None:
    assert len(objections("List-Id: x", "Precedence: bulk", path="")) == 3


def test_every_clause_is_one_reason() -> None:
    assert len(set(CLAUSES)) == len(CLAUSES) == 12
