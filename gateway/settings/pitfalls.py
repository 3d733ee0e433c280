"""What runs and should not stay so: names that are still the example's, and keys that would lull somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from gateway.settings.tree import Settings

CONTACTS = ("name_en", "name_fr", "contact_email", "contact_phone", "consular_email", "consular_phone")
"""What our mail tells its readers of the agency."""


def example_values(settings: Settings) -> tuple[str, ...]:
    """Keys of `[agency]` that still have the example's value: real people would be told to call it."""
    example = type(settings.agency)()
    return tuple(f"agency.{key}" for key in CONTACTS if getattr(settings.agency, key) == getattr(example, key))


def refuse_false_safety(settings: Settings) -> None:
    """ConfigurationError for a key whose silence would harm: who sets it relies on it."""
    if settings.collation.smime_certificate is not None:
        wrong = "collation.smime_certificate: reports are not encrypted yet, and would leave without it"
        mend = "take the key out, and let [collation] tls and a smarthost that you trust protect them"
        raise ConfigurationError([f"{wrong}; {mend}"])
