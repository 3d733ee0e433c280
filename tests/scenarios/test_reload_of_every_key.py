"""SIGHUP obeys every key that is not marked `at_start`: with another value, the parts that are in force are other ones.

The keys come from the settings tree. What is in force is all that can be reached from the service, but for the whole
settings, which it keeps to compare with the next.
"""

from __future__ import annotations

import ssl
from collections import Counter, deque
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.settings import Endpoint, Settings
from gateway.settings.schema import keys_of, sections
from tests.support.certificates import self_signed
from tests.support.envelopes import a_certificate, pem_of
from tests.support.gateway import running_gateway, write_configuration
from tests.support.signatures import KeyPair, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from gateway.supervisor import Service
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

__all__ = ["key_pair"]

NOBODYS = {
    "senders.packs",  # a first start reads them, and nobody afterwards
    "smtp.tls_key",  # goes with tls_certificate
    "dkim.domain", "dkim.selector",  # go with key
}  # fmt: skip

PROVIDER = {"issuer": "http://127.0.0.1:9", "client_id": "console"}
"""Without these the rest of `[oidc]` means nothing."""
PLAIN = (str, bytes, int, float, Path, Enum, IPv4Network, IPv6Network, ZoneInfo, timedelta, type(None))
SPECIAL: Mapping[str, Any] = {
    "agency.domains": ("more.example",),
    "dns.nameservers": (Endpoint("127.0.0.1", 5399),),
    "outbound.smarthost": Endpoint("127.0.0.1", 2599),
    "intake.address": "intake@liaison.police.example",
    "emergency.recipients": ("911@police.example",),
    "oidc.issuer": "http://127.0.0.1:9",
    "oidc.client_id": "another",
    "console.time_zone": "America/Toronto",
    "alerts.webhook": "http://127.0.0.1:2599/in",
    "alerts.command": ("/bin/true",),
    "smtp.proxy_protocol_from": (ip_network("192.0.2.0/24"),),
    "smtp.xclient_from": (ip_network("192.0.2.0/24"),),
}
"""Where the kind of the value is not enough to find another one."""


def single_keys() -> list[str]:
    """Every key of a table of which there is one, that a reload should obey."""
    tables = [section for section in sections() if section.name not in {"route", "policy"}]
    keys = {
        f"{table.name}.{one.attribute}" for table in tables for one in keys_of(table.fields) if not one.key.at_start
    }
    return sorted(keys - NOBODYS)


@pytest.fixture
async def gateway(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    """With every part that there is: mail in, mail out, and pages."""
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url, console='listen = "127.0.0.1:0"'
    )
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path, key_pair: KeyPair) -> Mapping[str, Mapping[str, Any]]:
    """What each key that names a file is set to, and what has to be set with it."""
    pair = self_signed(tmp_path, "mx.police.example")
    (tmp_path / "keys").write_text("k1 " + "A" * 43 + "=\n", encoding="ascii")
    (tmp_path / "signing").write_bytes(key_pair.pem)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/follows.en.txt").write_text("English below.", encoding="utf-8")
    (tmp_path / "smime.pem").write_bytes(pem_of(a_certificate(key_pair.private)))
    return {
        "templates.mail": {"mail": tmp_path / "texts"},
        "smtp.tls_certificate": {"tls_certificate": pair.certificate, "tls_key": pair.key},
        "dkim.key": {"domain": "police.example", "selector": "s1", "key": tmp_path / "signing"},
        "collation.smime_certificate": {"smime_certificate": tmp_path / "smime.pem"},
        "store.key_file": {"key_file": tmp_path / "keys"},
        "outbound.password_file": {"password_file": tmp_path / "keys"},
        "intake.accept_from": {"address": "intake@police.example", "accept_from": (ip_network("192.0.2.0/24"),)},
        "alerts.webhook_secret_file": {"webhook": "http://127.0.0.1:1/", "webhook_secret_file": tmp_path / "keys"},
        "alerts.timeout": {"webhook": "http://127.0.0.1:1/", "timeout": 11.5},
        "oidc.client_secret_file": {"client_secret_file": tmp_path / "keys"},
        "oidc.roles": {"roles_claim": "groups", "roles": ("g=reviewer",)},
        "smtp.trusted_received_by": {"trusted_received_by": ("a.example",), "trusted_authserv_id": "b.example"},
    }


async def test_every_key_of_a_table_is_obeyed(gateway: Running, files: Mapping[str, Mapping[str, Any]]) -> None:
    deaf = []
    for key in single_keys():
        section, attribute = key.split(".")
        table = getattr(gateway.settings, section)
        values = files.get(key) or {attribute: SPECIAL.get(key) or other_than(getattr(table, attribute))}
        values = {**PROVIDER, **values} if section == "oidc" else values
        changed = replace(gateway.settings, **{section: replace(table, **values)})
        if not differs(gateway, changed):
            deaf.append(key)
    assert deaf == []


async def test_the_mode_the_policy_and_the_routes_are_obeyed(gateway: Running) -> None:
    now = gateway.settings
    deaf = []
    for cell, value in values_of(now.policy[Tier.CONFIRMED]).items():
        row = replace(now.policy[Tier.CONFIRMED], **{cell: other_than(value)})
        if not differs(gateway, replace(now, policy={**now.policy, Tier.CONFIRMED: row})):
            deaf.append(cell)
    (route,) = now.route
    others: dict[str, Any] = {"domains": ("police.example",), "next_hop": (Endpoint("127.0.0.1", 9),)}
    for name, value in values_of(route).items():
        changed = replace(route, **{name: others.get(name) or other_than(value)})
        if not differs(gateway, replace(now, route=(changed,))):
            deaf.append(name)
    if not differs(gateway, replace(now, mode=other_than(now.mode))):
        deaf.append("mode")
    assert deaf == []


def differs(gateway: Running, changed: Settings) -> bool:
    """Whether anything in force is another under the changed settings; the usual ones are in force before and after."""
    before = Counter(in_force(gateway.service))
    gateway.service.obey(changed)
    under_it = Counter(in_force(gateway.service))
    gateway.service.obey(gateway.settings)
    assert Counter(in_force(gateway.service)) == before
    return under_it != before


def in_force(service: Service) -> Iterator[str]:
    """Every value that can be reached from the service through objects of ours, in words."""
    seen: set[int] = set()
    reached: list[object] = [service]
    while reached:
        one = reached.pop()
        if isinstance(one, PLAIN):
            yield repr(one)
        elif not isinstance(one, Settings) and id(one) not in seen:
            seen.add(id(one))
            if isinstance(one, ssl.SSLContext):
                yield "SSLContext"
            reached += parts_of(one)


def parts_of(one: object) -> list[object]:
    if isinstance(one, dict | MappingProxyType):
        return [*one, *one.values()]
    if isinstance(one, list | tuple | set | frozenset | deque):
        return list(one)
    ours = type(one).__module__.partition(".")[0] in {"gateway", "filters"}
    return list(values_of(one).values()) if ours else []


def values_of(one: object) -> dict[str, Any]:
    """Its attributes, in slots or not."""
    slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: getattr(one, name) for name in slots if hasattr(one, name)} | getattr(one, "__dict__", {})


def other_than(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case Enum():
            return next(one for one in type(value) if one is not value)
        case tuple():
            return value[:-1] if len(value) > 1 else (17,)
        case str():
            return f"x{value}"
        case _:
            raise AssertionError(f"no other value is known than {value!r}")
