"""format=flowed text, with its paragraphs put together again (RFC 3676). Lines in, lines out; total, and linear."""

from __future__ import annotations

import re

_QUOTES = re.compile(r">*+")
_SIGNATURE = "-- "
"""Never part of a paragraph, though it ends in a space (RFC 3676 §4.3)."""


def reflowed(text: str, *, delete_space: bool = False) -> str:
    """Paragraphs on one line each, quotes behind their marks; `delete_space` is DelSp=yes (RFC 3676 §4.1).

    Lines end with LF, before and after. A paragraph ends where its depth changes, whatever it says (RFC 3676 §4.5).
    """
    lines: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        quotes, content = _unstuffed(line)
        if paragraph and (quotes != depth or content == _SIGNATURE):
            lines.append(_quoted(depth, paragraph))
            paragraph = []
        depth = quotes
        flows = content.endswith(" ") and content != _SIGNATURE
        paragraph.append(content[:-1] if flows and delete_space else content)
        if not flows:
            lines.append(_quoted(depth, paragraph))
            paragraph = []
    if paragraph:
        lines.append(_quoted(depth, paragraph))
    return "\n".join(lines)


def _unstuffed(line: str) -> tuple[int, str]:
    """How deep it is quoted, and what stands there without the space that was stuffed in (RFC 3676 §4.4)."""
    match = _QUOTES.match(line)
    depth = match.end() if match is not None else 0
    return depth, line[depth:].removeprefix(" ")


def _quoted(depth: int, paragraph: list[str]) -> str:
    return f"{'>' * depth} {''.join(paragraph)}" if depth else "".join(paragraph)
