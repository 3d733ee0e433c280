"""What runs and should not stay so: names that are still the example's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings.tree import Settings

CONTACTS = ("name_en", "name_fr", "contact_email", "contact_phone", "consular_email", "consular_phone")
"""What our mail tells its readers of the agency."""


def example_values(settings: Settings) -> tuple[str, ...]:
    """Keys of `[agency]` that still have the example's value: real people would be told to call it."""
    example = type(settings.agency)()
    return tuple(f"agency.{key}" for key in CONTACTS if getattr(settings.agency, key) == getattr(example, key))
