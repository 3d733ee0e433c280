"""The words of closed vocabularies, as pages show them: one table for each. Marked here, translated where shown."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.console.navigation import N_
from gateway.model.people import Role, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.REVIEWER: N_("Reviewer: decides cases"),
        Role.LIST_ADMINISTRATOR: N_("List administrator: keeps the sender lists"),
        Role.AUDITOR: N_("Auditor: sees everything, changes nothing"),
        Role.OPERATOR: N_("Operator: IT; sees no case and no content"),
        Role.ADMINISTRATOR: N_("Administrator: everything, and the people"),
    }
)

VERBS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.SEE_STATUS: N_("See the status"),
        Verb.SEE_STATISTICS: N_("See statistics"),
        Verb.SEE_CASES: N_("See cases"),
        Verb.SEE_CONTENT: N_("Read messages"),
        Verb.DECIDE_CASES: N_("Decide cases, record contacts"),
        Verb.EXPORT_CASES: N_("Export cases"),
        Verb.SEE_SENDERS: N_("See the sender lists"),
        Verb.CHANGE_SENDERS: N_("Change the sender lists"),
        Verb.SEE_EXEMPTIONS: N_("See exemptions"),
        Verb.EXEMPT: N_("Grant and end exemptions"),
        Verb.SEE_OUTBOX: N_("See the outbox"),
        Verb.CHANGE_OUTBOX: N_("Retry and cancel in the outbox, pause it"),
        Verb.SET_MODE: N_("Set the mode"),
        Verb.SEE_AUDIT: N_("See the audit log"),
        Verb.KEEP_PEOPLE: N_("Keep the accounts"),
    }
)
