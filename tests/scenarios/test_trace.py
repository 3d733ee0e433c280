"""`liaison trace`: a real gateway writes its log, and a message is found in it, in the cases and in the outbox."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gateway.events import FIELDS, Event
from tests.support.dialogue import Dialogue
from tests.support.gateway import write_configuration
from tests.support.mta import ScriptedMTA
from tests.support.served import ended, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.served import Served

__all__ = ["serve"]

Serve = "Callable[[Path], Awaitable[Served]]"
CLEAN = b"From: resident@town.example\r\nMessage-ID: <1@town.example>\r\nSubject: Hello\r\n\r\nGood day.\r\n"
LISTED = (
    b"From: liaison@mission.example\r\nTo: desk@police.example\r\nMessage-ID: <2@mission.example>\r\n"
    b"Subject: Request\r\n\r\nPlease send it.\r\n"
)


async def traced(config: Path, *arguments: str, stdin: bytes = b"", code: int = 0) -> tuple[str, str]:
    """What `liaison trace` says in a process of its own, on stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--config", str(config), "trace", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, complaint = await process.communicate(stdin)
    assert process.returncode == code, complaint.decode()
    return out.decode(), complaint.decode()


async def steps(config: Path, *arguments: str, stdin: bytes = b"") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await traced(config, *arguments, "--json", stdin=stdin))[0])
    return found


async def played(config: Path, serve: Callable[[Path], Awaitable[Served]]) -> Path:
    """Clean mail with a forged field, a recipient that is refused, and listed mail; the file with the log."""
    served = await serve(config)
    client = await Dialogue.open(served.port)
    await client.mail("Resident@Town.example", ["desk@police.example"], b"X-Liaison-Flag: forged\r\n" + CLEAN)
    await client.say("MAIL FROM:<resident@town.example>", "250")
    await client.say("RCPT TO:<nobody@police.example>", "550")
    await client.say("RSET", "250")
    await client.mail("stranger@town.example", ["desk@police.example"], CLEAN.replace(b"<1@", b"<3@"))
    await client.mail("liaison@mission.example", ["chief@police.example"], LISTED)
    await client.close()
    await served.logged("transaction", 0)
    assert await ended(served.process) == 0
    return served.log


@pytest.fixture
async def hops() -> Any:
    hop = await ScriptedMTA().start()
    hop.script = lambda stage, _: {
        "RCPT TO:<nobody@police.example>": "550 5.1.1 <nobody@police.example> is nobody"
    }.get(stage)
    yield hop
    await hop.stop()


@pytest.mark.parametrize(("form", "addresses"), [("json", "hashed"), ("console", "plain")])
async def test_what_became_of_a_message_is_told_in_the_order_of_time(
    tmp_path: Path,
    sqlite_url: str,
    hops: ScriptedMTA,
    serve: Callable[[Path], Awaitable[Served]],
    form: str,
    addresses: str,
) -> None:
    more = f'[log]\nformat = "{form}"\naddresses = "{addresses}"'
    config = write_configuration(tmp_path, next_hop=hops.port, smarthost=None, url=sqlite_url, more=more)
    log = await played(config, serve)
    by_address, by_id, listed = await asyncio.gather(
        steps(config, "resident@town.example", str(log)),
        steps(config, "<1@town.example>", "-", stdin=log.read_bytes()),
        steps(config, "LIAISON@mission.example", "--log", str(log)),
    )
    assert [(step["event"], step["reply"][:9]) for step in by_address] == [
        ("field_removed", "X-Liaison"), ("transaction", "250 2.0.0"), ("transaction", "550 5.1.1"),
    ]  # fmt: skip
    passed = by_address[1]
    assert (passed["tier"], passed["next_hop"], passed["source"]) == ("clear", f"127.0.0.1:{hops.port}", "log")
    assert passed["heard"].startswith("250 ")
    assert [step["name"] for step in by_id] == [passed["name"]] * 2
    (reference,) = {step["case"] for step in listed if step["source"] == "case"}
    assert {step["source"] for step in listed} == {"log", "case", "audit", "outbox"}
    assert [step["case"] for step in listed if step["event"] == "transaction"] == [reference]
    assert [step["at"] for step in listed] == sorted(step["at"] for step in listed)
    if form == "json":
        the_lines_have_every_field_and_no_address_of_clean_mail(log.read_text())


@pytest.mark.parametrize(
    "line",
    [
        '{{"cases": ["LG-OTHER", "{}"], "event": "answer_received", "level": "info", "timestamp": "{}"}}\n',
        "{1} [info     ] answer_received cases=['LG-OTHER', '{0}']\n",
    ],
    ids=["json", "console"],
)
async def test_an_event_about_several_cases_is_told_of_each(
    tmp_path: Path, sqlite_url: str, hops: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]], line: str
) -> None:
    config = write_configuration(tmp_path, next_hop=hops.port, smarthost=None, url=sqlite_url)
    await played(config, serve)
    listed = await steps(config, "liaison@mission.example")
    (reference,) = {step["case"] for step in listed if step["source"] == "case"}
    log = line.format(reference, "2026-05-05T12:00:00.000000+00:00")
    found = await steps(config, "liaison@mission.example", "-", stdin=(log + log.replace(reference, "X")).encode())
    assert [step["event"] for step in found if step["source"] == "log"] == ["answer_received"]


def the_lines_have_every_field_and_no_address_of_clean_mail(text: str) -> None:
    lines = [json.loads(line) for line in text.splitlines()]
    mail = [line for line in lines if line["event"] == "transaction"]
    assert len(mail) == 4
    for line in mail:
        assert list(line) == [*FIELDS[Event.TRANSACTION], "event", "level", "timestamp"]
    assert "town.example" not in text
    assert "nobody" not in text.replace("is nobody", "")
    assert mail[0]["message_id"] != mail[2]["message_id"]
    assert (mail[0]["recipients"], len(mail[0]["rcpt_to"]), mail[0]["size"]) == (1, 1, len(CLEAN) + 24)
    assert 0 < mail[0]["answer_seconds"] <= mail[0]["seconds"]
    assert (mail[1]["answer_seconds"], mail[1]["heard"]) == (0.0, "")


async def test_for_people_it_is_a_table_and_what_is_no_line_of_ours_is_counted(
    tmp_path: Path, sqlite_url: str, hops: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    config = write_configuration(tmp_path, next_hop=hops.port, smarthost=None, url=sqlite_url)
    log = await played(config, serve)
    foreign = b'May  4 12:00:00 mx postfix/smtpd[1]: connect from unknown\n{"event": 1}\n\xff\xfe\n'
    prefixed = b"".join(b"May  4 12:00:00 mx liaison[7]: " + line + b"\n" for line in log.read_bytes().splitlines())
    out, complaint = await traced(config, "resident@town.example", "-", stdin=foreign + prefixed)
    assert f"clear: 250 2.0.0 Message accepted; 127.0.0.1:{hops.port} said 250" in out
    assert complaint == "Lines that are none of the gateway's log, and were left out: 3.\n"
    out, _ = await traced(config, "resident@town.example")
    assert "name its files" in out
    assert "can't be read" in (await traced(config, "resident@town.example", str(tmp_path / "none"), code=1))[1]
