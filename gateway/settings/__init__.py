"""The configuration: typed, validated, immutable. `load` reads it; nothing else looks for it anywhere."""

from gateway.settings.changes import needs_restart, until_restart
from gateway.settings.checks import unaligned_senders
from gateway.settings.exposure import exposed_files
from gateway.settings.identity import Oidc
from gateway.settings.incoming import Intake, Screening, Smtp
from gateway.settings.pitfalls import example_values
from gateway.settings.reading import PLACES, load, load_metrics, load_text
from gateway.settings.rendering import render_answers, render_defaults
from gateway.settings.tree import (
    Agency,
    Collation,
    Console,
    Decline,
    Dkim,
    Dns,
    Emergency,
    Ledger,
    Log,
    Metrics,
    Outbound,
    Referral,
    Route,
    Senders,
    Settings,
    Store,
)
from gateway.settings.values import (
    BareNewlines,
    ClientInfo,
    Endpoint,
    IPNetwork,
    Language,
    LogAddresses,
    LogFormat,
    LogLevel,
    ReportContent,
    SecondFactor,
    Tls,
    is_safe,
)

__all__ = [
    "PLACES",
    "Agency",
    "BareNewlines",
    "ClientInfo",
    "Collation",
    "Console",
    "Decline",
    "Dkim",
    "Dns",
    "Emergency",
    "Endpoint",
    "IPNetwork",
    "Intake",
    "Language",
    "Ledger",
    "Log",
    "LogAddresses",
    "LogFormat",
    "LogLevel",
    "Metrics",
    "Oidc",
    "Outbound",
    "Referral",
    "ReportContent",
    "Route",
    "Screening",
    "SecondFactor",
    "Senders",
    "Settings",
    "Smtp",
    "Store",
    "Tls",
    "example_values",
    "exposed_files",
    "is_safe",
    "load",
    "load_metrics",
    "load_text",
    "needs_restart",
    "render_answers",
    "render_defaults",
    "unaligned_senders",
    "until_restart",
]
