"""People who sign in to the console, their roles, and what each role may do: one table, for pages and for commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


class Role(StrEnum):
    """What somebody is here for. A person may have several."""

    REVIEWER = "reviewer"
    """Records staff: reads cases and decides them."""
    LIST_ADMINISTRATOR = "list-administrator"
    """Keeps the sender lists and the exemptions."""
    AUDITOR = "auditor"
    """Sees everything, changes nothing."""
    OPERATOR = "operator"
    """IT: the outbox, the mode and the status. Sees no content and no case."""
    ADMINISTRATOR = "administrator"
    """May do everything, and keeps the people."""


class Verb(StrEnum):
    """What can be asked for. Pages and commands name theirs; who may is in `ALLOWED`."""

    SEE_STATUS = "see-status"
    SEE_STATISTICS = "see-statistics"
    SEE_CASES = "see-cases"
    SEE_CONTENT = "see-content"
    """A message's text, source or attachments. Each view leaves an audit row."""
    DECIDE_CASES = "decide-cases"
    """Decline, report, release, silence, dismiss, note, assign, close, and record a contact by hand."""
    EXPORT_CASES = "export-cases"
    HOLD_CASES = "hold-cases"
    """Place and lift legal holds."""
    PURGE_CASES = "purge-cases"
    """Dispose of cases whose time is over."""
    BACK_UP = "back-up"
    SEE_SENDERS = "see-senders"
    CHANGE_SENDERS = "change-senders"
    SEE_EXEMPTIONS = "see-exemptions"
    EXEMPT = "exempt"
    SEE_OUTBOX = "see-outbox"
    CHANGE_OUTBOX = "change-outbox"
    """Try again, cancel, pause and resume."""
    SET_MODE = "set-mode"
    TRACE = "trace"
    """What became of a message: states and replies, no subject and no text."""
    SEE_AUDIT = "see-audit"
    KEEP_PEOPLE = "keep-people"


_EVERYBODY = frozenset({Verb.SEE_STATUS})
_READS_CASES = _EVERYBODY | {
    Verb.SEE_STATISTICS, Verb.SEE_CASES, Verb.SEE_CONTENT, Verb.SEE_SENDERS, Verb.SEE_EXEMPTIONS, Verb.SEE_OUTBOX,
}  # fmt: skip

ALLOWED: Mapping[Role, frozenset[Verb]] = MappingProxyType(
    {
        Role.REVIEWER: _READS_CASES
        | {Verb.DECIDE_CASES, Verb.EXPORT_CASES, Verb.HOLD_CASES, Verb.EXEMPT, Verb.CHANGE_OUTBOX, Verb.TRACE},
        Role.LIST_ADMINISTRATOR: _EVERYBODY
        | {Verb.SEE_STATISTICS, Verb.SEE_SENDERS, Verb.CHANGE_SENDERS, Verb.SEE_EXEMPTIONS, Verb.EXEMPT},
        Role.AUDITOR: _READS_CASES | {Verb.EXPORT_CASES, Verb.SEE_AUDIT, Verb.TRACE},
        Role.OPERATOR: _EVERYBODY
        | {Verb.SEE_STATISTICS, Verb.SEE_SENDERS, Verb.SEE_OUTBOX, Verb.CHANGE_OUTBOX, Verb.SET_MODE}
        | {Verb.BACK_UP, Verb.TRACE},
        Role.ADMINISTRATOR: frozenset(Verb),
    }
)
"""Who may do what. What is not here is refused."""


class Stage(StrEnum):
    """How far a session is."""

    PASSWORD = "password"
    """The password was right; the one-time code is still to come, and nothing is shown."""
    SIGNED_IN = "signed-in"
    AT_PROVIDER = "at-provider"
    """Signed in at the agency's OpenID provider: password and second factor were its business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account. `name` is what is typed at sign-in, lower case; `active` is False after `users disable`."""

    name: str
    full_name: str
    roles: frozenset[Role]
    active: bool
    language: str
    """"en" or "fr"."""
    created_at: datetime
    signed_in_at: datetime | None
    second_factor: bool
    """Whether a one-time code is asked for at sign-in."""
    must_change_password: bool
    """The password was set by somebody else."""

    @property
    def actor(self) -> str:
        """As the audit log names who acts."""
        return f"console:{self.name}"

    def may(self, verb: Verb) -> bool:
        """Whether one of the roles allows it."""
        return self.active and allowed(self.roles, verb)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser in which somebody signs in. `digest` is of the token that only the browser has."""

    digest: str
    person: Person
    stage: Stage
    started_at: datetime
    seen_at: datetime
    told: tuple[str, ...] = ()
    """What the next page says at its top, once: its kind, and the sentence; () for nothing."""

    @property
    def is_signed_in(self) -> bool:
        """Every proof was given."""
        return self.stage is not Stage.PASSWORD


def roles_with(verb: Verb) -> tuple[Role, ...]:
    """The roles that allow it."""
    return tuple(role for role in Role if verb in ALLOWED[role])


def allowed(roles: Iterable[Role], verb: Verb) -> bool:
    """Whether one of the roles allows it."""
    return any(verb in ALLOWED[role] for role in roles)
