"""Kills the gateway under load for minutes, and accounts for everything: `python -m tests.soak --minutes 10`.

Campaigns of a minute each, on SQLite and PostgreSQL in turn, with one process and with two workers. Ends with a table;
the exit code is 1 when anything was lost, or doubled beyond what decision 13 allows.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tests.soak.campaign import Campaign
from tests.support.databases import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.accounting import Account
    from tests.support.databases import PostgresServer
    from tests.support.surroundings import Surroundings

SECONDS = 60.0
"""Of load in one campaign."""
SETS = (("SQLite", 1), ("PostgreSQL", 1), ("SQLite", 2), ("PostgreSQL", 2))
"""Database, and workers."""


class Soak:
    """Campaign after campaign until the time is up; adds up what came of them."""

    def __init__(self, seed: int, minutes: float, server: PostgresServer) -> None:
        self._seed = seed
        self._end = time.monotonic() + 60 * minutes
        self._server = server
        self._figures: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._peak = 0
        self._broken: list[str] = []

    async def run(self) -> None:
        number = 0
        while not number or time.monotonic() < self._end:
            database, workers = SETS[number % len(SETS)]
            with self._database(database, number) as (directory, url):
                await self._campaign(
                    number, f"{database}, {workers} SMTP process{'es' * (workers > 1)}", directory, url, workers
                )
            number += 1

    async def _campaign(self, number: int, name: str, directory: Path, url: str, workers: int) -> None:
        seconds = min(SECONDS, max(5.0, self._end - time.monotonic()))
        campaign = Campaign(
            directory=directory, url=url, seed=self._seed + number, workers=workers, seconds=seconds,
            progress=_show_progress,
        )  # fmt: skip
        print(f"campaign {number + 1}: {name}, seed {campaign.seed}")
        judged = await campaign.run()
        self._add(campaign, judged)
        print(f"\r  {sum(campaign.kinds.values())} kills, {judged.figures['answered 250']} messages: "
              f"{'ACCOUNT DOES NOT BALANCE' if judged.broken else 'all accounted for'}".ljust(78))  # fmt: skip
        for sentence in judged.broken:
            print(f"  {sentence}")

    def _add(self, campaign: Campaign, judged: Account) -> None:
        self._figures.update({name: figure for name, figure in judged.figures.items() if name != "kills"})
        self._kinds.update(campaign.kinds)
        self._peak = max(self._peak, campaign.peak)
        self._broken += judged.broken

    @contextmanager
    def _database(self, database: str, number: int) -> Iterator[tuple[Path, str]]:
        """A directory and the URL of a database without tables; the directory stays if the account did not balance."""
        directory = Path(tempfile.mkdtemp(prefix="liaison-soak-"))
        name = f"soak_{number}"
        if database == "PostgreSQL":
            self._server.run("CREATE DATABASE {}", name)
        broken = len(self._broken)
        try:
            yield directory, self._server.url(name) if database == "PostgreSQL" else f"sqlite:///{directory}/liaison.db"
            if len(self._broken) == broken:
                shutil.rmtree(directory)
        finally:
            if directory.exists():
                print(f"  configuration, logs{' and database' if database == 'SQLite' else ''}: {directory}")
            if database == "PostgreSQL":
                self._server.run("DROP DATABASE {} WITH (FORCE)", name)

    def show(self) -> bool:
        """The table; whether all is well."""
        rows = {
            "kills survived": sum(self._kinds.values()),
            **{f"  {kind}": figure for kind, figure in self._kinds.items()},
            **self._figures,
            "largest process, MiB": self._peak // 1024,
            "rules broken": len(self._broken),
        }
        print("\n" + "\n".join(f"{name:<28}{figure:>9,}" for name, figure in rows.items()))
        return not self._broken


def _show_progress(around: Surroundings) -> None:
    taken = sum(record.taken for record in around.senders.records)
    print(f"\r  {around.kills} kills of whole gateways, {taken} messages taken".ljust(78), end="", flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of campaigns; each ends with its account")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the dice; every run has its own")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with running_server() as server:
        soak = Soak(arguments.seed, arguments.minutes, server)
        asyncio.run(soak.run())
    sys.exit(not soak.show())


if __name__ == "__main__":
    main()
