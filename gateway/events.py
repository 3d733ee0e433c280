"""The closed vocabulary of log events: what a log line can be about.

Only names: the events, and the fields that a line of each may have. Content of mail is in none of them.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Event(StrEnum):
    """The `event` of a log line. Monitoring matches these names: they are never renamed, only added."""

    STARTED = "started"
    """The gateway accepts connections."""
    STOPPED = "stopped"
    """The last mail transaction ended, and everything is closed."""
    WORKER_DIED = "worker_died"
    """A process that takes mail ended without being told to; another is started in its place."""
    FEW_DESCRIPTORS = "few_descriptors"
    """The system allows this process fewer open files than its connections may need."""
    MONITORING_OFF = "monitoring_off"
    """The default address for monitoring is taken: nobody answers it here."""
    CONSOLE_OFF = "console_off"
    """The default address of the console is taken: this process shows no pages."""
    DATABASE_MADE = "database_made"
    """There was no database file at the start: a new, empty one was made."""
    DATA_KEY_MISSING = "data_key_missing"
    """What was stored last is sealed with a key that this process was not given."""
    KEY_NEEDS_RESTART = "key_needs_restart"
    """A key changed that only a start obeys: the old value stays in force until then."""
    EXAMPLE_IN_USE = "example_in_use"
    """A name or contact of the agency is still the example's; mail that leaves would carry it."""
    SECRET_EXPOSED = "secret_exposed"
    """A file that holds a key, a password or mail can be read or changed by anybody on the machine."""
    RUNS_AS_ROOT = "runs_as_root"
    """The gateway runs with all rights of the machine, and needs none of them."""
    CONFIGURATION_REFUSED = "configuration_refused"
    """A changed configuration has problems; the one before stays in force."""
    CONFIGURATION_RELOADED = "configuration_reloaded"
    """A changed configuration, or a renewed certificate, is in force."""

    CONNECTION_REFUSED = "connection_refused"
    """A client was turned away before it said anything: a limit on connections."""
    TRANSACTION = "transaction"
    """A mail transaction ended, in whichever way; there is exactly one such line for each."""
    PROTOCOL_VIOLATION = "protocol_violation"
    """A client did what no honest one does; its connection was closed."""
    TLS_FAILED = "tls_failed"
    """A TLS handshake with a client failed."""
    FIELD_REMOVED = "field_removed"
    """A header field that only we may write came in and was taken out."""
    HEADER_SET_APART = "header_set_apart"
    """A header section began with white space, and would have continued a field of ours."""
    FAULT = "fault"
    """An exception in our own machinery; the client was answered 451."""
    FORWARD_TAKEN = "forward_taken"
    """An officer's mail to the intake address is on record: its cases, what of it could not be read, its answer."""
    ANSWER_RECEIVED = "answer_received"
    """Mail in the name of the collation address named cases: they say so until a person records what was answered."""

    NEXT_HOP_FAILED = "next_hop_failed"
    """A next hop could not be reached, or broke off."""
    SCREENING_FAILED = "screening_failed"
    """Screening raised; the reverse-path alone decided."""
    VERIFICATION_FAILED = "verification_failed"
    """Sender authentication raised; the sender counts as unproven."""
    VERIFICATION_TIMED_OUT = "verification_timed_out"
    """It took longer than `screening.timeout` to find out about a sender, who counts as unproven."""
    RULEBOOK_LOADED = "rulebook_loaded"
    """A new version of lists, policy or mode is in force in this process."""
    DNS_FAILED = "dns_failed"
    """The name servers did not answer a question; what was decided without it stands beside."""
    PROVIDER_FAILED = "provider_failed"
    """The OpenID provider can't be used: nobody can sign in there."""
    PROVIDER_REFUSED = "provider_refused"
    """Somebody who came from the OpenID provider was not let in; why stands beside."""
    CLOCK_DIFFERS = "clock_differs"
    """This node's clock is far from the database's: it may take what other nodes still work on."""
    STORE_FAILED = "store_failed"
    """The database could not be read or written."""
    CASES_DISPOSED = "cases_disposed"
    """The daily purge has disposed of cases whose time is over."""
    PURGE_CONFLICT = "purge_conflict"
    """The daily purge left one to whoever was first: it was begun, or ended, by another node or a person."""
    AUDIT_BROKEN = "audit_broken"
    """The audit chain does not hold: rows were changed or taken out after they were written."""

    ALERT_BEGAN = "alert_began"
    """Trouble of which somebody is told without asking."""
    ALERT_ENDED = "alert_ended"
    """That trouble is over."""
    ALERT_FAILED = "alert_failed"
    """A hook did not take an alert; it is told again at the next look."""

    OUTBOX_SENT = "outbox_sent"
    """A mail of ours was accepted by the next server."""
    OUTBOX_RETRY = "outbox_retry"
    """A mail of ours was not accepted now, or may not leave yet; it will be tried again."""
    REPORT_WITHOUT_ORIGINAL = "report_without_original"
    """A report is too large, or was refused for good: it goes once, as a summary without the original."""
    OUTBOX_FAILED = "outbox_failed"
    """A mail of ours was refused for good, or given up."""
    OUTBOX_RETURNED = "outbox_returned"
    """A report that had been accepted came back: it was not delivered."""
    OUTBOX_UNCERTAIN = "outbox_uncertain"
    """Whether a decline arrived can't be known; it is not sent again by the machine."""
    OUTBOX_CONFLICT = "outbox_conflict"
    """An item had left the state that it should have been in: another node or person was there first."""

    LIBRARY = "library"
    """A library had something to say through the standard library's logging, as a warning or worse."""


