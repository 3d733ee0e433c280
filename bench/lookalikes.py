"""How precise look-alikes are: recall on generated ones, and false alarms on a list of popular domains.

    .venv/bin/python -m bench.lookalikes [POPULAR.csv]

POPULAR.csv has lines "rank,domain" (Tranco, Cisco Umbrella and Majestic publish such lists), or domains alone.
"""

from __future__ import annotations

import sys
import time
from itertools import combinations
from pathlib import Path

from filters.lists import EntryKind
from filters.lookalike import LookAlikes
from filters.packs import parse_pack

PACK = Path(__file__).parents[1] / "config" / "senders" / "prc.toml"
SWAPS = {
    "o": "0οо",
    "l": "1ǀ",
    "s": "5ѕś",
    "m": ("rn", "ḿ"),
    "w": ("vv", "ѡ"),
    "a": "аά",
    "e": "еé",
    "c": "сç",
    "i": "іï",
    "p": "рṗ",
    "n": "ոñ",
    "u": "υü",
}
"""A letter and what attackers write for it: other scripts, digits, two letters, accents."""


def generated(domain: str) -> set[str]:
    """Every variant with one or two letters swapped."""
    places = [(at, swap) for at, letter in enumerate(domain) for swap in SWAPS.get(letter, ())]
    found = set()
    for chosen in [*combinations(places, 1), *combinations(places, 2)]:
        if len({at for at, _ in chosen}) == len(chosen):
            letters = list(domain)
            for at, swap in chosen:
                letters[at] = swap
            found.add("".join(letters))
    return found


def main() -> None:
    """Print recall, false alarms, and the cost of one question."""
    entries, _ = parse_pack(PACK.read_text(encoding="utf-8"), "prc")
    looks = LookAlikes(entries)
    domains = [entry.value for entry in entries if entry.kind in {EntryKind.DOMAIN, EntryKind.SUBTREE}]
    variants = {variant for domain in domains for variant in generated(domain)}
    missed = sorted(variant for variant in variants if looks.domain(variant) is None)
    print(f"{len(domains)} listed domains, {len(variants)} generated look-alikes, {len(missed)} missed {missed[:5]}")
    for name in sys.argv[1:]:
        lines = Path(name).read_text(encoding="utf-8").split()
        popular = [line.rpartition(",")[2] for line in lines]
        began = time.perf_counter()
        alarms = [domain for domain in popular if looks.domain(domain) is not None]
        spent = time.perf_counter() - began
        listed = [domain for domain in alarms if any(f".{domain}".endswith(f".{own}") for own in domains)]
        wrong = sorted(set(alarms) - set(listed))
        print(
            f"{len(popular)} popular domains: {len(listed)} listed, {len(wrong)} others called look-alikes {wrong[:10]}"
        )
        print(f"{spent / len(popular) * 1e6:.1f} microseconds for each question")


if __name__ == "__main__":
    main()
