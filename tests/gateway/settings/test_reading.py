"""Reading a configuration: what is taken over, what is refused, and in which words."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filters.disposition import DEFAULT_POLICY, Delivery, Handling, Mode, Tier
from gateway.errors import ConfigurationError
from gateway.settings import BareNewlines, Endpoint, Language, Tls, load

if TYPE_CHECKING:
    from tests.support.configurations import Reader, Refusal

CHECKOUT = Path(__file__).parents[3]


def test_a_route_is_all_that_a_configuration_needs(read: Reader) -> None:
    configured = read()
    assert configured.mode is Mode.AUTO
    assert configured.route[0].domains == ("police.example",)
    assert configured.route[0].next_hop == (Endpoint("127.0.0.1", 2526),)
    assert configured.outbound.smarthost is None
    assert not configured.outbound.mx
    assert configured.emergency.recipients == ()
    assert configured.policy == DEFAULT_POLICY


def test_without_packs_the_shipped_list_is_configured(read: Reader) -> None:
    (pack,) = read().senders.packs
    assert pack.parts[-3:] == ("config", "senders", "prc.toml")


def test_an_empty_list_of_packs_means_none(read: Reader) -> None:
    assert read("[senders]\npacks = []").senders.packs == ()


def test_the_database_is_beside_the_directory_of_the_file_by_default(read: Reader, tmp_path: Path) -> None:
    assert read().store.url == f"sqlite:///{tmp_path.parent}/var/liaison.db"


def test_values_have_the_types_that_the_gateway_works_with(read: Reader) -> None:
    configured = read("""
        [smtp]
        hostname = "MX.Police.Example"
        listen = ["[::1]:0", "127.0.0.1:0"]
        bare_newlines = "reject"
        idle_timeout = 2.5
        internal_networks = ["192.0.2.7"]
        [[route]]
        domains = ["Police.Example", "bücher.example"]
        next_hop = ["mail.police.example:25", "[2001:db8::1]:24"]
        tls = "verified"
        [dns]
        nameservers = ["192.0.2.53", "2001:db8::53", "[2001:db8::53]:5353"]
        [decline]
        languages = ["fr"]
    """)
    assert configured.smtp.hostname == "mx.police.example"
    assert configured.smtp.listen == (Endpoint("::1", 0), Endpoint("127.0.0.1", 0))
    assert configured.smtp.bare_newlines is BareNewlines.REJECT
    assert timedelta(seconds=configured.smtp.idle_timeout) == timedelta(seconds=2.5)
    assert configured.smtp.internal_networks == (ip_network("192.0.2.7/32"),)
    assert configured.route[0].domains == ("police.example", "xn--bcher-kva.example")
    assert configured.route[0].next_hop == (Endpoint("mail.police.example", 25), Endpoint("2001:db8::1", 24))
    assert configured.route[0].tls is Tls.VERIFIED
    assert configured.dns.nameservers == (
        Endpoint("192.0.2.53", 53),
        Endpoint("2001:db8::53", 53),
        Endpoint("2001:db8::53", 5353),
    )
    assert configured.decline.languages == (Language.FR,)


def test_an_endpoint_is_written_as_it_was_read() -> None:
    assert str(Endpoint("::1", 25)) == "[::1]:25"
    assert str(Endpoint("mail.police.example", 25)) == "mail.police.example:25"


def test_relative_paths_start_at_the_directory_of_the_file(read: Reader, tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    configured = read('[store]\nkey_file = "keys"\nurl = "sqlite:///data/liaison.db"')
    assert configured.store.key_file == tmp_path / "keys"
    assert configured.store.url == f"sqlite:///{tmp_path}/data/liaison.db"
    assert configured.file.parent == tmp_path


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/liaison/liaison.db",
        "postgresql://liaison@db.police.example/liaison",
        "postgresql:///l",
        "postgresql://liaison@db1.police.example,db2.police.example:5433/liaison?target_session_attrs=read-write",
    ],
)
def test_an_absolute_database_url_stays_as_it_is(read: Reader, url: str) -> None:
    assert read(f'[store]\nurl = "{url}"').store.url == url


def test_a_policy_table_overrides_single_cells(read: Reader) -> None:
    policy = read('[policy.confirmed]\ndelivery = "flag"\nnotice = false\n[policy.suspect]\nreport = "auto"').policy
    assert policy[Tier.CONFIRMED].delivery is Delivery.FLAG
    assert policy[Tier.CONFIRMED].notice is False
    assert policy[Tier.CONFIRMED].decline is Handling.AUTO
    assert policy[Tier.SUSPECT].report is Handling.AUTO
    assert policy[Tier.UNVERIFIED] == DEFAULT_POLICY[Tier.UNVERIFIED]
    assert policy[Tier.CLEAR] == DEFAULT_POLICY[Tier.CLEAR]


def test_reports_come_from_the_agencys_contact_unless_another_is_named(read: Reader) -> None:
    agency = '[agency]\ncontact_email = "desk@police.example"\n'
    assert read(agency).collation.from_ == "desk@police.example"
    assert read(f'{agency}[collation]\nfrom = "reports@police.example"').collation.from_ == "reports@police.example"


@pytest.mark.parametrize("domain", ["police.example", "police.test", "police.local", "localhost", "bücher.example"])
def test_addresses_in_special_use_domains_are_accepted(read: Reader, domain: str) -> None:
    assert read(f'[agency]\ncontact_email = "liaison@{domain}"').agency.contact_email == f"liaison@{domain}"


@pytest.mark.parametrize("name", ["gateway.toml", "development.toml", "cluster.toml"])
def test_the_shipped_files_load(name: str) -> None:
    assert load(CHECKOUT / "config" / name, {}).route[0].domains == ("police.example",)


WRONG = {
    "a misspelt key": ("[smtp]\nmax_recipient = 5", 2, "smtp.max_recipient", "did you mean max_recipients?"),
    "a misspelt table": ("\n[smpt]\n", 2, "smpt", "did you mean smtp?"),
    "a key of another table": ("[smtp]\nsmarthost = ''", 2, "smtp.smarthost", "smarthost belongs in [outbound]"),
    "a key without its table": ("next_hop = []", 1, "next_hop", "next_hop belongs in [[route]]"),
    "a key like no other": ("[log]\nqqq = 1", 2, "log.qqq", "here are: format, level, addresses"),
    "an unknown mode": (
        '\n\nmode = "on"',
        3,
        "mode",
        '"on" is none of its values; write "observe", "assist" or "auto"',
    ),
    "a number in quotes": ('[smtp]\nworkers = "2"', 2, "smtp.workers", "is a string, not an integer"),
    "a boolean for a number": ("[smtp]\nworkers = true", 2, "smtp.workers", "is a boolean, not an integer"),
    "a float for a number": ("[smtp]\nworkers = 2.0", 2, "smtp.workers", "is a float, not an integer"),
    "a number for a string": ("[smtp]\nhostname = 5", 2, "smtp.hostname", "is an integer, not a string"),
    "a date for a string": ("[smtp]\nhostname = 2026-11-23", 2, "smtp.hostname", "is a date, not a string"),
    "a string for an array": ('[smtp]\nlisten = "127.0.0.1:25"', 2, "smtp.listen", "is a string, not an array"),
    "a string for a boolean": ('[outbound]\nmx = "yes"', 2, "outbound.mx", "is a string, not a boolean; write true or"),
    "a value for a table": ("smtp = 3", 1, "smtp", "is an integer, not a table; write [smtp]"),
    "a value for the policy": ("policy = 'hold'", 1, "policy", "is a string, not a table; write [policy.TIER]"),
    "no workers": ("[smtp]\nworkers = 0", 2, "smtp.workers", "0 is out of range; write a whole number of processes"),
    "a negative limit": ("[decline]\ndaily_limit = -1", 2, "decline.daily_limit", "-1 is out of range"),
    "no time": ("[smtp]\nidle_timeout = 0", 2, "smtp.idle_timeout", "0 is out of range; write a number of seconds"),
    "no number": ("[smtp]\nidle_timeout = nan", 2, "smtp.idle_timeout", "nan is out of range"),
    "endless time": ("[dns]\ntimeout = inf", 2, "dns.timeout", "inf is out of range"),
    "too long for DNS": (
        "[dns]\ntimeout = 31",
        2,
        "dns.timeout",
        "31 is out of range; write a number of seconds above 0",
    ),
    "no listener": ("[smtp]\nlisten = []", 2, "smtp.listen", "is empty; write an array of host:port"),
    "no port": ('[smtp]\nlisten = ["127.0.0.1"]', 2, "smtp.listen", '"127.0.0.1" has no port'),
    "no host": ('[smtp]\nlisten = [":25"]', 2, "smtp.listen", '":25" is no host:port'),
    "bare IPv6": (
        '[smtp]\nlisten = ["::1:25"]',
        2,
        "smtp.listen",
        'IPv6 address without brackets; write it as in "[::1]',
    ),
    "bracketed name": ('[smtp]\nlisten = ["[a]:25"]', 2, "smtp.listen", '"[a]:25" has no valid host before the port'),
    "half an IPv4": ('[smtp]\nlisten = ["127.1:25"]', 2, "smtp.listen", '"127.1:25" has no valid host before the port'),
    "a high port": ('[smtp]\nlisten = ["a:65536"]', 2, "smtp.listen", "has a port outside 0 to 65535"),
    "port 0 to connect to": ('[outbound]\nsmarthost = "a:0"', 2, "outbound.smarthost", "has a port outside 1 to 65535"),
    "an item on its own line": ('[smtp]\nlisten = [\n "a:1",\n "b",\n]', 4, "smtp.listen", '"b" has no port'),
    "a network with host bits": ('[smtp]\nxclient_from = ["10.0.0.1/8"]', 2, "smtp.xclient_from", 'write "10.0.0.0/8"'),
    "no network": ('[smtp]\nxclient_from = ["lan"]', 2, "smtp.xclient_from", '"lan" is no network; write an array of'),
    "a name server by name": ('[dns]\nnameservers = ["ns.example:53"]', 2, "dns.nameservers", "is no IP address"),
    "an underscore": ('[smtp]\nhostname = "mx_police.example"', 2, "smtp.hostname", "has an underscore, which no host"),
    "no address": ('[agency]\ncontact_email = "liaison"', 2, "agency.contact_email", '"liaison" is no e-mail address'),
    "half an address": (
        '[referral]\nildc_address = "x@"',
        2,
        "referral.ildc_address",
        '"x@" is no e-mail address (it has',
    ),
    "a display name": (
        '[agency]\ncontact_email = "A <a@b.example>"',
        2,
        "agency.contact_email",
        "is no e-mail address",
    ),
    "spaces in an address": (
        '[agency]\ncontact_email = "a b@c.example"',
        2,
        "agency.contact_email",
        "is no e-mail addr",
    ),
    "a header in a name": ('[agency]\nname_en = "A\\nBcc: b"', 2, "agency.name_en", "holds a line break"),
    "an empty name": ('[agency]\nname_en = " "', 2, "agency.name_en", "is empty; write a name such as"),
    "a language that we lack": ('[decline]\nlanguages = ["zh"]', 2, "decline.languages", '"zh" is none of its values'),
    "no language": (
        "[decline]\nlanguages = []",
        2,
        "decline.languages",
        'is empty; write one or both of "en" and "fr"',
    ),
    "a language twice": (
        '[decline]\nlanguages = ["en", "en"]',
        2,
        "decline.languages",
        "names en twice; write each once",
    ),
    "no attempt": ("[outbound]\nretry = []", 2, "outbound.retry", "is empty; write an array of whole seconds"),
    "an attempt at once": ("[outbound]\nretry = [60, 0]", 2, "outbound.retry", "0 is out of range"),
    "a text for an attempt": ("[outbound]\nretry = ['1']", 2, "outbound.retry", "item 1 is a string, not an integer"),
    "a file that isn't there": ('[smtp]\ntls_key = "k.pem"', 2, "smtp.tls_key", "k.pem can't be read (No such file"),
    "a directory for a file": ('[store]\nkey_file = "."', 2, "store.key_file", "can't be read (Is a directory)"),
    "a pack that isn't there": ('[senders]\npacks = ["x.toml"]', 2, "senders.packs", "x.toml can't be read"),
    "another database": (
        '[store]\nurl = "mysql://u:secret@h/d"',
        2,
        "store.url",
        "is no URL of a database that is supp",
    ),
    "a database in memory": (
        '[store]\nurl = "sqlite:///:memory:"',
        2,
        "store.url",
        "names no file for SQLite; write sqlite",
    ),
    "a relative database": ('[store]\nurl = "sqlite://a.db"', 2, "store.url", "names no file for SQLite"),
    "no web address": ('[console]\npublic_url = "liaison"', 2, "console.public_url", "is no address of a web site"),
    "a clear tier": (
        '[policy.clear]\ndelivery = "hold"',
        1,
        "policy.clear",
        "there is no such key; here are: emergency",
    ),
    "passing flagged mail": (
        '[policy.related]\ndelivery = "pass"',
        2,
        "policy.related.delivery",
        'write "hold" or "flag"',
    ),
    "a route in one bracket": (
        "[route]\ndomains = []",
        1,
        "route",
        "is a table, not an array of tables; write [[route]]",
    ),
    "no route": ("route = []", 1, "route", "there is none; write [[route]] with domains and next_hop below it"),
    "a route without hop": (
        "[[route]]\ndomains = ['a.example']",
        1,
        "route.next_hop",
        'is missing; write next_hop = ["127',
    ),
    "a pattern for a domain": (
        "[[route]]\ndomains = ['*.a.example']",
        2,
        "route.domains",
        "is a pattern; write each domain",
    ),
    "an address for a domain": (
        "[[route]]\ndomains = ['x@a.example']",
        2,
        "route.domains",
        "is an address; write only what",
    ),
    "a literal for a domain": (
        "[[route]]\ndomains = ['192.0.2.1']",
        2,
        "route.domains",
        '"192.0.2.1" is no domain name',
    ),
    "an empty domain": ("[[route]]\ndomains = ['']", 2, "route.domains", "item 1 is empty"),
    "a domain twice": ("[[route]]\ndomains = ['a.example', 'A.example']", 2, "route.domains", "names a.example twice"),
}


@pytest.mark.parametrize(("text", "line", "key", "fragment"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value_is_named_with_line_key_and_what_would_be_right(
    problems: Refusal, text: str, line: int, key: str, fragment: str
) -> None:
    found = [problem for problem in problems(text) if problem.startswith(f"gateway.toml:{line}: {key}: ")]
    assert any(fragment in problem for problem in found), problems(text)
    assert all("; " in problem for problem in found)


def test_all_problems_are_told_at_once_from_the_top(problems: Refusal) -> None:
    found = problems("""mode = "no"
