"""Several mails at once, where connections rest that the server has given up."""

from __future__ import annotations

import asyncio

from gateway.relay.mailing import OutcomeKind
from gateway.relay.outbound import Lines
from tests.gateway.relay.test_outbound import send, way_to
from tests.support.mta import DROP, ScriptedMTA


async def test_mails_that_find_the_same_resting_connections_dead_all_leave() -> None:
    mta = await ScriptedMTA().start()
    lines = Lines()
    first = await asyncio.gather(send(lines, way_to(mta)), send(lines, way_to(mta)))
    mta.script = lambda stage, link: DROP if link.number < 2 and stage.startswith("MAIL") else None
    then = await asyncio.gather(*(send(lines, way_to(mta)) for _ in range(3)))
    await lines.close()
    await mta.stop()
    assert len(mta.links) == 5, "two connections rested, and three are new"
    assert {outcome.kind for outcome in (*first, *then)} == {OutcomeKind.SENT}
