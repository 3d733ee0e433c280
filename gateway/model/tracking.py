"""Long work that somebody watches: it goes through its items by way of a `Track`, which may show how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Item = TypeVar("Item")


class Track(Protocol):
    """Hands out the items in their order; `doing` says what is done with them, such as "Saving"."""

    def __call__(self, items: Sequence[Item], doing: str) -> Iterable[Item]:
        """The items."""
        ...


def untracked(items: Sequence[Item], doing: str) -> Iterable[Item]:  # noqa: ARG001 -- nobody watches
    """The items as they are."""
    return items
