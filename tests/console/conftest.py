"""Fixtures of the pages: a gateway with a console on both databases, and people of each role who have signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.scenarios.conftest import next_hop, smarthost
from tests.support.gateway import running_gateway, write_configuration
from tests.support.visitors import Visitor, account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from gateway.model.people import Role
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

__all__ = ["next_hop", "smarthost"]

CONSOLE = 'listen = "127.0.0.1:0"\nsecond_factor = "optional"'


@pytest.fixture
async def gateway(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    """With pages; a password alone opens them."""
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=database_url, console=CONSOLE
    )
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


@pytest.fixture
async def visit(gateway: Running) -> AsyncIterator[Callable[..., Awaitable[Visitor]]]:
    """Somebody with these roles who has signed in: `await visit(Role.REVIEWER)`."""
    visitors: list[Visitor] = []

    async def arrive(*roles: Role, language: str = "en") -> Visitor:
        name = f"person{len(visitors)}"
        await account(gateway.desk, name, roles, language)
        visitors.append(Visitor(gateway.console, name, language))
        await visitors[-1].sign_in()
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        await visitor.client.aclose()


@pytest.fixture
async def stranger(gateway: Running) -> AsyncIterator[Visitor]:
    """Nobody has signed in."""
    async with Visitor(gateway.console) as visitor:
        yield visitor
