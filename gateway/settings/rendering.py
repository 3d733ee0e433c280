"""Writes the annotated configuration file from the tree, so that the file and the code can't drift apart.

Returns text; whoever asks writes it somewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from filters.disposition import DEFAULT_POLICY, Tier
from gateway.settings.schema import KeySpec, Section, keys_of, plain, sections
from gateway.settings.tree import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.settings.key import Plain

    KeyName = tuple[str, str]
    """Table and key; the table of what stands at the top is ""."""

_COMMENT_COLUMN = 46
_SHOWN_TIER = Tier.CONFIRMED
"""The one `[policy.TIER]` that stands in the file, for all."""
_PREAMBLE = """\
# Liaison Gateway: its configuration, with every key. Where a line is left out, the default holds.
# LIAISON_SECTION__KEY in the environment goes above the file and holds a TOML literal: LIAISON_SMTP__WORKERS=2,
# LIAISON_MODE='"assist"'. Relative paths start at this file's directory. `liaison check` tells what is wrong here.
"""
_EXAMPLES = "# The names, addresses and endpoints below are examples: replace them.\n"
_ANSWERS = "# Lines that begin with # are defaults, or examples of what has none: take the # away to change one.\n"


def render_defaults() -> str:
    """The text of config/gateway.toml: every key with its default, or an example of what has no useful one."""
    return _render(_EXAMPLES, None)


def render_answers(answers: Mapping[KeyName, Plain]) -> str:
    """The same file, in which only what was answered, and what has no default, is in force."""
    return _render(_ANSWERS, answers)


def _render(remark: str, answers: Mapping[KeyName, Plain] | None) -> str:
    blocks = [_PREAMBLE + remark, _lines(Settings, None, "", answers)]
    for section in sections():
        title = f"{_commented(header(section.name, _SHOWN_TIER.value), section.comment)}\n"
        blocks.append(title + _lines(section.fields, _cells(section), section.name, answers))
    return "\n".join(blocks)


def header(name: str, tier: str = "TIER") -> str:
    """The header line of a table."""
    return {"route": "[[route]]", "policy": f"[policy.{tier}]"}.get(name, f"[{name}]")


def literal(value: Plain) -> str:
    """The value in TOML; every string becomes a basic one, which JSON's escapes are a part of."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return '""'
        case int() | float():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Sequence():
            return f"[{', '.join(literal(item) for item in value)}]"


def _cells(section: Section) -> object:
    """What the values are taken from where they are not the class's defaults."""
    return DEFAULT_POLICY[_SHOWN_TIER] if section.name == "policy" else None


def _lines(fields: type, values: object, section: str, answers: Mapping[KeyName, Plain] | None) -> str:
    lines: list[str] = []
    for spec in keys_of(fields):
        name = (section, spec.name)
        default = spec.default if values is None else getattr(values, spec.attribute)
        shown = plain(default) if spec.key.shown is None else spec.key.shown
        if answers is None or name in answers or spec.is_required:
            lines += _assignment(spec, (answers or {}).get(name, shown), "")
        else:
            lines += _assignment(spec, shown, "#")
    return "".join(f"{line}\n" for line in lines)


def _assignment(spec: KeySpec, value: Plain, mark: str) -> Iterator[str]:
    line = f"{mark}{spec.name} = {literal(value)}"
    if len(line) < _COMMENT_COLUMN or not spec.key.comment:
        yield _commented(line, spec.key.comment)
    else:  # a comment beside a long line would be read by nobody
        yield line
        yield _commented("", spec.key.comment)


def _commented(line: str, comment: str) -> str:
    return f"{line:<{_COMMENT_COLUMN}}# {comment}" if comment else line
