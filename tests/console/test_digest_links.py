"""The digest's links: each leads to a page that shows what was counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.model.lateness import Patience
from gateway.model.outbox import Purpose
from gateway.model.people import Role
from tests.console.test_case_page import arrived
from tests.console.test_correspondence import gateway, sent
from tests.scenarios.test_officer_intake import FROM_MISSION, INTAKE, OFFICER, forward, part

if TYPE_CHECKING:
    from tests.console.test_correspondence import Visit
    from tests.support.gateway import Running

__all__ = ["gateway"]


async def test_every_link_shows_the_cases_that_its_number_counts(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
    await sent(gateway, Purpose.REPORT)
    mail = f"From: analyst@ildc.example\r\nSubject: {reference}\r\n\r\nThanks.\r\n".encode()
    await gateway.send("analyst@ildc.example", ["desk@police.example"], mail)
    async with gateway.desk.store.reading() as work:
        digest = await work.digests.digest(SystemClock().now(), Patience())
    assert (digest.held, digest.forwards, digest.reports, digest.answers) == (1, 1, 1, 1)
    await gateway.desk.digests.write(actor="test:clerk")
    await sent(gateway, Purpose.DIGEST)
    (letter,) = [one for one in gateway.next_hop.messages if one.recipients == ["liaison@police.example"]]
    text = letter.content.decode().replace("=\r\n", "").replace("=3D", "=")
    english = re.sub(r"\r\n {4}(?!http)", " ", text.partition("-" * 70)[0])
    links = re.findall(r": (\d+)[^\r]*\r\n {4}http://127.0.0.1:8025(/[^\r]*)", english)
    assert len(links) >= 3
    anna = await visit(Role.ADMINISTRATOR)
    for number, path in links:
        await anna.get(path)
        assert anna.status == 200, path
        if path.startswith("/cases"):
            assert re.search(rf"\b{number} case", anna.text), path
