"""What was measured, for people: a table in Markdown, a picture in SVG, and the machine that it was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

MB = 1024 * 1024
GATEWAY, PEER = "gateway", "postfix-proxy"
BASE = "4 KB, 20 connections"
LIKE_THE_FIRST = (
    *("list of 100", "list of 100,000", "list of 1,000,000"),
    *("1 % flagged", "1 % flagged, new domains", "two workers"),
)
"""Scenarios that differ from 4 KB on 20 connections in one thing alone."""
_BEGIN, _END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"
_COLOURS = {GATEWAY: "#1f5a99", PEER: "#c8862b"}
_LEFT, _WIDTH, _BAR, _GAP = 230, 520, 14, 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One run, or medians of several: CPU seconds for 1000 messages, messages a second, milliseconds, octets."""

    cpu: float
    rate: float
    p50: float
    p99: float
    slowest: float
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The medians of one scenario by relay; `bar` is the ratio of CPU to the peer's that must not be passed."""

    name: str
    bar: float | None
    figures: dict[str, Figures]

    @property
    def ratio(self) -> float | None:
        """The gateway's CPU to the peer's; None where there is no peer."""
        ours, theirs = self.figures.get(GATEWAY), self.figures.get(PEER)
        return ours.cpu / theirs.cpu if ours and theirs and theirs.cpu else None


def table(results: Sequence[Result]) -> str:
    """Markdown: a row for each relay in each scenario."""
    lines = [
        "| scenario | relay | CPU s per 1000 | ratio | bar | messages/s | p50 ms | p99 ms | slowest ms | peak RSS MB |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        for name, of in result.figures.items():
            ratio = f"{result.ratio:.2f}" if name == GATEWAY and result.ratio is not None else ""
            bar = f"{result.bar:.2f}" if name == GATEWAY and result.bar is not None else ""
            lines.append(
                f"| {result.name} | {name} | {of.cpu:.3f} | {ratio} | {bar} | {of.rate:.0f} "
                f"| {of.p50:.1f} | {of.p99:.1f} | {of.slowest:.1f} | {of.memory / MB:.0f} |"
            )
    return "\n".join(lines)


def additions(results: Sequence[Result], to: str) -> str:
    """What the gateway's other scenarios of that size cost more than `to`, in percent; "" where it was not measured."""
    ours = {result.name: result.figures[GATEWAY].cpu for result in results if GATEWAY in result.figures}
    if to not in ours:
        return ""
    more = [f"{name} {cpu / ours[to] - 1:+.0%}" for name, cpu in ours.items() if name in LIKE_THE_FIRST]
    return f"Of the gateway's CPU, beside {to}: {', '.join(more)}." if more else ""


def picture(results: Sequence[Result]) -> str:
    """SVG: the CPU of the relays side by side, each scenario on a scale of its own. The numbers stand at the bars."""
    rows, top = [], 44
    for result in results:
        most = max((of.cpu for of in result.figures.values()), default=0) or 1
        middle = top + len(result.figures) * _BAR / 2 + 4
        rows.append(f'<text x="{_LEFT - 10}" y="{middle:.0f}" text-anchor="end">{escape(result.name)}</text>')
        for name, of in result.figures.items():
            width = of.cpu / most * _WIDTH
            rows.append(
                f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR - 2}" fill="{_COLOURS[name]}"/>'
            )
            rows.append(f'<text x="{_LEFT + width + 6:.1f}" y="{top + _BAR - 4}">{of.cpu:.3g}</text>')
            top += _BAR
        top += _GAP
    said = "; ".join(
        f"{result.name}: " + ", ".join(f"{name} {of.cpu:.3g}" for name, of in result.figures.items())
        for result in results
    )
    legend = "".join(
        f'<rect x="{_LEFT + place * 150}" y="14" width="12" height="12" fill="{_COLOURS[name]}"/>'
        f'<text x="{_LEFT + place * 150 + 18}" y="24">{name}</text>'
        for place, name in enumerate((GATEWAY, PEER))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} {top}" role="img"'
        ' aria-labelledby="title description" font-family="sans-serif" font-size="12">\n'
        '<title id="title">CPU seconds for 1000 messages; less is better</title>\n'
        f'<desc id="description">{escape(said)}</desc>\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + legend + "\n" + "\n".join(rows) + "\n</svg>\n"
    )


def machine() -> str:
    """The machine and the versions, in one sentence."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    postfix = ""
    if shutil.which("postconf"):
        said = subprocess.run(["postconf", "-d", "-h", "mail_version"], capture_output=True, text=True, check=False)
        postfix = f", Postfix {said.stdout.strip()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvloop", "aiosmtpd", "structlog", "SQLAlchemy"))
    return (
        f"{os.cpu_count()} cores of {cpu}, Linux {platform.release().partition('-')[0]}; "
        f"Python {platform.python_version()}, {packages}{postfix}."
    )


def write(page: Path, results: Sequence[Result], idle: str) -> None:
    """Put the figures between the marks of the page, and the picture beside it; ValueError if the marks are missing."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the figures: {_BEGIN} … {_END}")
    told = "\n\n".join(filter(None, (begin, machine(), table(results), additions(results, BASE), idle, end)))
    page.write_text(before + told + after, encoding="utf-8")
    page.with_suffix(".svg").write_text(picture(results), encoding="utf-8")


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")
