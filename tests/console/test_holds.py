"""Legal holds on the pages: the verbs, the badge, the filter, and who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.people import Role
from tests.console.test_case_page import ON_ONE, arrived

if TYPE_CHECKING:
    from tests.console.test_case_page import Visit
    from tests.support.gateway import Running


async def test_a_hold_is_placed_seen_and_lifted(gateway: Running, visit: Visit) -> None:
    held, other = await arrived(gateway), await arrived(gateway, b"From: <consul@mission.example>\r\n\r\nanother\r\n")
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{held}")
    assert "Kept as reported mail Kept until for ever" in anna.text
    await anna.post(f"/cases/{held}/hold", reason="a lawsuit", ordered_by="counsel")
    assert anna.told == f"Done: {held} is on legal hold."
    assert "on legal hold" in anna.heading
    assert "a lawsuit Ordered by: counsel" in anna.text
    await anna.get("/cases?hold=yes")
    assert held in anna.page
    assert other not in anna.page
    await anna.get("/cases?hold=no")
    assert other in anna.page
    assert held not in anna.page
    await anna.get(f"/cases/{held}")
    await anna.post(f"/cases/{held}/unhold", hold="1", reason="settled")
    assert anna.told == f"Done: {held}: legal hold 1 is lifted."
    assert "on legal hold" not in anna.heading
    assert "legal hold lifted" in anna.text


@ON_ONE
async def test_a_hold_needs_a_reason_and_a_role(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna, otto = await visit(Role.REVIEWER), await visit(Role.AUDITOR)
    await anna.get(f"/cases/{reference}")
    await anna.post(f"/cases/{reference}/hold", reason=" ", ordered_by="")
    assert "A legal hold needs a reason" in anna.told
    await otto.get(f"/cases/{reference}")
    assert "Put on legal hold" not in otto.text
    await otto.post(f"/cases/{reference}/hold", reason="a lawsuit", ordered_by="")
    assert otto.status == 403
