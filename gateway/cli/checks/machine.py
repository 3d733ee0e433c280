"""The machine: its clock, and the room on its disks."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import tempfile
from typing import TYPE_CHECKING

from gateway.cli.checks.line import Line, problem, warning, well
from gateway.clock import SystemClock
from gateway.errors import StoreError
from gateway.foundation import open_store
from gateway.model.health import DISK_FULL
from gateway.operations.outbox import CLOCKS_AGREE

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store.unit_of_work import Store

UNSYNCHRONIZED = 5
"""What the kernel's clock answers while nobody keeps it right: TIME_ERROR (adjtimex(2))."""
_LARGEST_TIMEX = 512
"""Octets: more than the kernel's structure has on any machine. All zero, it asks and sets nothing."""
GIGABYTE = 1000**3
_NTP = "run a time service (chrony, systemd-timesyncd)"
_ROOM = "make room, or move it to another disk"


async def look_at_machine(settings: Settings) -> list[Line]:
    """All of it."""
    lines = [of_kernel_clock(kernel_clock())]
    store = open_store(settings, SystemClock())
    try:
        lines += await _with_store(store, settings.alerts.disk_free)
    finally:
        await store.close()
    lines.append(await asyncio.to_thread(_of_temporary_files, settings))
    return lines


def kernel_clock() -> int:
    """The state of the kernel's clock; negative where it does not say."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_LARGEST_TIMEX)))
    except (AttributeError, OSError):
        return -1


def of_kernel_clock(state: int) -> Line:
    """Signatures, leases and certificates are judged by the clock."""
    if state == UNSYNCHRONIZED:
        return warning("clock", "the kernel says that nobody keeps this machine's clock right", _NTP)
    if state < 0:
        return well("clock", "the kernel does not say whether the clock is kept right: in a container, ask its host")
    return well("clock", "the kernel says that the clock is kept right")


def of_database_clock(ahead: float) -> Line:
    """Leases go by each node's own clock."""
    if abs(ahead) > CLOCKS_AGREE:
        text = f"this machine's clock is {ahead:+.1f} s ahead of the database's"
        return problem("clock", text, f"{_NTP} on both")
    return well("clock", f"it agrees with the database's, within {max(abs(ahead), 0.1):.1f} s")


def of_disk(what: str, free: int, *, low: int, full: int) -> Line:
    """Octets that are free, and what is too little."""
    text = f"{what} has {free / GIGABYTE:.1f} GB free"
    if free < full:
        return problem("disk", text, _ROOM)
    return warning("disk", text, _ROOM) if free < low else well("disk", text)


async def _with_store(store: Store, low: int) -> list[Line]:
    lines = []
    try:
        if store.is_missing:
            return []
        lines.append(of_database_clock(await store.clock_ahead()))
        free = await asyncio.to_thread(store.disk_free)
    except (StoreError, OSError):
        return []  # the line about the database says it
    if free is not None:
        lines.append(of_disk("the database's directory", free, low=low, full=DISK_FULL))
    return lines


def _of_temporary_files(settings: Settings) -> Line:
    """Messages beyond 1 MiB lie there on their way."""
    most = settings.smtp.max_in_flight * settings.smtp.workers
    directory = tempfile.gettempdir()
    what = f"{directory}, for messages on their way (smtp.max_in_flight may need {most / GIGABYTE:.1f} GB),"
    return of_disk(what, shutil.disk_usage(directory).free, low=most, full=settings.smtp.max_message_size)
