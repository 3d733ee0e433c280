"""What runs and should not stay so is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import ConfigurationError
from gateway.settings import example_values, refuse_false_safety

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.configurations import Reader


def test_names_and_contacts_of_the_example_are_noticed(read: Reader) -> None:
    settings = read('[agency]\nname_en = "the Town Police"\ncontact_phone = ""')
    assert example_values(settings) == (
        "agency.name_fr",
        "agency.contact_email",
        "agency.consular_email",
        "agency.consular_phone",
    )


def test_encryption_that_would_not_happen_is_refused(read: Reader, tmp_path: Path) -> None:
    (tmp_path / "ildc.pem").touch()
    with pytest.raises(ConfigurationError, match="not encrypted yet"):
        refuse_false_safety(read('[collation]\nsmime_certificate = "ildc.pem"'))
