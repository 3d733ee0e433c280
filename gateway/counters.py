"""Counters: whole numbers that are counted where something happens, and exported when monitoring asks.

A process counts in a slot of its own, so that an increment is one addition in memory, without a lock. The slots of a
service and of its SMTP workers lie in one anonymous memory, which a worker is handed by file descriptor; whoever
exports adds the slots up. A worker in the place of one that died goes on in its slot: no total ever falls.

What is declared here is the whole vocabulary: nothing that a stranger wrote becomes a name or a label. Counting is
the event loop's alone, never a thread's. Process-wide, like the log.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Self

from filters.disposition import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0)
"""Seconds: the upper bounds of the histogram's buckets; one more has none."""


class Kind(Enum):
    """What the cells of a family are."""

    COUNTER = "counter"
    GAUGE = "gauge"
    """How many there are now: it goes with the process that counted it."""
    HISTOGRAM = "histogram"
    """A cell for each bucket, and one for the sum in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric. Its cells stand side by side from `first` on, one for each row of label values."""

    name: str
    says: str
    kind: Kind
    labels: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first: int


_laid_out: list[Family] = []


def _family(name: str, says: str, *, kind: Kind = Kind.COUNTER, **labels: tuple[str, ...]) -> range:
    """Lay out a cell for every combination of label values, behind those that stand already; their indices."""
    first = _laid_out[-1].first + len(_laid_out[-1].rows) if _laid_out else 0
    rows = tuple(product(*labels.values()))
    _laid_out.append(Family(name=name, says=says, kind=kind, labels=tuple(labels), rows=rows, first=first))
    return range(first, first + len(rows))


# --- what is counted --------------------------------------------------------------------------------------------------

(CONNECTIONS_ACCEPTED,) = _family("liaison_smtp_connections", "SMTP connections that were let in")
CONNECTIONS_FULL, CONNECTIONS_FULL_FOR_CLIENT, CONNECTIONS_STOPPING = _family(
    "liaison_smtp_connections_refused",
    "SMTP connections that were turned away: too many in all, too many from one client, the gateway stops",
    reason=("in_all", "per_client", "stopping"),
)
(CONNECTIONS_OPEN,) = _family("liaison_smtp_connections_open", "SMTP connections that are open now", kind=Kind.GAUGE)
SESSIONS_SECURED, SESSIONS_NOT_SECURED = _family(
    "liaison_smtp_tls_handshakes", "TLS handshakes with clients, by how they ended", result=("done", "failed")
)
(PROTOCOL_VIOLATIONS,) = _family(
    "liaison_smtp_protocol_violations", "Connections that were closed because the client did what no honest one does"
)

_CLASSES = ("2xx", "4xx", "5xx")
_TRANSACTIONS = _family(
    "liaison_smtp_transactions",
    "Mail transactions that ended, by tier and by the class of the reply; abandoned where no reply was due",
    tier=tuple(tier.value for tier in Tier),
    reply=("abandoned", *_CLASSES),
)
_RECIPIENTS = _family("liaison_smtp_recipients", "Answers to RCPT, by class", reply=_CLASSES)
(MESSAGE_OCTETS,) = _family("liaison_smtp_message_bytes", "Octets of messages that came in as far as their final dot")
_ANSWERS = _family(
    "liaison_smtp_answer_seconds",
    "Seconds from the final dot to the answer",
    kind=Kind.HISTOGRAM,
    le=(*map(str, BOUNDS), "+Inf", "sum"),
)
(FIELDS_REMOVED,) = _family("liaison_fields_removed", "Header fields that only the gateway may write, taken out")

NEXT_HOP_OPENED, NEXT_HOP_FAILED = _family(
    "liaison_next_hop_connections", "Attempts to connect to a next hop, by how they ended", result=("opened", "failed")
)

(SCREENING_FAILURES,) = _family("liaison_screening_failures", "Messages whose screening raised")
(VERIFICATION_FAILURES,) = _family("liaison_verification_failures", "Messages whose sender authentication raised")
(STORE_FAILURES,) = _family("liaison_store_failures", "Times that the database could not be read or written")
(FAULTS,) = _family("liaison_faults", "Exceptions in the gateway's own machinery")
(LOG_LINES_LOST,) = _family("liaison_log_lines_lost", "Log lines that could not be written")
(WORKERS_DIED,) = _family("liaison_workers_died", "SMTP worker processes that ended without being told to")

