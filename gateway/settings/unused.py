"""Keys that the contract has and this version does not obey yet: set, they are named, never silently ignored.

It shrinks with every stage; the day it is empty it goes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.tree import Settings

NOT_OBEYED_YET: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "console": ("listen", "public_url"),
    }
)

CONTACTS = ("name_en", "name_fr", "contact_email", "contact_phone", "consular_email", "consular_phone")
"""What our mail tells its readers of the agency."""


def without_effect(settings: Settings) -> tuple[str, ...]:
    """The keys that are set to something else than their default, and do nothing yet."""
    found = []
    for name, keys in NOT_OBEYED_YET.items():
        section = getattr(settings, name)
        usual = type(section)()
        found += [f"{name}.{key}" for key in keys if getattr(section, key) != getattr(usual, key)]
    return tuple(found)


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
