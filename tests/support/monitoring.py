"""What monitoring does: asks over HTTP, octet for octet, and reads numbers with Prometheus' own parser."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: str


@dataclass(frozen=True)
class Numbers:
    """The samples of one scrape."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]

    def has(self, name: str) -> bool:
        return any(name == known for known, _ in self.samples)

    def total(self, name: str) -> float:
        """Of all its label values."""
        return sum(value for (known, _), value in self.samples.items() if known == name)


async def exchange(port: int, octets: bytes, *, within: float = 10.0) -> bytes:
    """Say these octets, and hear all that comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = b""
    try:
        async with asyncio.timeout(within):
            writer.write(octets)
            while chunk := await reader.read(65536):
                heard += chunk
    except ConnectionError:
        pass
    finally:
        writer.close()
    return heard


async def ask(port: int, path: str, *, method: str = "GET") -> Answer:
    heard = await exchange(port, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = heard.decode().partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    return Answer(int(line.split()[1]), dict(field.split(": ", 1) for field in fields), body)


async def scrape(port: int) -> Numbers:
    answer = await ask(port, "/metrics")
    assert answer.status == 200, answer
    return read_numbers(answer.body)


def read_numbers(text: str) -> Numbers:
    families = list(text_string_to_metric_families(text))
    samples = [sample for family in families for sample in family.samples]
    return Numbers({(sample.name, frozenset(sample.labels.items())): float(sample.value) for sample in samples})
