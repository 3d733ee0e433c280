"""The browser, for every test of this directory, and its event loop: fixtures that await need `loop_scope="session"`."""

from pathlib import Path

import pytest

from tests.support.browser import browser, executable, page, recorder

__all__ = ["browser", "executable", "page", "recorder"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of this directory run in the loop of the browser, which is started once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