[smtp]
listen = ["a", "b"]
worker = 2
[[route]]
domains = ["police.example"]
next_hop = ["x"]
[log]
level = "loud"
""")
    assert [problem.split(": ")[:2] for problem in found] == [
        ["gateway.toml:1", "mode"],
        ["gateway.toml:3", "smtp.listen"],
        ["gateway.toml:3", "smtp.listen"],
        ["gateway.toml:4", "smtp.worker"],
        ["gateway.toml:7", "route.next_hop"],
        ["gateway.toml:9", "log.level"],
    ]


def test_a_database_password_is_never_repeated(problems: Refusal) -> None:
    assert not any("secret" in problem for problem in problems('[store]\nurl = "mysql://u:secret@h/d"'))


def test_a_key_that_could_break_the_line_is_quoted(problems: Refusal) -> None:
    (problem,) = problems('[log]\n"a\\nb" = 1')
    assert problem.startswith('gateway.toml:2: log."a\\nb": there is no such key')


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mode = auto", 1),
        ("mode = 'auto'\n[smtp\n", 2),
        ("mode = 'auto'\n\nlog = [", 3),
        ("[log]\nlevel = 'info'\nlevel = 'debug'", 3),
        ("x = " + "[" * 100_000, 1),
        ("x = " + "9" * 10_000, 1),
        ('mode = "\x00"', 1),
    ],
)
def test_what_is_no_toml_is_answered_with_its_line(file: Path, text: str, line: int) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load(file, {})
    (problem,) = refused.value.problems
    assert problem.startswith(f"{file}:{line}: ")


def test_a_file_in_another_encoding_is_answered_with_the_line(file: Path) -> None:
    file.write_bytes(b"[agency]\nname_fr = 'S\xe9curit\xe9'\n")
    with pytest.raises(ConfigurationError, match=r"gateway.toml:2: the file is not in UTF-8; save it as UTF-8"):
        load(file, {})


def test_a_byte_order_mark_and_crlf_are_no_obstacle(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf[[route]]\r\ndomains = ["a.example"]\r\nnext_hop = ["a:25"]\r\n')
    assert load(file, {}).route[0].domains == ("a.example",)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.text("[]{}=.,#\"'\\\n\t aroute1", max_size=60).map(str.encode)))
def test_no_octets_whatsoever_make_the_reader_raise_anything_else(file: Path, octets: bytes) -> None:
    file.write_bytes(octets)
    with pytest.raises(ConfigurationError):
        load(file, {})


def test_a_missing_file_is_answered_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        load(None, {})
    (problem,) = refused.value.problems
    for clue in ("config/gateway.toml", "/etc/liaison/gateway.toml", "--config"):
        assert clue in problem


def test_a_named_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.toml"
    said = f"{missing}: the file can't be read (No such file or directory)"
    for path, environ, named_by in (
        (missing, {}, ""),
        (None, {"LIAISON_CONFIG": str(missing)}, "; the variable LIAISON_CONFIG names it"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            load(path, environ)
        assert refused.value.problems == [f"{said}{named_by}"]


def test_the_file_is_found_by_argument_then_variable_then_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("argument.toml", "variable.toml", "config/gateway.toml"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        domain = place.replace("/", "-").replace(".toml", ".example")
        (tmp_path / place).write_text(f'[[route]]\ndomains = ["{domain}"]\nnext_hop = ["a:25"]')
    monkeypatch.chdir(tmp_path)
    environ = {"LIAISON_CONFIG": "variable.toml"}
    assert load(Path("argument.toml"), environ).route[0].domains == ("argument.example",)
    assert load(None, environ).route[0].domains == ("variable.example",)
    assert load(None, {"LIAISON_CONFIG": ""}).route[0].domains == ("config-gateway.example",)
    assert load(None, {}).file == tmp_path / "config/gateway.toml"
