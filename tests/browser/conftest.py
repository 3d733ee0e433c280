"""The browser, for every test of this directory, and its event loop: fixtures that await need `loop_scope="session"`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.browser import browser, executable, page, recorder
from tests.support.furnished import Furnished, furnished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["browser", "executable", "page", "recorder"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console() -> AsyncIterator[Furnished]:
    """With what the demo leaves, for every test that only looks."""
    async with furnished() as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of this directory run in the loop of the browser, which is started once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
