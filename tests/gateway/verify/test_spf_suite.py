"""The public test suite of RFC 7208 (release 2014.04), every case, with real packets from a name server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from filters.address import NULL_PATH, Mailbox
from gateway.demonstration.nameserver import asked, serving
from gateway.settings import Endpoint
from gateway.verify.resolver import Inquiry, Resolver
from gateway.verify.spf import check_spf
from tests.support.nameserver import FailingNameServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dns.message

SUITE = Path(__file__).parents[2] / "suites" / "rfc7208" / "rfc7208-tests.yml"
SCENARIOS = [document for document in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")) if document]
CASES = [
    pytest.param(scenario["zonedata"], case, id=f"{scenario['description']}: {name}")
    for scenario in SCENARIOS
    for name, case in scenario["tests"].items()
]
QUICK = 0.2
"""Seconds for a whole check: some of the suite's servers never answer."""


class SuiteNameServer(FailingNameServer):
    """The suite's zone data. A record of type SPF stands for TXT where the name has no TXT; TIMEOUT says nothing."""

    def __init__(self, zone: dict[str, list[Any]]) -> None:
        super().__init__({})
        for name, records in zone.items():
            self._add(name.lower().rstrip("."), records)

    def _add(self, name: str, records: list[Any]) -> None:
        self.records.setdefault((name, "ANY"), ())
        given = [next(iter(record.items())) for record in records if isinstance(record, dict)]
        kinds = {kind for kind, _ in given}
        for kind, value in given:
            if kind == "SPF" and "TXT" in kinds:
                continue
            if value != "NONE":
                wanted = "TXT" if kind == "SPF" else kind
                self.records[name, wanted] = (*self.records.get((name, wanted), ()), *_presented(wanted, value))
        if "TIMEOUT" in records:
            self.silent.add(name)

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        name, kind = asked(query)
        if name in self.silent and (name, kind) in self.records:  # only its other types time out
            self.silent.discard(name)
            try:
                return super().answer(query)
            finally:
                self.silent.add(name)
        return super().answer(query)


def _presented(kind: str, value: Any) -> Iterator[str]:
    if kind == "MX":
        yield f"{value[0]} {value[1].rstrip('.')}."
    elif kind == "TXT":
        strings = [value] if isinstance(value, str) else value or [""]  # a TXT record of no strings can't be sent
        octets = [text.encode("latin-1") for text in strings]
        pieces = [piece[at : at + 255] for piece in octets for at in range(0, max(1, len(piece)), 255)]
        yield " ".join('"' + "".join(f"\\{octet:03}" for octet in piece) + '"' for piece in pieces)
    elif kind in {"PTR", "CNAME"}:
        yield f"{value.rstrip('.')}."
    else:
        yield value


@pytest.mark.parametrize(("zone", "case"), CASES)
async def test_the_public_suite_agrees(zone: dict[str, list[Any]], case: dict[str, Any]) -> None:
    async with serving(SuiteNameServer(zone)) as server:
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), QUICK if server.silent else 5)
        local_part, _, domain = case["mailfrom"].rpartition("@")
        result = await check_spf(
            inquiry,
            client_ip=case["host"],
            helo=case["helo"],
            reverse_path=Mailbox(local_part, domain) if case["mailfrom"] else NULL_PATH,
        )
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert result.result in wanted, result.reason
    assert result.reason


def test_the_suite_is_whole() -> None:
    assert len(SCENARIOS) == 16
    assert len(CASES) == 203
