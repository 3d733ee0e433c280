"""The settings as typed values: every key of the configuration file, with its default, its kind and its comment.

The tree is the only place that knows the keys: reading, the shipped file and the checks all follow it. It reads
nothing itself and never changes. An attribute has the name of its key; where Python reserves the word, `from_`.
"""

# The annotations are read at run time: no `from __future__ import annotations` here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from filters.disposition import DEFAULT_POLICY, Delivery, Handling, Mode, Policy, Tier
from gateway.settings import kinds
from gateway.settings.alerting import Alerts
from gateway.settings.identity import Oidc
from gateway.settings.incoming import Intake, Screening, Smtp
from gateway.settings.key import OCTETS, Key, Table
from gateway.settings.kinds import DAY
from gateway.settings.values import (
    ClientInfo,
    Endpoint,
    Language,
    LogAddresses,
    LogFormat,
    LogLevel,
    Marking,
    ReportContent,
    SecondFactor,
    Tls,
)
from gateway.shipped import shipped

LANGUAGES = kinds.several(kinds.one_of(*Language), 'one or both of "en" and "fr", in the order of the text', least=1)
TLS = kinds.one_of(*Tls)
RETRY = kinds.several(
    kinds.whole(1, 30 * DAY, "seconds"), "an array of whole seconds such as [60, 300]", least=1, unique=False
)
LIMIT = kinds.whole(0, 1_000_000, "mails")
DAYS = kinds.whole(0, 36_500, "days")
BOTH = (Language.EN, Language.FR)
ILDC = "RCMP.international-international.GRC@rcmp-grc.gc.ca"

