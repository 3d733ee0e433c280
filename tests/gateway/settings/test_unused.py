"""What this version does not obey yet is named when somebody sets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import ConfigurationError
from gateway.settings import example_values, refuse_false_safety, without_effect
from gateway.settings.schema import keys_of, sections
from gateway.settings.unused import NOT_OBEYED_YET

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.configurations import Reader


def test_a_usual_configuration_sets_nothing_without_effect(read: Reader) -> None:
    assert without_effect(read()) == ()


def test_a_key_without_effect_is_named(read: Reader) -> None:
    settings = read('[metrics]\nlisten = "127.0.0.1:9"\n[console]\nlisten = "127.0.0.1:8"')
    assert without_effect(settings) == ("console.listen",)


def test_names_and_contacts_of_the_example_are_noticed(read: Reader) -> None:
    settings = read('[agency]\nname_en = "the Town Police"\ncontact_phone = ""')
    assert example_values(settings) == (
        "agency.name_fr",
        "agency.contact_email",
        "agency.consular_email",
        "agency.consular_phone",
    )


def test_only_keys_that_exist_are_named() -> None:
    known = {section.name: {spec.name for spec in keys_of(section.fields)} for section in sections()}
    assert all(set(keys) <= known[name] for name, keys in NOT_OBEYED_YET.items())


def test_encryption_that_would_not_happen_is_refused(read: Reader, tmp_path: Path) -> None:
    (tmp_path / "ildc.pem").touch()
    with pytest.raises(ConfigurationError, match="not encrypted yet"):
        refuse_false_safety(read('[collation]\nsmime_certificate = "ildc.pem"'))
