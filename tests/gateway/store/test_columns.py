from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from gateway.store.columns import UtcDateTime, storable

if TYPE_CHECKING:
    from sqlalchemy import Dialect

SQLITE, POSTGRESQL = (make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql+psycopg"))
DIALECTS = pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
EASTERN = datetime(2026, 5, 4, 8, 30, 0, 1, tzinfo=timezone(timedelta(hours=-4)))


@DIALECTS
def test_a_naive_moment_is_refused(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 5, 4), dialect)  # noqa: DTZ001 -- the naive one


@DIALECTS
def test_a_moment_comes_back_in_utc(dialect: Dialect) -> None:
    moment = UtcDateTime().process_result_value(UtcDateTime().process_bind_param(EASTERN, dialect), dialect)
    assert moment == EASTERN
    assert moment is not None
    assert moment.tzinfo is UTC


def test_a_moment_in_the_sessions_time_zone_comes_back_in_utc() -> None:
    moment = UtcDateTime().process_result_value(EASTERN, POSTGRESQL)
    assert moment is not None
    assert moment.isoformat() == "2026-05-04T12:30:00.000001+00:00"


@pytest.mark.parametrize(
    ("text", "stored"),
    [("plain", "plain"), ("中文", "中文"), ("a\x00b", "a\ufffdb"), ("\udcff", "\ufffd"), ("\U0001f600", "\U0001f600")],
)
def test_text_that_no_database_takes_is_replaced(text: str, stored: str) -> None:
    assert storable(text) == stored
