"""A next hop that says anything at any stage, or leaves: what the client hears then, on real sockets.

Every command gets one well-formed reply; 250 to the content is said only where the next hop took it; a refusal for good
only where the next hop said one; and the next mail transaction with a next hop that behaves goes through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.scenarios.conftest import next_hop
from tests.support.monitoring import scrape
from tests.support.mta import DROP
from tests.support.passage import passage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.support.gateway import Running
    from tests.support.mta import Link, ScriptedMTA
    from tests.support.passage import Passage

__all__ = ["next_hop", "passage"]

WELL_FORMED = re.compile(r"(?:[245]\d\d-[245]\.\d{1,3}\.\d{1,3} [^\n]*\n)*[245]\d\d [245]\.\d{1,3}\.\d{1,3} [ -~]*")
STAGES = ("connect", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "octets", "content", "RSET")
ANSWERS = st.one_of(
    st.sampled_from([DROP, " ", "250", "250 ", "250-", "250-a\r\n250 b", "250-a\r\n550 b", "220 \x1b[2J", "354 go on", "999 no", "25", "hello", "250\u2028x", "é"]),
    st.sampled_from(["421 4.3.2 closing", "450 4.2.0 later", "451", "452 4.5.3 many", "500 what", "502", "503 5.5.1 order", "504", "550 5.1.1 nobody", "550 2.0.0 odd", "552", "554 5.7.1 <a@town.example>\r\n", "250 ok\r\n250 again", "200 x", "300 x", "600 x"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
)  # fmt: skip
CONTENT = b"From: a@town.example\r\n\r\ngood day\r\n"


class Hop:
    """What it says at each stage, the first time that it is asked or always."""

    def __init__(self, says: Mapping[str, str], *, once: bool) -> None:
        self._says, self._once = dict(says), once
        self.refused_for_good = False

    def __call__(self, stage: str, _link: Link) -> str | None:
        name = next((known for known in STAGES if stage.startswith(known)), "")
        answer = self._says.pop(name, None) if self._once else self._says.get(name)
        self.refused_for_good = self.refused_for_good or re.search(r"(?:^|\n)5", answer or "") is not None
        return answer


@pytest.fixture
async def front(passage: Passage) -> AsyncIterator[Running]:
    running = await passage.open(route="timeout = 1")
    yield running
    assert (await scrape(running.metrics)).total("liaison_faults_total") == 0


@example(says={"content": "250-a\r\n550 b"}, once=False)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(says=st.dictionaries(st.sampled_from(STAGES), ANSWERS, min_size=1, max_size=3), once=st.booleans())
async def test_the_client_hears_sense_whatever_the_next_hop_says(
    front: Running, says: dict[str, str], *, once: bool
) -> None:
    hop = front.next_hop
    hop.messages.clear()
    hop.script = script = Hop(says, once=once)
    heard = await _one_message(front)
    assert all(WELL_FORMED.fullmatch(reply) for reply in heard), heard
    if not script.refused_for_good:
        assert not any(reply.startswith("5") for reply in heard), heard
    if heard[-1].startswith("2"):
        assert len(hop.messages) == 1 and hop.messages[0].behind_received == CONTENT
    await _behaves_again(front, hop)


async def _one_message(front: Running) -> list[str]:
    """The replies to MAIL, RCPT and, if there was a recipient, the content."""
    client = await front.client()
    try:
        heard = [await client.say("MAIL FROM:<a@town.example>"), await client.say("RCPT TO:<desk@police.example>")]
        return [*heard, await client.content(CONTENT)] if heard[-1].startswith("2") else heard
    finally:
        await client.close()
        front.dialogues.clear()


async def _behaves_again(front: Running, hop: ScriptedMTA) -> None:
    hop.messages.clear()
    hop.script = lambda _stage, _link: None
    heard = await _one_message(front)
    assert heard[-1].startswith("250 2.0.0"), heard
    assert [message.behind_received for message in hop.messages] == [CONTENT]
