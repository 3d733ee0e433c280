"""How long records staff wait for lists, searches and numbers, with as many cases as an agency has after years.

    .venv/bin/python -m bench.listing                       # 100,000 cases, on SQLite and on PostgreSQL
    .venv/bin/python -m bench.listing --cases 10000 --sqlite
    .venv/bin/python -m bench.listing --keep DIRECTORY      # SQLite only; the database stays there, for `liaison serve`

Each question is asked seven times; what is told, in milliseconds, is the median, the longest, and the median of
the processor time of this process: where the machine has other work to do, that is what the question itself costs on
SQLite (PostgreSQL's own is not in it).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from bench.many_cases import NEWEST, write_cases
from filters.disposition import Tier
from gateway.model.audit import AuditFilter
from gateway.model.case import ActionState, CaseStatus, DeliveryState
from gateway.model.case_list import EVERY_CASE, CaseFilter, CaseOrder
from gateway.operations.auditing import Auditing
from gateway.operations.browsing import Browsing
from gateway.operations.statistics import Statistics
from gateway.store.sealing import Seal
from gateway.store.unit_of_work import Store
from tests.support.clocks import StoppedClock
from tests.support.databases import running_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

TIMES = 7
OPEN = CaseFilter(status=CaseStatus.OPEN)
LISTS: dict[str, tuple[CaseFilter, CaseOrder, int]] = {
    "list, everything": (EVERY_CASE, CaseOrder.NEWEST, 1),
    "list, open": (OPEN, CaseOrder.NEWEST, 1),
    "list, open, oldest first": (OPEN, CaseOrder.OLDEST, 1),
    "list, last page": (EVERY_CASE, CaseOrder.NEWEST, 10**9),
    "list, by tier": (EVERY_CASE, CaseOrder.TIER, 1),
    "list, open and held": (CaseFilter(status=CaseStatus.OPEN, delivery=DeliveryState.HELD), CaseOrder.NEWEST, 1),
    "list, open and held, oldest first": (
        CaseFilter(status=CaseStatus.OPEN, delivery=DeliveryState.HELD),
        CaseOrder.OLDEST,
        1,
    ),
    "list, refused (none)": (CaseFilter(delivery=DeliveryState.REFUSED), CaseOrder.NEWEST, 1),
    "list, suspects of nobody": (CaseFilter(tier=Tier.SUSPECT, assigned_to=""), CaseOrder.NEWEST, 1),
    "list, failed reports": (CaseFilter(report=ActionState.FAILED), CaseOrder.NEWEST, 1),
    "list, one mission in one month": (
        CaseFilter(mission="Mission 7", since=NEWEST.replace(month=7), until=NEWEST.replace(month=8)),
        CaseOrder.NEWEST,
        1,
    ),
    "search, one sender": (CaseFilter(words=("office7@mission7.example",)), CaseOrder.NEWEST, 1),
    "search, two common words": (CaseFilter(words=("meeting", "visit")), CaseOrder.NEWEST, 1),
    "search, in everything": (CaseFilter(words=("police",)), CaseOrder.NEWEST, 1),
    "search, in everything, the last page": (CaseFilter(words=("police",)), CaseOrder.NEWEST, 10**9),
    "search, in everything, open": (CaseFilter(status=CaseStatus.OPEN, words=("police",)), CaseOrder.NEWEST, 1),
    "search, nothing found": (CaseFilter(words=("nobody-wrote-this",)), CaseOrder.NEWEST, 1),
    "search, held of one mission": (
        CaseFilter(mission="Mission 7", delivery=DeliveryState.HELD, words=("meeting",)),
        CaseOrder.NEWEST,
        1,
    ),
}
AUDIT: dict[str, AuditFilter] = {
    "newest": AuditFilter(),
    "of one person": AuditFilter(actor="console:alice"),
    "one action in one month": AuditFilter(
        action="case-handled", since=NEWEST.replace(month=3), until=NEWEST.replace(month=4)
    ),
    "until a year ago": AuditFilter(until=NEWEST.replace(year=NEWEST.year - 1)),
    "who never did that": AuditFilter(actor="console:alice", action="report-sent"),
}


async def measure(url: str) -> None:
    """Print a line for each question."""
    store = Store.open(url, Seal(), StoppedClock())
    browsing = Browsing(store=store)
    for name, (wanted, order, page) in LISTS.items():
        await _tell(name, lambda wanted=wanted, order=order, page=page: browsing.page(wanted, order, number=page))  # type: ignore[misc]
    await _tell_the_next(browsing)
    await _tell("what needs a person", browsing.needs)
    await _tell("newest ten", lambda: browsing.newest(10))
    await _tell("missions of the filter", browsing.missions)
    await _measure_the_office(store)
    await store.close()


async def _tell_the_next(browsing: Browsing) -> None:
    """After a verb, from the middle of all cases; "no list" for who came from none."""
    middle = (await browsing.page(EVERY_CASE, number=1000)).lines[0].reference
    lists = {
        "everything": EVERY_CASE,
        "held": CaseFilter(delivery=DeliveryState.HELD),
        "a search": CaseFilter(words=("meeting", "visit")),
        "nothing found": CaseFilter(words=("nobody-wrote-this",)),
        "no list": None,
    }
    for name, listed in lists.items():
        for order in CaseOrder if listed else (CaseOrder.OLDEST,):
            await _tell(
                f"next, {name}, {order}",
                lambda listed=listed, order=order: browsing.next_open(listed, order, after=middle),  # type: ignore[misc]
            )


async def _measure_the_office(store: Store) -> None:
    """Statistics, what waits, and the audit log."""
    numbers, auditing = Statistics(store=store, clock=StoppedClock(NEWEST)), Auditing(store=store)
    for months in (13, 60):
        await _tell(f"statistics, {months} months", lambda months=months: numbers.contacts(months, UTC))  # type: ignore[misc]
    await _tell("what waits, for the health strip", lambda: _backlog(store))
    for name, wanted in AUDIT.items():
        await _tell(f"audit, {name}", lambda wanted=wanted: auditing.page(wanted))  # type: ignore[misc]
    await _tell("audit, actors and actions", auditing.words)


async def _backlog(store: Store) -> None:
    async with store.reading() as work:
        await work.backlogs.backlog()


async def _tell(name: str, ask: Callable[[], Awaitable[object]]) -> None:
    took, busy = [], []
    for _ in range(TIMES):
        began, busy_before = time.perf_counter(), time.process_time()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - busy_before) * 1000)
    print(f"  {name:40} {statistics.median(took):7.1f} {max(took):7.1f} {statistics.median(busy):7.1f}")


async def fill(url: str, number: int, share: float) -> None:
    """Make the tables, and write so many cases."""
    store = Store.open(url, Seal(), StoppedClock())
    await store.upgrade()
    await store.close()
    began = time.perf_counter()
    await write_cases(url, number, open_share=share)
    print(f"  {number} cases, written in {time.perf_counter() - began:.0f} s")


async def _run(url: str, number: int, share: float) -> None:
    await fill(url, number, share)
    await measure(url)


@contextmanager
def databases(arguments: argparse.Namespace) -> Iterator[list[tuple[str, str]]]:
    """Name and URL of each that the arguments ask for, empty."""
    with tempfile.TemporaryDirectory() as directory, running_server() as server:
        found = []
        if not arguments.postgresql:
            found.append(("SQLite", f"sqlite:///{Path(arguments.keep or directory).absolute()}/liaison.db"))
        if not arguments.sqlite and not arguments.keep:
            server.run("CREATE DATABASE liaison_listing")
            found.append(("PostgreSQL", server.url("liaison_listing")))
        yield found


def wishes(description: str) -> argparse.Namespace:
    """The arguments: how many cases, on which databases."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--open", type=float, default=0.5, metavar="SHARE", help="the share that is open")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite only")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL only")
    parser.add_argument("--keep", metavar="DIRECTORY", help="leave the SQLite database there")
    return parser.parse_args()


def main() -> None:
    """Measure what the arguments ask for."""
    arguments = wishes(__doc__ or "")
    with databases(arguments) as found:
        for name, url in found:
            print(f"{name}: {'median':>35} {'longest':>7} {'busy':>7}")
            asyncio.run(_run(url, arguments.cases, arguments.open))


if __name__ == "__main__":
    main()
