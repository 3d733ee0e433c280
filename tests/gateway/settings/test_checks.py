"""What has to hold between keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.settings import unaligned_senders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.configurations import Reader, Refusal

TWO_ROUTES = """[[route]]
domains = ["a.example"]
next_hop = ["127.0.0.1:2526"]
[[route]]
domains = [
  "b.example",
  "A.example",
]
next_hop = ["127.0.0.1:2527"]
"""
LOOP = '[[route]]\ndomains = ["a.example"]\nnext_hop = ["127.0.0.1:2526", "127.0.0.1:2525"]\n'

CONFLICTS = {
    "a mark on mail that may leave in clear": (
        '[collation]\ntls = "opportunistic"\nmarking = "protected-b"',
        3,
        "collation.marking",
        'is "protected-b", but with tls = "opportunistic" a report may leave in clear',
    ),
    "half of TLS": (
        '[smtp]\ntls_key = "pem"',
        2,
        "smtp.tls_key",
        "is set, but tls_certificate is not; write all of them",
    ),
    "half of a login": ('[outbound]\nusername = "u"', 2, "outbound.username", "is set, but password_file is not"),
    "two thirds of DKIM": ('[dkim]\ndomain = "a.example"\nselector = "s"', 2, "dkim.domain", "is set, but key is not"),
    "a third of DKIM": ('[dkim]\nselector = "s"', 2, "dkim.selector", "is set, but domain and key are not"),
    "hosts of an upstream without a name": (
        '[smtp]\ntrusted_received_by = ["in.filter.example"]',
        2,
        "smtp.trusted_received_by",
        "is set, but trusted_authserv_id is not",
    ),
    "an upstream with our own name": (
        '[smtp]\nhostname = "mx.police.example"\ntrusted_authserv_id = "MX.police.example"',
        3,
        "smtp.trusted_authserv_id",
        "is our own hostname",
    ),
    "less room than one message": (
        "[smtp]\nmax_message_size = 2000\nmax_in_flight = 1999",
        3,
        "smtp.max_in_flight",
        "is less than one message of smtp.max_message_size (2000); write 2000 or more",
    ),
    "screening that ends before the DNS": (
        "[dns]\ntimeout = 20\n[screening]\ntimeout = 10",
        4,
        "screening.timeout",
        "ends before the time for the DNS does (dns.timeout, 20 s); write 20 or more, or a shorter dns.timeout",
    ),
    "a domain in two routes": (
        TWO_ROUTES,
        7,
        "route.domains",
        '"a.example" is in another route too; write each domain',
    ),
    "a next hop that is us": (LOOP, 3, "route.next_hop", "127.0.0.1:2525 is where this gateway itself listens"),
    "a smarthost that is us": (
        '[smtp]\nlisten = ["0.0.0.0:25"]\n[outbound]\nsmarthost = "localhost:25"',
        4,
        "outbound.smarthost",
        "localhost:25 is where this gateway itself listens",
    ),
    "two listeners on one port": (
        '[metrics]\nlisten = "127.0.0.1:8025"',
        2,
        "metrics.listen",
        "127.0.0.1:8025 is taken by console.listen; write another port",
    ),
    "a console for everybody": (
        '[console]\nlisten = "0.0.0.0:8025"',
        2,
        "console.listen",
        "but there is no TLS; write",
    ),
    "a console at a name": ('[console]\nlisten = "mx.example:8025"', 2, "console.listen", "but there is no TLS; write"),
    "an emergency address elsewhere": (
        '[emergency]\nrecipients = ["911@police.example", "911@fire.example"]',
        2,
        "emergency.recipients",
        '"911@fire.example" is in no route',
    ),
    "emergency mail held": (
        '[policy.emergency]\ndelivery = "hold"',
        2,
        "policy.emergency.delivery",
        "their mail can't be held",
    ),
    "emergency mail declined": (
        '[policy.emergency]\ndecline = "auto"',
        2,
        "policy.emergency.decline",
        "is never declined",
    ),
    "forged mail declined": (
        '[policy.spoofed]\ndecline = "auto"',
        2,
        "policy.spoofed.decline",
        '"never" or "review"',
    ),
    "look-alikes held": (
        '[policy.suspect]\ndelivery = "hold"',
        2,
        "policy.suspect.delivery",
        "is for a person to look at",
    ),
    "no consular address": (
        '[agency]\nconsular_email = ""',
        2,
        "agency.consular_email",
        'is empty, but mode "auto" sends declines',
    ),
    "no consular telephone": (
        '[agency]\nconsular_phone = ""',
        2,
        "agency.consular_phone",
        "names the consular contact",
    ),
}


@pytest.mark.parametrize(("text", "line", "key", "fragment"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_values_that_do_not_go_together_are_refused(
    problems: Refusal, tmp_path: Path, text: str, line: int, key: str, fragment: str
) -> None:
    (tmp_path / "pem").touch()
    (problem,) = problems(text)
    assert problem.startswith(f"gateway.toml:{line}: {key}: ")
    assert fragment in problem


@pytest.mark.parametrize(
    "text",
    [
        'mode = "assist"\n[agency]\nconsular_email = ""\nconsular_phone = ""',
        '[smtp]\ntls_certificate = "pem"\ntls_key = "pem"\n[console]\nlisten = "0.0.0.0:8025"',
        '[console]\nlisten = "[::1]:0"\n[metrics]\nlisten = "[::1]:0"',
        '[metrics]\nlisten = ""',
        '[emergency]\nrecipients = ["Dispatch@POLICE.example"]',
        '[smtp]\nlisten = ["[::]:2526"]',
        '[policy.emergency]\nreport = "auto"',
        '[collation]\nmarking = "protected-b"',
        '[collation]\nmarking = "protected-a"\ntls = "none"\nsmime_certificate = "pem"',
    ],
)
def test_values_that_go_together_are_accepted(read: Reader, tmp_path: Path, text: str) -> None:
    (tmp_path / "pem").touch()
    read(text)


def test_a_value_that_could_not_be_read_is_not_complained_about_twice(problems: Refusal) -> None:
    (problem,) = problems('[smtp]\ntls_certificate = "pem.missing"\ntls_key = ""')
    assert "can't be read" in problem


@pytest.mark.parametrize(
    ("domain", "unaligned"),
    [
        ("police.example", ()),
        ("mail.police.example", ("agency.contact_email",)),
        ("lice.example", ("agency.contact_email", "collation.from")),
        ("other.example", ("agency.contact_email", "collation.from")),
        ("POLICE.example", ()),
        ("", ()),
    ],
)
def test_senders_outside_the_signing_domain_are_named(
    read: Reader, tmp_path: Path, domain: str, unaligned: tuple[str, ...]
) -> None:
    (tmp_path / "pem").touch()
    dkim = f'[dkim]\ndomain = "{domain}"\nselector = "20260501"\nkey = "pem"\n' if domain else ""
    settings = read(f"""{dkim}[agency]
contact_email = "liaison@Police.example"
[collation]
from = "liaison@sub.mail.police.example"
""")
    assert unaligned_senders(settings) == unaligned


@pytest.mark.parametrize("selector", ["s 1", "s..1", ".s", "-s", "s_domainkey=", "*", "é"])
def test_a_selector_is_labels_of_a_domain_name(problems: Refusal, tmp_path: Path, selector: str) -> None:
    (tmp_path / "pem").touch()
    (problem,) = problems(f'[dkim]\ndomain = "police.example"\nselector = "{selector}"\nkey = "pem"')
    assert problem.startswith("gateway.toml:3: dkim.selector: ")


def test_emergency_addresses_are_not_judged_by_routes_that_could_not_be_read(problems: Refusal) -> None:
    (problem,) = problems('[emergency]\nrecipients = ["911@police.example"]\n[[route]]\nnext_hop = ["a:25"]')
    assert problem.startswith("gateway.toml:3: route.domains: is missing")
