"""The recipes as docs/recipes.md has them, and what stands in them, moved to this machine's loopback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from bench.relays import free_port
from tests.support.checkout import document

SENDER = "127.0.0.77"
"""Where the trial's sender writes from: an address that nothing else here has."""


Recipe = Mapping[str, str]
"""One section: its fragments, by what their fences are labelled with."""


@cache
def recipes() -> Mapping[str, Recipe]:
    """All that have configuration, by title."""
    found = {}
    for section in re.split(r"^## ", document("docs/recipes.md"), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        fragments = dict(re.findall(r"^```(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        if fragments:
            found[title] = fragments
    return found


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything is: what senders reach first, the gateway, Postfix's second listener, monitoring, the sink."""

    front: int
    gateway: int
    back: int
    metrics: int
    sink: int

    @classmethod
    def free(cls, sink: int) -> Ports:
        """Of this moment."""
        return cls(free_port(), free_port(), free_port(), free_port(), sink)


def moved(text: str, ports: Ports, *, mail_server: int) -> str:
    """A fragment with this machine's ports, and loopback for every address. Nothing else is changed."""
    replacements = (
        (r"^smtp +inet", f"127.0.0.1:{ports.front} inet"),
        (r"bind :25\b", f"bind 127.0.0.1:{ports.front}"),
        (r"node1:2525", f"127.0.0.1:{ports.gateway}"),
        (r"^.*node2.*\n", ""),
        (r"\bport 9025", f"port {ports.metrics}"),
        (r"192\.0\.2\.10:9025", f"127.0.0.1:{ports.metrics}"),
        (r"(0\.0\.0\.0|192\.0\.2\.10):25\b", f"127.0.0.1:{ports.gateway}"),
        (r"\[192\.0\.2\.10\]:25\b", f"[127.0.0.1]:{ports.gateway}"),
        (r"192\.0\.2\.20:25\b", f"127.0.0.1:{mail_server}"),
        (r"\b10025\b", str(ports.gateway)),
        (r"\b10026\b", str(ports.back)),
        (r"192\.0\.2\.(5|10)\b", "127.0.0.1"),
    )
    for pattern, replacement in replacements:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
