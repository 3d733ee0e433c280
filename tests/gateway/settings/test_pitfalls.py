"""What runs and should not stay so is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.settings import example_values

if TYPE_CHECKING:
    from tests.support.configurations import Reader


def test_names_and_contacts_of_the_example_are_noticed(read: Reader) -> None:
    settings = read('[agency]\nname_en = "the Town Police"\ncontact_phone = ""')
    assert example_values(settings) == (
        "agency.name_fr",
        "agency.contact_email",
        "agency.consular_email",
        "agency.consular_phone",
    )
