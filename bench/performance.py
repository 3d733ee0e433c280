"""How fast the gateway is, beside Postfix's own before-queue mode, on the same work in the same run.

    make bench                                        # everything; root and Debian's postfix package are needed
    .venv/bin/python -m bench.performance --help      # a part of it

Each scenario starts both relays anew, warms them up, and lets them take turns; what is told is the median of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.client import Load
from bench.next_hop import MISSIONS
from bench.relays import (
    Gateway,
    Postfix,
    Surroundings,
    cpu_seconds,
    forget_peak,
    free_port,
    peak_memory,
)
from bench.report import BASE, Figures, Result, additions, machine, table, write

if TYPE_CHECKING:
    from bench.relays import Relay

KB, MB = 1024, 1024 * 1024
IDLE_AFTER = 5.0
"""Seconds."""
SETTLE_WITHIN = 60.0
"""Seconds for what a load has left to do, such as reports, to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`bar` is the ratio of CPU to postfix-proxy that must not be passed; None: only recorded."""

    name: str
    load: Load
    entries: int = 10_000
    tls: bool = False
    workers: int = 1
    bar: float | None = None
    beside_postfix: bool = True


def _load(messages: int, connections: int, size: int, *, per_session: int = 1) -> Load:
    return Load(port=0, messages=messages, connections=connections, size=size, per_session=per_session)


_FLAGGED = replace(_load(2000, 20, 4 * KB), flagged_every=100)


SCENARIOS = (
    Scenario(name="4 KB, 1 connection", load=_load(500, 1, 4 * KB)),
    Scenario(name=BASE, load=_load(2000, 20, 4 * KB), bar=0.33),
    Scenario(name="4 KB, 100 connections", load=_load(2000, 100, 4 * KB)),
    Scenario(name="4 KB, session reuse", load=_load(4000, 20, 4 * KB, per_session=100), bar=0.25),
    Scenario(name="100 KB, 20 connections", load=_load(500, 20, 100 * KB), bar=0.40),
    Scenario(name="5 MB, 4 connections", load=_load(24, 4, 5 * MB), bar=0.65),
    Scenario(name="TLS in, 4 KB, 20 connections", load=_load(500, 20, 4 * KB), tls=True),
    Scenario(name="list of 100", load=_load(2000, 20, 4 * KB), entries=100),
    Scenario(name="list of 100,000", load=_load(2000, 20, 4 * KB), entries=100_000),
    Scenario(name="list of 1,000,000", load=_load(2000, 20, 4 * KB), entries=1_000_000, beside_postfix=False),
    Scenario(name="1 % flagged", load=_FLAGGED, beside_postfix=False),
    Scenario(name="1 % flagged, new domains", load=replace(_FLAGGED, missions=MISSIONS), beside_postfix=False),
    Scenario(name="two workers", load=_load(2000, 20, 4 * KB), workers=2),
)


def main() -> int:
    """Measure and print the table; with --write put it, and the picture, into the documentation."""
    options = _options()
    chosen = [one for one in SCENARIOS if not options.only or any(one.name.startswith(word) for word in options.only)]
    _demand_what_is_needed(chosen)
    results = []
    with tempfile.TemporaryDirectory(prefix="liaison-bench-") as name:
        Path(name).chmod(0o755)
        for number, scenario in enumerate(chosen):
            print(f"[{number + 1}/{len(chosen)}] {scenario.name}", file=sys.stderr, flush=True)
            directory = Path(name) / str(number)
            directory.mkdir()
            figures = _measure(scenario, directory, options.runs, options.share)
            results.append(Result(name=scenario.name, bar=scenario.bar, figures=figures))
        idle = _idle(Path(name))
    print("\n\n".join(filter(None, (machine(), table(results), additions(results, BASE), idle))))
    if options.write:
        write(options.write, results, idle)
    return 0


def _idle(directory: Path) -> str:
    """What the gateway holds in memory when nothing happens, by role."""
    told = []
    for role in ("all", "smtp"):
        (directory / role).mkdir()
        relay = Gateway(
            Surroundings(directory=directory / role, next_hop=free_port(), name_server=free_port(), entries=10_000),
            role=role,
        )
        try:
            relay.start()
            time.sleep(IDLE_AFTER)
            forget_peak(relay)
            told.append(f"{peak_memory(relay) / MB:.0f} MB with `--role {role}`")
        finally:
            relay.stop()
    return f"Idle, with a list of 10,000 entries: {', '.join(told)}."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.performance", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each relay in each scenario (default 5)")
    parser.add_argument(
        "--only", action="append", metavar="WORDS", help="scenarios that begin with these words; may be repeated"
    )
    parser.add_argument("--share", type=float, default=1.0, help="this share of the messages (default 1)")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the figures into this page, the picture beside it"
    )
    return parser.parse_args()


def _demand_what_is_needed(scenarios: list[Scenario]) -> None:
    if not any(one.beside_postfix for one in scenarios):
        return
    if os.geteuid() != 0:
        sys.exit("Postfix starts as root only: run this as root (its own temporary directory is all that it writes).")
    if shutil.which("postfix") is None:
        sys.exit("Postfix is missing: apt install postfix, with the configuration type 'No configuration'.")


def _measure(scenario: Scenario, directory: Path, runs: int, share: float) -> dict[str, Figures]:
    tls = _certificate(directory) if scenario.tls else None
    surroundings = Surroundings(
        directory=directory, next_hop=free_port(), name_server=free_port(), entries=scenario.entries, tls=tls,
        workers=scenario.workers,
    )  # fmt: skip
    plain = replace(surroundings, next_hop=free_port(), name_server=free_port())  # Postfix's proxy speaks no TLS
    hops = [_next_hop(surroundings), *([_next_hop(replace(plain, tls=None))] if tls else [])]
    relays: list[Gateway | Postfix] = [Gateway(surroundings)]
    if scenario.beside_postfix:
        relays.append(Postfix(replace(surroundings, next_hop=plain.next_hop) if tls else surroundings))
    began: list[Gateway | Postfix] = []
    first = 0
    load = replace(scenario.load, messages=max(scenario.load.connections, int(scenario.load.messages * share)))
    load = replace(load, tls=scenario.tls)
    try:
        for relay in relays:
            began.append(relay)
            relay.start()
            _one_run(relay, replace(load, messages=max(load.connections, load.messages // 4)))
        first += load.messages
        every: dict[str, list[Figures]] = {relay.name: [] for relay in relays}
        for run in range(runs):
            for relay in relays if run % 2 else reversed(relays):
                figures = _one_run(relay, replace(load, first=first))
                every[relay.name].append(figures)
                print(f"  run {run + 1}/{runs} {relay.name:14} {figures.cpu:.3f} CPU s", file=sys.stderr, flush=True)
            first += load.messages
    finally:
        for relay in began:
            relay.stop()
        for hop in hops:
            hop.kill()
            hop.wait()
    return {name: _medians(of) for name, of in every.items()}


def _one_run(relay: Relay, load: Load) -> Figures:
    forget_peak(relay)
    before = cpu_seconds(relay)
    argument = json.dumps(asdict(replace(load, port=relay.port)))
    done = subprocess.run([sys.executable, "-m", "bench.client", argument], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{relay.name} failed under the load:\n{done.stderr}")
    _settle(relay)
    told = json.loads(done.stdout)
    each = sorted(told["each"])
    return Figures(
        cpu=(cpu_seconds(relay) - before) / load.messages * 1000,
        rate=load.messages / told["seconds"],
        p50=each[len(each) // 2] * 1000,
        p99=each[min(len(each) - 1, int(len(each) * 0.99))] * 1000,
        slowest=each[-1] * 1000,
        memory=peak_memory(relay),
    )


def _settle(relay: Relay) -> None:
    """Until it works no more, for what it leaves to do later is its work too."""
    deadline = time.monotonic() + SETTLE_WITHIN
    last = -1.0
    while time.monotonic() < deadline:
        now = cpu_seconds(relay)
        if now - last <= 0.01:
            return
        last = now
        time.sleep(0.5)


def _medians(runs: list[Figures]) -> Figures:
    every = [asdict(run) for run in runs]
    return Figures(**{name: statistics.median(run[name] for run in every) for name in every[0]})


def _next_hop(surroundings: Surroundings) -> subprocess.Popen[str]:
    files = [str(surroundings.tls / name) for name in ("certificate.pem", "key.pem")] if surroundings.tls else []
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.next_hop", str(surroundings.next_hop), str(surroundings.name_server), *files],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101
    process.stdout.readline()
    return process


def _certificate(directory: Path) -> Path:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.police.example",
         "-keyout", directory / "key.pem", "-out", directory / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return directory


if __name__ == "__main__":
    sys.exit(main())
