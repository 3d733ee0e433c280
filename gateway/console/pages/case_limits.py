"""Which verbs a case has left: for each that can't be done now, why, before anybody tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.console.navigation import N_
from gateway.model.case import ActionState, CaseStatus, Disposal
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.model.dossier import Dossier

ALREADY_REPORTED = N_("There is a report already.")
ALREADY_SILENCED = N_("It is silenced already.")
ALREADY_CLOSED = N_("The case is closed.")
STILL_OPEN = N_("The case is open.")
HAS_DECLINE = N_("There is a decline already; a case has one.")
DECLINE_FAILED = N_("The decline failed. In the outbox it can be tried again, or cancelled.")
DECLINE_UNCERTAIN = N_("Nobody knows whether the decline arrived. In the outbox it can be sent again, or cancelled.")
NOTHING_HELD = N_("No copy is held.")
NOTHING_TO_REPORT = N_("It was dismissed: there is nothing to report.")
ON_ITS_WAY = N_("Every copy that is held is on its way.")
NOT_LISTED = N_("No listed sender is named: there is nothing to exempt.")
NOTHING_TO_AMEND = N_("No report has left yet.")
TAKEN_BACK = N_("It was dismissed: its report is taken back.")
BY_HAND = N_("There was no mail.")
_REPORTABLE = frozenset({ActionState.NONE, ActionState.REVIEW, ActionState.CANCELLED, ActionState.FAILED})

_UNFINISHED = {OutboxState.FAILED: DECLINE_FAILED, OutboxState.UNCERTAIN: DECLINE_UNCERTAIN}


def why_not(dossier: Dossier) -> dict[str, str]:
    """For each verb why it can't be done, "" where it can."""
    case = dossier.file.case
    closed = ALREADY_CLOSED if case.status is CaseStatus.CLOSED else ""
    by_hand = BY_HAND if not case.kind.is_mail else ""
    return {
        "decline": by_hand or _no_decline(dossier),
        "report": _no_report(dossier),
        "amend": _no_amendment(dossier),
        "release": by_hand or _no_release(dossier),
        "silence": by_hand or (ALREADY_SILENCED if case.silenced else ""),
        "exempt": by_hand or _no_exemption(case),
        "dismiss": closed,
        "close": closed,
        "reopen": "" if closed else STILL_OPEN,
    }


def _no_decline(dossier: Dossier) -> str:
    states = {item.state for item in dossier.items if item.purpose is Purpose.DECLINE}
    if states:
        return next((_UNFINISHED[state] for state in states if state in _UNFINISHED), HAS_DECLINE)
    return dossier.objections[0] if dossier.objections else ""


def _no_report(dossier: Dossier) -> str:
    case = dossier.file.case
    if case.disposal is Disposal.DISMISSED:
        return NOTHING_TO_REPORT
    return "" if case.report in _REPORTABLE else ALREADY_REPORTED


def _no_amendment(dossier: Dossier) -> str:
    if dossier.file.case.disposal is Disposal.DISMISSED:
        return TAKEN_BACK
    left = any(item.purpose is Purpose.REPORT and item.may_have_arrived for item in dossier.items)
    return "" if left else NOTHING_TO_AMEND


def _no_exemption(case: Case) -> str:
    return "" if case.entry or any(one.entry for one in case.findings) else NOT_LISTED


def _no_release(dossier: Dossier) -> str:
    if dossier.held:
        return ""
    return ON_ITS_WAY if dossier.is_being_released else NOTHING_HELD
