"""The audit log of a case in words: what happened, and the details that its rows hold.

Marked here, translated where shown. An action or a detail that is not here is shown as it is written in the log.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.console.navigation import N_

if TYPE_CHECKING:
    from collections.abc import Mapping

HAPPENED: Mapping[str, str] = MappingProxyType(
    {
        "case-recorded": N_("recorded"),
        "contact-recorded": N_("recorded by hand"),
        "forward-recorded": N_("recorded from what an officer forwarded"),
        "forward-added": N_("forwarded by an officer"),
        "recipients-added": N_("more recipients"),
        "delivered": N_("the mail server's answer"),
        "case-reopened": N_("taken up again"),
        "case-silenced": N_("silenced: no decline"),
        "case-handled": N_("closed as handled"),
        "case-dismissed": N_("dismissed as not a mission"),
        "case-assigned": N_("assigned"),
        "case-exported": N_("exported"),
        "case-held": N_("put on legal hold"),
        "case-unheld": N_("legal hold lifted"),
        "content-viewed": N_("message viewed"),
        "note": N_("note"),
        "sender-exempted": N_("sender exempted"),
        "decline-requested": N_("decline asked for"),
        "report-requested": N_("report asked for"),
        "release-requested": N_("release asked for"),
        "retraction-requested": N_("retraction asked for"),
        "amendment-requested": N_("amendment asked for"),
        "answer-recorded": N_("answer of the collation address recorded"),
        "answer-received": N_("mail from the collation address names this case"),
        "decline-sent": N_("decline accepted by the next server"),
        "report-sent": N_("report accepted by the next server"),
        "notice-sent": N_("notice accepted by the next server"),
        "release-sent": N_("release accepted by the next server"),
        "retraction-sent": N_("retraction accepted by the next server"),
        "decline-failed": N_("decline failed"),
        "report-failed": N_("report failed"),
        "notice-failed": N_("notice failed"),
        "release-failed": N_("release failed"),
        "retraction-failed": N_("retraction failed"),
        "decline-uncertain": N_("decline uncertain"),
        "report-waiting": N_("report broken off; it is tried again"),
        "notice-waiting": N_("notice broken off; it is tried again"),
        "release-waiting": N_("release broken off; it is tried again"),
        "retraction-waiting": N_("retraction broken off; it is tried again"),
        "report-uncertain": N_("report uncertain"),
        "notice-uncertain": N_("notice uncertain"),
        "release-uncertain": N_("release uncertain"),
        "retraction-uncertain": N_("retraction uncertain"),
        "decline-cancelled": N_("decline cancelled"),
        "report-cancelled": N_("report cancelled"),
        "notice-cancelled": N_("notice cancelled"),
        "release-cancelled": N_("release cancelled"),
        "retraction-cancelled": N_("retraction cancelled"),
        "decline-retried": N_("decline tried again"),
        "report-retried": N_("report tried again"),
        "report-refused": N_("report refused for good by the next server"),
        "notice-retried": N_("notice tried again"),
        "release-retried": N_("release tried again"),
        "retraction-retried": N_("retraction tried again"),
        "decline-returned": N_("decline came back undelivered"),
        "report-returned": N_("report came back undelivered"),
        "notice-returned": N_("notice came back undelivered"),
        "release-returned": N_("release came back undelivered"),
        "retraction-returned": N_("retraction came back undelivered"),
        "amendment-sent": N_("amendment accepted by the next server"),
        "amendment-waiting": N_("amendment broken off; it is tried again"),
        "amendment-uncertain": N_("amendment uncertain"),
        "amendment-failed": N_("amendment failed"),
        "amendment-cancelled": N_("amendment cancelled"),
        "amendment-retried": N_("amendment tried again"),
        "amendment-returned": N_("amendment came back undelivered"),
        "acknowledgement-sent": N_("acknowledgement accepted by the next server"),
        "acknowledgement-waiting": N_("acknowledgement broken off; it is tried again"),
        "acknowledgement-uncertain": N_("acknowledgement uncertain"),
        "acknowledgement-failed": N_("acknowledgement failed"),
        "acknowledgement-cancelled": N_("acknowledgement cancelled"),
        "acknowledgement-retried": N_("acknowledgement tried again"),
        "acknowledgement-returned": N_("acknowledgement came back undelivered"),
    }
)

DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "part": N_("what was looked at: {value}"),
        "tier": N_("tier: {value}"),
        "held": N_("held: {value}"),
        "relayed": N_("delivered: {value}"),
        "refused": N_("refused by the mail server: {value}"),
        "pending": N_("not known yet: {value}"),
        "released": N_("released: {value}"),
        "item": N_("mail {value}"),
        "reply": N_("answer: {value}"),
        "was": N_("before: {value}"),
        "reason": N_("reason: {value}"),
        "to": N_("to: {value}"),
        "kind": N_("way: {value}"),
        "exemption": N_("exemption {value}"),
        "export": N_("export {value}"),
        "hold": N_("legal hold {value}"),
        "ordered_by": N_("ordered by: {value}"),
        "form": N_("form: {value}"),
    }
)

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "text": N_("the page of the case"),
        "html": N_("its HTML, cleaned"),
        "source": N_("raw source"),
        "download": N_("the original, downloaded"),
        "draft-decline": N_("draft of the decline"),
        "draft-report": N_("draft of the report"),
        "decline": N_("text of the decline"),
        "report": N_("text of the report"),
        "notice": N_("text of a notice"),
        "release": N_("text of a release"),
        "retraction": N_("text of the retraction"),
        "amendment": N_("text of an amendment"),
        "acknowledgement": N_("text of an acknowledgement"),
    }
)
"""What a person looked at, by the detail `part` of "content-viewed"."""
