"""Slices: many things cut into units of work, each small enough that others do not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

Item = TypeVar("Item")


def slices(sized: Iterable[tuple[Item, int]], *, most: int, octets: int) -> list[list[Item]]:
    """Of items with their octets: at most so many, and at most so many octets unless one item alone has more."""
    found: list[list[Item]] = []
    room = 0
    for item, size in sized:
        if not found or len(found[-1]) >= most or size > room:
            found.append([])
            room = octets
        found[-1].append(item)
        room -= size
    return found
