"""Characters that nobody sees, or that turn their neighbours around: people see their code points instead."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def with_code_points(text: str, unseen: Collection[str]) -> str:
    """The text with `<U+XXXX>` in place of each character of these general categories. Never drops one."""
    if text.isprintable():  # nothing of what nobody sees is, and most text is
        return text
    return "".join(f"<U+{ord(one):04X}>" if unicodedata.category(one) in unseen else one for one in text)
