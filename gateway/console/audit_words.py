"""Rows of the audit log in words: what happened, and each detail, in the language of the page.

What a row holds stays as it was written, for the chain is over that; only what is shown is said in words. A code or a
detail that is in no table here is shown as it stands in the log.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from filters.sentence import Sentence
from gateway.console.case_history import DETAILS, HAPPENED, PARTS
from gateway.console.navigation import N_
from gateway.console.words import FORMS, ITEM_STATES, KEPT_AS, KINDS, MODES, ROLES, TIERS
from gateway.model.people import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.console.languages import Words
    from gateway.model.audit import AuditEntry

OFFICE: Mapping[str, str] = MappingProxyType(
    {
        "signed-in": N_("signed in"),
        "signed-out": N_("signed out"),
        "sign-in-failed": N_("sign-in failed"),
        "person-added": N_("account added"),
        "person-roles": N_("roles changed"),
        "person-enabled": N_("account enabled"),
        "person-disabled": N_("account disabled"),
        "password-changed": N_("password changed"),
        "password-reset": N_("password reset"),
        "second-factor-set": N_("second factor set up"),
        "second-factor-reset": N_("second factor taken away"),
        "list-changed": N_("lists changed"),
        "exemption-granted": N_("exemption granted"),
        "exemption-ended": N_("exemption ended"),
        "outbox-paused": N_("outbox paused"),
        "outbox-resumed": N_("outbox resumed"),
        "mode": N_("mode set"),
        "audit-exported": N_("audit log exported"),
        "audit-verification-requested": N_("verification asked for"),
        "case-disposed": N_("case disposed of"),
        "purge-begun": N_("purge begun"),
        "disposal-certified": N_("disposal certified"),
        "data-key-changed": N_("data key changed"),
        "export-made": N_("export made"),
        "database-backed-up": N_("database backed up"),
        "database-restored": N_("database restored from a backup"),
        "integrity-stated": N_("integrity stated"),
        "forward-acknowledged": N_("forwarded mail recorded, and acknowledged"),
        "forward-unread": N_("forwarded mail not understood"),
        "digest-requested": N_("digest asked for"),
        "digest-sent": N_("digest accepted by the next server"),
        "digest-failed": N_("digest failed"),
        "digest-waiting": N_("digest broken off; it is tried again"),
        "digest-uncertain": N_("digest uncertain"),
        "digest-cancelled": N_("digest cancelled"),
        "digest-retried": N_("digest tried again"),
        "digest-returned": N_("digest came back undelivered"),
    }
)
"""What happened to no case."""

OFFICE_DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "client": N_("from {value}"),
        "how": N_("by way of: {value}"),
        "roles": N_("roles: {value}"),
        "ceiling": N_("allowed at most: {value}"),
        "version": N_("version {value}"),
        "added": N_("entries added: {value}"),
        "removed": N_("entries removed: {value}"),
        "id": N_("exemption {value}"),
        "until": N_("until {value}"),
        "approver": N_("approved by {value}"),
        "recipients": N_("for mail to: {value}"),
        "sha256": "SHA-256: {value}",
        "rulebook": N_("list version {value}"),
        "length": N_("characters: {value}"),
        "report": N_("report: {value}"),
        "notification": N_("notification {value}"),
        "actor": N_("who: {value}"),
        "action": N_("what: {value}"),
        "subject": N_("about: {value}"),
        "since": N_("since {value}"),
        "cases": N_("cases: {value}"),
        "count": N_("number: {value}"),
        "octets": N_("octets: {value}"),
        "authority": N_("on the authority of {value}"),
        "class": N_("kept as: {value}"),
        "certificate": N_("certificate {value}"),
        "export": N_("export {value}"),
        "troubles": N_("troubles: {value}"),
        "files": N_("files: {value}"),
        "row": N_("up to row {value}"),
        "head": N_("whose hash is {value}"),
        "in_doubt": N_("declines in doubt: {value}"),
        "dismissed": N_("days of what was dismissed: {value}"),
        "contact": N_("days of contacts by hand: {value}"),
        "reported": N_("days of reported mail: {value}"),
        "handled": N_("days of mail without a report: {value}"),
    }
)

_REPORTS: Mapping[str, str] = MappingProxyType({"requested": N_("asked for"), "review": N_("to decide")})
_WAYS: Mapping[str, str] = MappingProxyType({"provider": N_("the OpenID provider")})
_VALUES: Mapping[str, Mapping[Any, str]] = MappingProxyType(
    {
        "part": PARTS,
        "tier": TIERS,
        "was": ITEM_STATES,
        "kind": KINDS,
        "ceiling": MODES,
        "report": _REPORTS,
        "form": FORMS,
        "how": _WAYS,
        "class": KEPT_AS,
    }
)
"""The vocabularies of details."""
_OURS = frozenset({"reply"})
"""Details that hold a sentence of ours, or what a server said."""


def happened(action: str, words: Words) -> str:
    """What happened, in words; the code itself where nobody has given it any."""
    said = HAPPENED.get(action) or OFFICE.get(action)
    return words.say(said) if said else action


def detail(name: str, value: str, words: Words) -> str:
    """One detail, in words."""
    template = DETAILS.get(name) or OFFICE_DETAILS.get(name)
    said = _value(name, value, words)
    return words.say(Sentence(template, value=said)) if template else f"{name}: {said}"


def details(entry: AuditEntry, words: Words) -> list[str]:
    """All that a row tells beside what happened."""
    return [detail(name, value, words) for name, value in entry.detail.items()]


def role_name(role: Role, words: Words) -> str:
    """What a role is called; what it is for stands behind the colon."""
    return words.say(ROLES[role]).partition(":")[0].strip()


def _value(name: str, value: str, words: Words) -> str:
    if name == "roles":
        return ", ".join(role_name(Role(one), words) if one in set(Role) else one for one in value.split(", "))
    if name in _VALUES:
        return words.say(_VALUES[name].get(value, value))
    return words.say(value) if name in _OURS else value
