"""The change to another data key: everything that is stored under an older key, or under none, is sealed anew.

While the gateway runs: each slice is read, sealed in memory and put back in a unit of work of its own, where it has not
changed meanwhile. Who interrupts it loses nothing, and begins where it ended. It makes no key and removes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import RefusedError, SealError
from gateway.model.slicing import slices
from gateway.model.tracking import untracked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.model.tracking import Track
    from gateway.store.sealed_rows import Resealed, SealedRow
    from gateway.store.unit_of_work import Store

SLICE_ROWS = 100
SLICE_OCTETS = 4 * 1024 * 1024
"""Of a unit of work: what others wait for, and what stands in memory. A larger message is a slice of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """What came of it. `unopened` says for each row that could not be opened why; `in_use` counts rows by key."""

    done: int
    unopened: tuple[str, ...]
    in_use: dict[str, int]


@dataclass(frozen=True, slots=True)
class Rekeying:
    """`keys` are the ids of the key file, in its order: the first is the one to change to."""

    store: Store
    keys: tuple[str, ...]

    async def rekey(self, *, actor: str, track: Track = untracked) -> Rekeyed:
        """Seal everything with the first key. RefusedError without a key file."""
        if not self.keys:
            raise RefusedError("No data key is set")
        async with self.store.reading() as work:
            rows = await work.sealed_rows.not_under(frozenset(self.keys[:1]))
        done, unopened = 0, []
        sized = ((row, row.size) for row in rows)
        for part in track(slices(sized, most=SLICE_ROWS, octets=SLICE_OCTETS), "Encrypting"):
            resealed, failed = await self._opened(part)
            done += await self._put(resealed)
            unopened += failed
        async with self.store.begin() as work:
            in_use = await work.sealed_rows.keys_in_use()
            if done:
                await work.audit.append(actor, "data-key-changed", self.keys[0], {"count": str(done)})
        return Rekeyed(done=done, unopened=tuple(unopened), in_use=in_use)

    async def _opened(self, part: Iterable[SealedRow]) -> tuple[list[Resealed], list[str]]:
        """What can be put back, and why the others can't be opened."""
        resealed: list[Resealed] = []
        failed: list[str] = []
        async with self.store.reading() as work:
            for row in part:
                try:
                    one = await work.sealed_rows.reseal(row)
                except SealError as error:
                    failed.append(str(error))
                else:
                    resealed += [one] if one is not None else []
        return resealed, failed

    async def _put(self, resealed: list[Resealed]) -> int:
        async with self.store.begin() as work:
            return sum([await work.sealed_rows.put(one) for one in resealed])

    async def without_key(self, most: int) -> list[SealedRow]:
        """Rows that no key of the file opens, `most` of each kind or fewer."""
        async with self.store.reading() as work:
            return await work.sealed_rows.not_under(frozenset({"", *self.keys}), most)
