"""Slices are bounded by their items and by their octets."""

from __future__ import annotations

from gateway.model.slicing import slices


def test_a_slice_is_bounded_by_items_and_by_octets_and_takes_a_large_one_alone() -> None:
    assert slices(enumerate([5, 5, 5, 100, 1, 1, 1, 1]), most=3, octets=10) == [[0, 1], [2], [3], [4, 5, 6], [7]]
    assert slices([], most=3, octets=10) == []
