"""The operations that records staff call, on a real store of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.desk import open_desk
from gateway.model.people import Role
from gateway.settings import load
from gateway.store.consistency import check_consistency
from tests.support.gateway import write_configuration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.desk import Desk
    from tests.support.clocks import StoppedClock


@pytest.fixture
def path(tmp_path: Path, database_url: str) -> Path:
    """Of the configuration."""
    return write_configuration(tmp_path, next_hop=2526, smarthost=None, url=database_url)


@pytest.fixture
async def desk(path: Path, clock: StoppedClock) -> AsyncIterator[Desk]:
    """With two people who may decide cases and one who may not; consistent at the end."""
    async with open_desk(load(path, {}), clock) as opened:
        for name, role in (("alice", Role.REVIEWER), ("benoit", Role.REVIEWER), ("olga", Role.OPERATOR)):
            await opened.peoplekeeping.add(name, "", [role], "correct horse battery 7", actor="test")
        yield opened
        assert await check_consistency(opened.store) == []