_OF_AN_ITEM = ("item", "purpose", "case", "reply")

FIELDS: Mapping[Event, tuple[str, ...]] = MappingProxyType(
    {
        Event.STARTED: ("role",),
        Event.STOPPED: ("role",),
        Event.WORKER_DIED: ("pid", "status", "reason"),
        Event.FEW_DESCRIPTORS: ("allowed", "needed", "connections"),
        Event.MONITORING_OFF: ("reason",),
        Event.CONSOLE_OFF: ("reason",),
        Event.DATABASE_MADE: ("file",),
        Event.DATA_KEY_MISSING: ("data_key", "file"),
        Event.KEY_NEEDS_RESTART: ("key",),
        Event.EXAMPLE_IN_USE: ("key",),
        Event.SECRET_EXPOSED: ("key", "file"),
        Event.RUNS_AS_ROOT: (),
        Event.CONFIGURATION_REFUSED: ("reason",),
        Event.CONFIGURATION_RELOADED: ("file",),
        Event.CONNECTION_REFUSED: ("client", "why"),
        Event.TRANSACTION: (
            *("id", "client", "mail_from", "rcpt_to", "recipients", "message_id", "size", "seconds"),
            *("answer_seconds", "tier", "case", "next_hop", "heard", "reply"),
        ),
        Event.PROTOCOL_VIOLATION: ("client", "what"),
        Event.TLS_FAILED: ("reason",),
        Event.FIELD_REMOVED: ("id", "field"),
        Event.HEADER_SET_APART: ("id",),
        Event.FAULT: ("doing", "item", "exception"),
        Event.FORWARD_TAKEN: ("cases", "unread", "acknowledgement"),
        Event.ANSWER_RECEIVED: ("cases",),
        Event.NEXT_HOP_FAILED: ("reason",),
        Event.SCREENING_FAILED: ("id", "exception"),
        Event.VERIFICATION_FAILED: ("exception",),
        Event.VERIFICATION_TIMED_OUT: ("seconds",),
        Event.RULEBOOK_LOADED: ("version", "mode"),
        Event.DNS_FAILED: ("item", "reason"),
        Event.PROVIDER_FAILED: ("reason",),
        Event.PROVIDER_REFUSED: ("client", "reason", "name"),
        Event.CLOCK_DIFFERS: ("ahead",),
        Event.STORE_FAILED: ("doing", "case", "item", "reason"),
        Event.CASES_DISPOSED: ("certificate", "number"),
        Event.PURGE_CONFLICT: ("reason",),
        Event.AUDIT_BROKEN: ("reason",),
        Event.ALERT_BEGAN: ("alert", "node", "number"),
        Event.ALERT_ENDED: ("alert", "node"),
        Event.ALERT_FAILED: ("alert", "phase", "hook", "reason"),
        Event.OUTBOX_SENT: _OF_AN_ITEM,
        Event.OUTBOX_RETRY: ("item", "purpose", "case", "due_at", "reply"),
        Event.REPORT_WITHOUT_ORIGINAL: ("item", "case", "reason"),
        Event.OUTBOX_FAILED: _OF_AN_ITEM,
        Event.OUTBOX_RETURNED: _OF_AN_ITEM,
        Event.OUTBOX_UNCERTAIN: _OF_AN_ITEM,
        Event.OUTBOX_CONFLICT: ("item", "wanted"),
        Event.LIBRARY: ("source", "message", "exception"),
    }
)
"""What a line of each event may have beside `timestamp`, `level` and `event`. Added to, never renamed."""
