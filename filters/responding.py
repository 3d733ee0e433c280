"""May a decline be sent at all? RFC 3834 §2, §4; RFC 5321 §4.5.5. Each clause one function, its reason in words.

(to be completed; signatures are fixed)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from filters.address import Mailbox
    from filters.content import Header
    from filters.lists import ListEntry


def hard_objections(
    reverse_path: Mailbox,
    header: Header,
    entries: tuple[ListEntry, ...],
    own_domains: frozenset[str],
    is_own_token: Callable[[str], bool],
) -> tuple[str, ...]:
    """Why no decline may ever go to this reverse-path, in words; empty: nothing stands against it."""
    raise NotImplementedError
