"""The closed vocabulary of log events: what a log line can be about.

Only names. What stands beside one is the business of whoever logs it; content of mail never does.
"""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """The `event` of a log line. Monitoring matches these names: they are never renamed, only added."""

    STARTED = "started"
    """The gateway accepts connections."""
    STOPPED = "stopped"
    """The last mail transaction ended, and everything is closed."""
    WORKER_DIED = "worker_died"
    """A process that takes mail ended without being told to; another is started in its place."""
    MONITORING_OFF = "monitoring_off"
    """The default address for monitoring is taken: nobody answers it here."""
    KEY_WITHOUT_EFFECT = "key_without_effect"
    """A configuration key is set that this version does not obey yet."""
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
    FAULT = "fault"
    """An exception in our own machinery; the client was answered 451."""

    NEXT_HOP_FAILED = "next_hop_failed"
    """A next hop could not be reached, or broke off."""
    SCREENING_FAILED = "screening_failed"
    """Screening raised; the reverse-path alone decided."""
    VERIFICATION_FAILED = "verification_failed"
    """Sender authentication raised; the sender counts as unproven."""
    RULEBOOK_LOADED = "rulebook_loaded"
    """A new version of lists, policy or mode is in force in this process."""
    DNS_FAILED = "dns_failed"
    """The name servers did not answer a question; what was decided without it stands beside."""
    STORE_FAILED = "store_failed"
    """The database could not be read or written."""

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
