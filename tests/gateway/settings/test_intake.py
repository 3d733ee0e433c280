"""`[intake]`: an address that is nobody else's, and who may write to it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.configurations import Reader, Refusal


def test_networks_and_domains_stand_in_one_list(read: Reader) -> None:
    text = '[intake]\naddress = "i@a.example"\naccept_from = ["192.0.2.0/24", "2001:db8::1", "192.0.2.1", "Partner.example"]'
    assert read(text).intake.accept_from == (
        ip_network("192.0.2.0/24"),
        ip_network("2001:db8::1"),
        ip_network("192.0.2.1"),
        "partner.example",
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('address = "i@a.example"\naccept_from = ["192.0.2.1/24"]', "bits beyond its prefix"),
        ('address = "i@a.example"\naccept_from = ["*.example"]', "is a pattern"),
        ('accept_from = ["a.example"]', "intake.address is not"),
        ('address = "Liaison@police.example"', "agency.contact_email too, whose mail nobody would get"),
    ],
)
def test_what_could_not_work_is_refused(problems: Refusal, text: str, why: str) -> None:
    assert why in " ".join(problems(f"[intake]\n{text}"))
