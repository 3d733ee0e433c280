from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from gateway.compose.moments import timestamp
from gateway.compose.text import ComposeError
from gateway.compose.values import Language, Mission, capitalized, with_de
from tests.support.correspondence import VOICE


@pytest.mark.parametrize(
    ("name", "after_de"),
    [
        ("le Service de police d'Exemple", "du Service de police d'Exemple"),
        ("Le Service de police", "du Service de police"),
        ("la Sûreté d'Exemple", "de la Sûreté d'Exemple"),
        ("l'Agence d'Exemple", "de l'Agence d'Exemple"),
        ("l’Agence d’Exemple", "de l’Agence d’Exemple"),
        ("L'Agence", "de l'Agence"),
        ("les Services d'Exemple", "des Services d'Exemple"),
        ("Police Exemple", "de Police Exemple"),
        ("Évangéline Police", "d'Évangéline Police"),
        ("Leduc Police", "de Leduc Police"),
        ("Lasalle Police", "de Lasalle Police"),
    ],
)
def test_french_contracts_de_with_the_article(name: str, after_de: str) -> None:
    assert with_de(name) == after_de


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("the Example Police Service", "The Example Police Service"),
        ("l'École de police", "L'École de police"),
        ("", ""),
    ],
)
def test_a_name_that_begins_a_sentence_has_its_first_letter_alone_capitalized(name: str, standing: str) -> None:
    assert capitalized(name) == standing


@pytest.mark.parametrize(
    "missing", ["hostname", "name_en", "name_fr", "contact_email", "ildc_address", "interpol_address", "collation_from"]
)
def test_nobody_writes_in_the_name_of_an_agency_without_names_and_addresses(missing: str) -> None:
    with pytest.raises(ComposeError, match=f"{missing} is empty"):
        replace(VOICE, **{missing: " "})  # type: ignore[arg-type]


@pytest.mark.parametrize("languages", [(), (Language.EN, Language.EN)])
def test_a_mail_has_each_language_once_and_at_least_one(languages: tuple[Language, ...]) -> None:
    with pytest.raises(ComposeError, match="language"):
        replace(VOICE, decline_languages=languages)


def test_the_agencys_name_stands_in_for_a_unit_that_has_none() -> None:
    variables = replace(VOICE, unit_en="", unit_fr="").variables()
    assert variables["unit_en"] == "The Example Police Service"
    assert variables["unit_fr"] == "Le Service de police d'Exemple"


def test_a_mission_is_named_in_the_other_language_rather_than_not_at_all() -> None:
    assert Mission("Embassy", "").named(Language.FR) == "Embassy"
    assert Mission("", "Ambassade").named(Language.EN) == "Ambassade"
    assert Mission("Embassy", "Ambassade").named(Language.FR) == "Ambassade"
    assert Mission().named(Language.EN) == ""


def test_times_are_told_in_utc_with_their_offset() -> None:
    local = datetime(2026, 3, 5, 9, 22, 5, 999, tzinfo=timezone(timedelta(hours=-5)))
    assert timestamp(local) == "2026-03-05 14:22:05 UTC"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ComposeError, match="time zone"):
        timestamp(datetime(2026, 3, 5))  # noqa: DTZ001 -- the point