_PURPOSES = ("decline", "report", "notice", "release", "digest", "retraction", "amendment", "acknowledgement")
_OUTCOMES = ("sent", "try_later", "refused", "uncertain", "not_ours")
_ATTEMPTS = _family(
    "liaison_outbox_attempts",
    "Attempts to send a mail that the gateway wrote, by how they ended",
    purpose=_PURPOSES,
    outcome=_OUTCOMES,
)

FAMILIES = tuple(_laid_out)
CELLS = FAMILIES[-1].first + len(FAMILIES[-1].rows)
_STRIDE = -(-CELLS // 8) * 8
"""Cells from one slot to the next: no two processes write to one line of the processor's cache."""
_WIDTH = 8
"""Octets of a cell."""


# --- where they stand -------------------------------------------------------------------------------------------------


class Slots:
    """The slots of one service, in anonymous memory. Number 0 is the service's own, then each worker has one."""

    def __init__(self, descriptor: int) -> None:
        """Map the memory behind this file descriptor, which is the caller's to close."""
        self.descriptor = descriptor
        self._cells = memoryview(mmap.mmap(descriptor, 0)).cast("q")

    @classmethod
    def new(cls, count: int) -> Self:
        """Zeros for that many processes."""
        descriptor = os.memfd_create("liaison-counters")
        os.ftruncate(descriptor, count * _STRIDE * _WIDTH)
        return cls(descriptor)

    def slot(self, number: int) -> memoryview[int]:
        """The cells of one process."""
        return self._cells[number * _STRIDE : number * _STRIDE + CELLS]

    def totals(self) -> list[int]:
        """Each cell, added up over all slots."""
        whole = self._cells.tolist()
        return [sum(whole[cell::_STRIDE]) for cell in range(CELLS)]

    def vacate(self, number: int) -> None:
        """Its process is gone, and what was open there with it."""
        slot = self.slot(number)
        for family in FAMILIES:
            if family.kind is Kind.GAUGE:
                slot[family.first] = 0

    def close(self) -> None:
        """Nobody is handed the memory any more. It stays for as long as somebody counts there."""
        os.close(self.descriptor)


class _Here:
    """Where this process counts: for itself alone, until it serves."""

    cells: memoryview[int] = memoryview(bytearray(CELLS * _WIDTH)).cast("q")


def begin(count: int) -> Slots:
    """New slots for `count` processes; from now on this one counts in the first of them."""
    slots = Slots.new(count)
    _Here.cells = slots.slot(0)
    return slots


def join(descriptor: int, number: int) -> None:
    """From now on this process counts in that slot of a parent's memory."""
    slots = Slots(descriptor)
    _Here.cells = slots.slot(number)
    slots.close()


# --- counting ---------------------------------------------------------------------------------------------------------


def count(cell: int, by: int = 1) -> None:
    """Count one more, or `by`."""
    _Here.cells[cell] += by


_FIRST_OF_TIER: Mapping[str, int] = {
    tier.value: _TRANSACTIONS[number * (1 + len(_CLASSES))] for number, tier in enumerate(Tier)
}
_CLASS = (0, 0, 1, 0, 2, 3)
"""By the first digit of a code: how far the cell is behind that of abandoned ones."""
_ATTEMPT: Mapping[tuple[str, str], int] = dict(zip(product(_PURPOSES, _OUTCOMES), _ATTEMPTS, strict=True))


def count_transaction(tier: str, code: int) -> None:
    """A mail transaction ended; `code` 0 where no reply was due."""
    _Here.cells[_FIRST_OF_TIER[tier] + _CLASS[code // 100]] += 1


def count_recipient(code: int) -> None:
    """RCPT was answered with this code: 2yz, 4yz or 5yz."""
    _Here.cells[_RECIPIENTS.start + _CLASS[code // 100] - 1] += 1


def count_answer(seconds: float) -> None:
    """The final dot was answered after so long."""
    cells = _Here.cells
    cells[_ANSWERS.start + bisect_left(BOUNDS, seconds)] += 1
    cells[_ANSWERS.stop - 1] += int(seconds * 1_000_000)


def count_attempt(purpose: str, outcome: str) -> None:
    """An outbox item was tried."""
    _Here.cells[_ATTEMPT[purpose, outcome]] += 1