_CONSOLE = Endpoint("127.0.0.1", 8025)
_METRICS = Endpoint("127.0.0.1", 9025)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """Who we are, in mail that we originate. Names carry their article, as in a sentence."""

    name_en: Annotated[
        str, Key(kinds.filled('a name such as "the Example Police Service"'), "with its article, as inside a sentence")
    ] = "the Example Police Service"
    name_fr: Annotated[
        str, Key(kinds.filled('a name such as "le Service de police d\'Exemple"'), "the same in French")
    ] = "le Service de police d'Exemple"
    unit_en: Annotated[str, Key(kinds.TEXT, "who signs; empty: the agency")] = "International Requests Unit"
    unit_fr: Annotated[str, Key(kinds.TEXT, "the same in French")] = "Groupe des demandes internationales"
    contact_email: Annotated[str, Key(kinds.ADDRESS, "for questions about mail that we originate")] = (
        "liaison@police.example"
    )
    contact_phone: Annotated[str, Key(kinds.TEXT, "may be empty")] = "+1 555 0100"
    consular_email: Annotated[
        str, Key(kinds.optional(kinds.ADDRESS), "for consular matters; every automatic decline names it")
    ] = "consular@police.example"
    consular_phone: Annotated[str, Key(kinds.TEXT, "the same by telephone")] = "+1 555 0101"
    domains: Annotated[
        tuple[str, ...],
        Key(kinds.DOMAINS, "own domains beside those of the routes: never listed, never written to as senders"),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where mail for some domains goes. `domains` are canonical and exact: a subdomain needs its own entry."""

    domains: Annotated[
        tuple[str, ...],
        Key(
            kinds.several(kinds.DOMAIN, 'domains such as ["police.example"]', least=1),
            "exact: a subdomain needs its own entry",
            ["police.example"],
        ),
    ]
    next_hop: Annotated[tuple[Endpoint, ...], Key(kinds.HOPS, "tried in order", ["127.0.0.1:2526"])]
    tls: Annotated[Tls, Key(TLS, "none | opportunistic | required | verified")] = Tls.OPPORTUNISTIC
    client: Annotated[
        ClientInfo,
        Key(kinds.one_of(*ClientInfo), "none | xforward | xclient: tell the next hop who the client was"),
    ] = ClientInfo.NONE
    timeout: Annotated[float, Key(kinds.seconds(3600), "seconds that the next hop has for one answer")] = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """How mail that we originate leaves when it is not for a route. Neither smarthost nor mx: it waits."""

    smarthost: Annotated[Endpoint | None, Key(kinds.optional(kinds.HOP, None), "host:port", "127.0.0.1:2527")] = None
    mx: Annotated[bool, Key(kinds.BOOLEAN, "without a smarthost: to the recipients' own mail servers")] = False
    tls: Annotated[Tls, Key(TLS, "none | opportunistic | required | verified")] = Tls.OPPORTUNISTIC
    username: Annotated[str, Key(kinds.TEXT, "both set: SMTP AUTH at the smarthost")] = ""
    password_file: Annotated[Path | None, Key(kinds.optional(kinds.FILE, None), "holds the password alone")] = None
    retry: Annotated[
        tuple[int, ...],
        Key(
            RETRY,
            "seconds between attempts, the last repeats",
        ),
    ] = (60, 300, 900, 1800, 3600)
    give_up_after: Annotated[float, Key(kinds.seconds(30 * DAY), "seconds")] = 432000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """The key that signs mail which we originate (RFC 6376)."""

    domain: Annotated[str, Key(kinds.optional(kinds.DOMAIN), "d=; all three set: we sign")] = ""
    selector: Annotated[str, Key(kinds.optional(kinds.SELECTOR), "s=")] = ""
    key: Annotated[Path | None, Key(kinds.optional(kinds.FILE, None), "PEM: RSA, 2048 to 4096 bits")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Whom we ask about senders, and how long we wait. No name servers: the system's."""

    nameservers: Annotated[tuple[Endpoint, ...], Key(kinds.NAMESERVERS, '"IP" or "IP:port"; empty: the system\'s')] = ()
    timeout: Annotated[float, Key(kinds.seconds(30), "seconds for all questions about one message")] = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The two addresses that a decline names."""

    ildc_address: Annotated[str, Key(kinds.ADDRESS, "RCMP International Liaison and Deployment Centre")] = ILDC
    interpol_address: Annotated[str, Key(kinds.ADDRESS, "INTERPOL Ottawa")] = "Interpolottawa@rcmp-grc.gc.ca"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation:
    """How approaches are reported. When the file has no `from`, it is `agency.contact_email`."""

    address: Annotated[str, Key(kinds.ADDRESS, "RCMP ILDC")] = ILDC
    from_: Annotated[
        str, Key(kinds.ADDRESS, "unset: agency.contact_email", default_words="that of `agency.contact_email`")
    ] = "liaison@police.example"
    content: Annotated[ReportContent, Key(kinds.one_of(*ReportContent), "original | summary")] = ReportContent.ORIGINAL
    tls: Annotated[
        Tls, Key(TLS, "else it waits and alarms; a loopback smarthost counts as this machine; S/MIME lifts it")
    ] = Tls.VERIFIED
    smime_certificate: Annotated[
        Path | None, Key(kinds.optional(kinds.FILE, None), "PEM: reports are encrypted to it")
    ] = None
    marking: Annotated[
        Marking,
        Key(
            kinds.one_of(*Marking),
            "none | protected-a | protected-b: stands on top of reports; only with S/MIME or verified TLS",
        ),
    ] = Marking.NONE
    max_size: Annotated[
        int, Key(OCTETS, "octets; beyond it, or refused with 5xx: once more as summary, with an alarm")
    ] = 10485760
    languages: Annotated[tuple[Language, ...], Key(LANGUAGES, "in the order of the text")] = BOTH
    daily_limit: Annotated[int, Key(LIMIT, "past these, cases wait for review and one summary a day says how many")] = (
        50
    )
    domain_daily_limit: Annotated[int, Key(LIMIT, "the same for one sender domain")] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """How often, how fast and in which languages a decline is sent."""

    window_days: Annotated[int, Key(DAYS, "days in which one reverse-path is declined automatically only once")] = 7
    delay: Annotated[
        int,
        Key(
            kinds.whole(0, 7 * DAY, "seconds"),
            "seconds in which records staff can still cancel (init proposes 900)",
        ),
    ] = 0
    languages: Annotated[tuple[Language, ...], Key(LANGUAGES, "in the order of the text")] = BOTH
    daily_limit: Annotated[int, Key(LIMIT, "past these, cases wait for review")] = 20
    domain_daily_limit: Annotated[int, Key(LIMIT, "the same for one sender domain")] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCells:
    """What one `[policy.TIER]` says; None keeps the cell of `filters.disposition.DEFAULT_POLICY`."""

    delivery: Annotated[Delivery | None, Key(kinds.one_of(Delivery.HOLD, Delivery.FLAG), "hold | flag")] = None
    decline: Annotated[Handling | None, Key(kinds.one_of(*Handling), "auto | review | never")] = None
    report: Annotated[Handling | None, Key(kinds.one_of(*Handling), "auto | review | never")] = None
    notice: Annotated[bool | None, Key(kinds.BOOLEAN, "whether recipients of held mail are told, once per case")] = None


def _shipped_packs() -> tuple[Path, ...]:
    return (shipped("config") / "senders" / "prc.toml",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The daily mail to records staff. When the file has no `to`, it is `agency.contact_email`."""

    to: Annotated[
        str,
        Key(
            kinds.ADDRESS,
            "the records mailbox; unset: agency.contact_email",
            default_words="that of `agency.contact_email`",
        ),
    ] = "liaison@police.example"
    hour: Annotated[int, Key(kinds.whole(0, 23), "UTC; once a day, when something waits")] = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """The texts of mail that we originate."""

    mail: Annotated[
        Path | None,
        Key(kinds.optional(kinds.FOLDER, None), "a folder of your own texts; what is not in it is as shipped"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """The lists to begin with; later changes are made with `liaison senders` and in the console."""

    packs: Annotated[
        tuple[Path, ...],
        Key(
            kinds.FILES,
            "imported at first start",
            ["senders/prc.toml"],
            default_words="the shipped pack, `senders/prc.toml`",
        ),
    ] = field(default_factory=_shipped_packs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Recipients that are served first and never declined for."""

    recipients: Annotated[
        tuple[str, ...], Key(kinds.ADDRESSES, "served first, never declined for", ["dispatch@police.example"])
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The tally that `liaison senders try` replays a change over."""

    days: Annotated[int, Key(DAYS, "no local part, recipient, subject or content")] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long closed cases are kept, by class. What is open, on legal hold, or still leaving is never disposed of."""

    reported: Annotated[
        int, Key(DAYS, "days after closing; 0: for ever. Mail that was reported; your own schedule has to say")
    ] = 0
    handled: Annotated[int, Key(DAYS, "mail that was handled without a report; two years: Privacy Act")] = 730
    dismissed: Annotated[int, Key(DAYS, "no approach by a mission: somebody else's mail, so no longer")] = 730
    contact: Annotated[int, Key(DAYS, "contacts by hand")] = 0
    authority: Annotated[
        str, Key(kinds.TEXT, "by-law or authorization by which you dispose of records; stands on every certificate")
    ] = ""
    automatic: Annotated[bool, Key(kinds.BOOLEAN, "once a day; else `liaison purge` by a person")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The database, and the keys of the raw messages in it."""

    url: Annotated[str, Key(kinds.STORE_URL, "or postgresql://…", at_start=True)] = "sqlite:///../var/liaison.db"
    key_file: Annotated[
        Path | None,
        Key(kinds.optional(kinds.FILE, None), 'AES-256-GCM for raw messages: "id base64" a line, the first encrypts'),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Where records staff and administrators work. TLS is that of `[smtp]`."""

    listen: Annotated[
        Endpoint | None,
        Key(kinds.optional(kinds.LISTENER, None), 'beyond loopback only with TLS; "": no console', at_start=True),
    ] = _CONSOLE
    public_url: Annotated[str, Key(kinds.PUBLIC_URL, "how people's browsers reach it")] = "http://127.0.0.1:8025"
    time_zone: Annotated[str, Key(kinds.ZONE, "of the times that pages show")] = "UTC"
    second_factor: Annotated[
        SecondFactor,
        Key(kinds.one_of(*SecondFactor), "required | optional: a one-time code of an authenticator app at sign-in"),
    ] = SecondFactor.REQUIRED
    idle_timeout: Annotated[
        float, Key(kinds.seconds(DAY), "seconds without a page, after which a person signs in again")
    ] = 1800
    session_timeout: Annotated[float, Key(kinds.seconds(7 * DAY), "the same however busy the person is")] = 43200


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Where monitoring asks."""

    listen: Annotated[
        Endpoint | None,
        Key(kinds.optional(kinds.LISTENER, None), '/metrics, /healthz, /readyz; "": answers nobody', at_start=True),
    ] = _METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is written to stderr, and how."""

    format: Annotated[LogFormat, Key(kinds.one_of(*LogFormat), "console | json", at_start=True)] = LogFormat.CONSOLE
    level: Annotated[LogLevel, Key(kinds.one_of(*LogLevel), "debug | info | warning | error", at_start=True)] = (
        LogLevel.INFO
    )
    addresses: Annotated[
        LogAddresses,
        Key(
            kinds.one_of(*LogAddresses),
            "hashed | plain | none, for clean mail; `trace` hashes its argument",
            at_start=True,
        ),
    ] = LogAddresses.HASHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration; paths in it are absolute once it was loaded.

    `file` is where it was read from, and where relative paths start; `policy` has a row for every tier.
    """

    file: Path
    mode: Annotated[
        Mode, Key(kinds.one_of(*Mode), "observe | assist | auto: the ceiling; `liaison mode` lowers or restores")
    ] = Mode.AUTO
    agency: Annotated[Agency, Table("names and contacts used in mail that we originate")] = field(
        default_factory=Agency
    )
    smtp: Annotated[Smtp, Table()] = field(default_factory=Smtp)
    screening: Annotated[Screening, Table("the reading of content")] = field(default_factory=Screening)
    route: Annotated[tuple[Route, ...], Table("one or more; domains with the same next hop share a route")]
    intake: Annotated[
        Intake, Table("a mailbox of the gateway's own, to which officers forward what reached them elsewhere")
    ] = field(default_factory=Intake)
    outbound: Annotated[Outbound, Table("how mail that we originate leaves; no smarthost and mx = false: it waits")] = (
        field(default_factory=Outbound)
    )
    dkim: Annotated[Dkim, Table()] = field(default_factory=Dkim)
    dns: Annotated[Dns, Table()] = field(default_factory=Dns)
    referral: Annotated[Referral, Table("what a decline tells its reader")] = field(default_factory=Referral)
    collation: Annotated[Collation, Table("where reports go")] = field(default_factory=Collation)
    decline: Annotated[Decline, Table()] = field(default_factory=Decline)
    digest: Annotated[Digest, Table("what waits for a decision, to records staff")] = field(default_factory=Digest)
    policy: Annotated[Mapping[Tier, Policy], Table("one table a tier; what is left out keeps its default")] = field(
        default_factory=lambda: DEFAULT_POLICY
    )
    templates: Annotated[Templates, Table("see docs/templates.md")] = field(default_factory=Templates)
    senders: Annotated[Senders, Table()] = field(default_factory=Senders)
    emergency: Annotated[Emergency, Table()] = field(default_factory=Emergency)
    ledger: Annotated[
        Ledger, Table("for replays: tally of (day, originator domain, keyed hash of address, to-emergency, count)")
    ] = field(default_factory=Ledger)
    retention: Annotated[Retention, Table("how long closed cases are kept: docs/records.md")] = field(
        default_factory=Retention
    )
    store: Annotated[Store, Table()] = field(default_factory=Store)
    console: Annotated[Console, Table()] = field(default_factory=Console)
    oidc: Annotated[Oidc, Table("signing in to the console at the agency's OpenID provider")] = field(
        default_factory=Oidc
    )
    metrics: Annotated[Metrics, Table()] = field(default_factory=Metrics)
    alerts: Annotated[
        Alerts, Table("told without mail: when trouble begins, once a day while it lasts, when it ends")
    ] = field(default_factory=Alerts)
    log: Annotated[Log, Table()] = field(default_factory=Log)
