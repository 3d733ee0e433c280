"""The lenient readings of an originator field: every address-like token that some reader could take for the sender.

Decision 5: any plausible reading flags. Never decides which reading is right, and never raises; every step is
linear in the length of the text, because whoever sends the text chooses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from filters.address import Mailbox, without_ignorable
from filters.encoded_words import decode_words

if TYPE_CHECKING:
    from collections.abc import Iterator

# Fullwidth and CJK punctuation ends a token as its ASCII form does: such text surrounds addresses in the wild.
_SEPARATORS = r"\s<>()\[\],;:\"\\，；：、（）＜＞《》〈〉「」【】“”‘’"
# The look-behind lets a token start at its first character only: without it a run without @ costs quadratic time.
_ADDRESS = re.compile(
    rf"(?<![^{_SEPARATORS}@])([^{_SEPARATORS}@]++)@([^{_SEPARATORS}!#-,/=?@^`{{|}}~]++|\[[^\[\]\s]*+\])"
    rf"|(\"[^\"@]*+\")@([^{_SEPARATORS}!#-,/=?@^`{{|}}~]++)"
)
_WHITE_SPACE = re.compile(r"[ \t\r\n]++")
_FOLD = re.compile(r"\r?\n[ \t]*+")
_INNERMOST_COMMENT = re.compile(r"\([^()]*+\)")
_DEEPEST_COMMENT = 8
_IN_ANGLES = re.compile(r"<[^<>]*+>")
_NAME_IN_BRACKETS = re.compile(r"\[(?=[^:]*[^0-9.:\]])[^:]+\]")
_MOST_TOKENS = 2000
"""Addresses looked at in one text; of more, the first and the last half. Nobody reads such a field as one sender's."""


def address_tokens(text: str) -> tuple[Mailbox, ...]:
    """Every address-like token of every form of the text, each once, in order of first appearance."""
    found = dict.fromkeys(
        (local_part or quoted, reading)
        for form in dict.fromkeys(_forms(text))
        if "@" in form
        for local_part, domain, quoted, other in _ADDRESS.findall(form)
        for reading in _readings(domain or other)
    )
    tokens = list(found)
    if len(tokens) > _MOST_TOKENS:
        tokens = tokens[: _MOST_TOKENS // 2] + tokens[-_MOST_TOKENS // 2 :]
    # Outlook writes display names like 'a@b.example': the apostrophes are no part of the address.
    return tuple(Mailbox(local_part.lstrip("'`") or local_part, domain) for local_part, domain in tokens)


def _readings(domain: str) -> tuple[str, ...]:
    """Brackets are for numbers (RFC 5321 §4.1.3): with a name in them, a person reads the name."""
    return (domain, domain[1:-1]) if _NAME_IN_BRACKETS.fullmatch(domain) else (domain,)


def _forms(text: str) -> Iterator[str]:
    """As it stands and with encoded-words decoded, whole and cut at a NUL, folded and joined."""
    for decoded in (text, decode_words(text)):
        for cut in (decoded, decoded.partition("\0")[0]):
            yield _plain(cut)
            yield _joined(cut)


def _plain(text: str) -> str:
    return without_ignorable(_WHITE_SPACE.sub(" ", text)).replace("\uff20", "@").replace("\ufe6b", "@")


def _joined(text: str) -> str:
    """Without comments, folds, and the white space that RFC 5322 §4.4 allows around dots and the @."""
    joined = _IN_ANGLES.sub(lambda angle: angle[0].replace(" ", ""), _plain(_without_comments(_FOLD.sub("", text))))
    for mark in ".@":
        joined = joined.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return joined


def _without_comments(text: str) -> str:
    for _ in range(_DEEPEST_COMMENT):
        text, removed = _INNERMOST_COMMENT.subn("", text)
        if not removed:
            break
    return text
