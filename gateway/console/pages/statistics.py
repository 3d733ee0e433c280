"""Statistics: contacts by month, tier, kind and mission, and how long a decision took; each picture with its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.disposition import Tier
from gateway.console.doors import page
from gateway.console.numbers import whole_number
from gateway.console.words import KINDS, TIERS
from gateway.model.case import ContactKind
from gateway.model.people import Verb
from gateway.model.statistics import MOST_MONTHS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from starlette.responses import Response

    from gateway.console.visit import Visit
    from gateway.model.statistics import Contacts

CHOICES = (3, 12, 24, MOST_MONTHS)
_HEIGHT = 160
"""Of the bars, in the picture's own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a picture: where it stands, how high it is, and what it means."""

    x: float
    width: float
    y: float
    height: float
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Meter:
    """One line of a table whose numbers are drawn beside them: words, number, and per cent of the largest."""

    label: str
    number: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsPage:
    """The context of `statistics/statistics.html`."""

    contacts: Contacts
    tiers: Mapping[Tier, str]
    months: Sequence[date]
    by_month: tuple[Bar, ...]
    by_tier: tuple[Meter, ...]
    by_kind: tuple[Meter, ...]
    chosen: int
    choices: tuple[int, ...]
    height: int
    top: int
    """The number at the top of the picture."""


async def show(visit: Visit) -> Response:
    """The last months, this one included."""
    chosen = min(whole_number(visit.query("months")) or 12, MOST_MONTHS)
    contacts = await visit.office.statistics.contacts(chosen, visit.office.zone)
    months = contacts.months.days
    numbers = [contacts.of_month(day) for day in months]
    context = StatisticsPage(
        contacts=contacts,
        tiers=TIERS,
        months=months,
        by_month=_bars([f"{day:%Y-%m}" for day in months], numbers),
        by_tier=_meters([(TIERS[tier], contacts.of_tier(tier)) for tier in Tier if tier is not Tier.CLEAR]),
        by_kind=_meters([(KINDS[kind], contacts.of_kind(kind)) for kind in ContactKind]),
        chosen=chosen,
        choices=CHOICES,
        height=_HEIGHT,
        top=max(numbers, default=0),
    )
    return await visit.show("statistics/statistics.html", context)


def _bars(labels: list[str], numbers: list[int]) -> tuple[Bar, ...]:
    """Side by side over 600 units, the highest as high as the picture."""
    most, step = max([*numbers, 1]), 600 / max(len(numbers), 1)
    return tuple(
        Bar(
            x=round(place * step + step * 0.1, 2),
            width=round(step * 0.8, 2),
            y=round(_HEIGHT - _HEIGHT * number / most, 2),
            height=round(_HEIGHT * number / most, 2),
            label=label,
            number=number,
        )
        for place, (label, number) in enumerate(zip(labels, numbers, strict=True))
    )


def _meters(numbers: list[tuple[str, int]]) -> tuple[Meter, ...]:
    most = max(1, *(number for _, number in numbers))
    return tuple(Meter(label, number, 100 * number / most) for label, number in numbers)


ROUTES = [page("/statistics", show, Verb.SEE_STATISTICS)]
