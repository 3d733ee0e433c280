"""Documents that a command writes for people outside, in English or in French: the console's catalogue says them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

language_option = click.option(
    "--language",
    type=click.Choice(["en", "fr"]),
    default="en",
    show_default=True,
    help="The text's language; the JSON is the same in both.",
)


def tell_in(language: str) -> Callable[[str], str]:
    """What says a sentence in this language, its own values in it."""
    if language == "en":
        return str  # as the code has it: no catalogue is read
    from zoneinfo import ZoneInfo  # noqa: PLC0415 -- with the catalogue: only for French

    from gateway.console.languages import Words  # noqa: PLC0415

    return Words(language=language, zone=ZoneInfo("UTC")).say
