"""Runs docs/recipes.md with Debian's Postfix and HAProxy, as root: `python -m tests.recipes`.

For each recipe: its configuration, as the document has it, in a directory of its own on loopback; a message through it,
a listed one held with the sender's own address in its case, refusals as the document says. Everything is ended and
removed; a minute at most for each. Then the systemd unit is looked at where systemd-analyze is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tests.recipes.book import SENDER, Ports, moved, recipes
from tests.recipes.programs import Gateway, HAProxy, Postfix
from tests.support.checkout import ROOT, document
from tests.support.dialogue import Dialogue
from tests.support.mta import ScriptedMTA

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.support.mta import Link, Message

WITHIN = 20.0
"""Seconds for anything to arrive."""
ALL_WITHIN = 120.0
"""Seconds for a recipe."""
MOST_EXPOSURE = 20
"""Tenths: what `systemd-analyze security` may say of the unit."""
CLEAN = b"From: resident@town.example\r\nTo: desk@police.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"
LISTED = b"From: liaison@mission.example\r\nTo: desk@police.example\r\nSubject: Request\r\n\r\nPlease send it.\r\n"
RESIDENT, MISSION, DESK, REFUSED = (
    "resident@town.example", "liaison@mission.example", "desk@police.example", "refused@police.example",
)  # fmt: skip


Program = TypeVar("Program", Gateway, Postfix, HAProxy)


class Trial:
    """One recipe that runs: everything between the sender and the sink."""

    def __init__(self, directory: Path, title: str, sink: ScriptedMTA) -> None:
        self.ports = Ports.free(sink.port)
        self.sink = sink
        self._recipe, self._directory = recipes()[title], directory
        self.stack = ExitStack()

    def fragment(self, label: str, *, mail_server: int) -> str:
        """Of the document, moved to this machine's ports."""
        return moved(self._recipe[label], self.ports, mail_server=mail_server)

    def gateway(self, *, mail_server: int) -> Gateway:
        """Started."""
        fragment = self.fragment("toml", mail_server=mail_server)
        return self._started(Gateway(self._directory, fragment, self.ports))

    def postfix(self) -> Postfix:
        """With what the recipe has for it, started."""
        lines = {
            name: self.fragment(f"{name}.cf", mail_server=self.sink.port) if f"{name}.cf" in self._recipe else ""
            for name in ("main", "master")
        }
        return self._started(Postfix(self._directory, self.ports, **lines))

    def haproxy(self) -> HAProxy:
        """With the file that is shipped, started."""
        shipped = document("config/deploy/cluster/haproxy.cfg")
        return self._started(
            HAProxy(self._directory, moved(shipped, self.ports, mail_server=self.sink.port), self.ports)
        )

    def _started(self, program: Program) -> Program:
        self.stack.callback(program.stop)
        program.start()
        return program


# --- what is seen -----------------------------------------------------------------------------------------------------


def expect(held: bool, otherwise: str) -> None:
    """Or the recipe is wrong."""
    if not held:
        raise AssertionError(otherwise)


async def sender(port: int) -> Dialogue:
    """A client with an address of its own."""
    dialogue = Dialogue(*await asyncio.open_connection("127.0.0.1", port, local_addr=(SENDER, 0)))
    await dialogue.hear("220")
    return dialogue


async def said(port: int, reverse_path: str, recipient: str, content: bytes = CLEAN) -> str:
    """What the sender of one message hears last: a refusal, or the answer to the final dot."""
    dialogue = await sender(port)
    await dialogue.say("EHLO mx.town.example", "250")
    try:
        for line in (f"MAIL FROM:<{reverse_path}>", f"RCPT TO:<{recipient}>"):
            reply = await dialogue.say(line)
            if not reply.startswith("250"):
                return reply
        return await dialogue.content(content)
    finally:
        await dialogue.close()


async def until(condition: Callable[[], object], what: str) -> None:
    """It holds."""
    deadline = time.monotonic() + WITHIN
    while not await asyncio.to_thread(condition):
        expect(time.monotonic() < deadline, f"{what} within {WITHIN:.0f} s")
        await asyncio.sleep(0.2)


async def passes(trial: Trial, port: int) -> None:
    """Clean mail arrives as it was, behind the gateway's Received; whoever is nobody, or elsewhere, is refused at RCPT."""
    reply = await said(port, RESIDENT, DESK)
    expect(reply.startswith("250"), f"clean mail heard {reply}")
    (message,) = await trial.sink.arrived(1, within=WITHIN)
    expect(message.content.endswith(CLEAN), "the content changed")
    expect(message.content.count(b"Received: ") >= 1, "no Received")
    for recipient in ("nobody@police.example", "somebody@elsewhere.example"):
        reply = await said(port, RESIDENT, recipient)
        expect(reply.startswith("5"), f"{recipient} heard {reply}")


async def holds(trial: Trial, port: int, gateway: Gateway) -> None:
    """Listed mail becomes a case, held, of the sender's own address, and does not arrive."""
    reply = await said(port, MISSION, DESK, LISTED)
    expect(reply.startswith("250"), f"listed mail heard {reply}")
    await until(lambda: gateway.ask("cases", "list"), "there is no case")
    (case,) = gateway.ask("cases", "list")
    shown = gateway.ask("cases", "show", case["reference"])
    expect(shown["client_ip"] == SENDER, f"the case's client is {shown['client_ip']}")
    states = [recipient["delivery"] for recipient in shown["recipients"]]
    expect(states == ["held"], f"the listed message is {states}")
    arrived = [message for message in trial.sink.messages if b"Please send it." in message.content]
    expect(not arrived, "the listed message arrived")


async def offers_neither_dsn_nor_chunking(port: int) -> None:
    """At the front."""
    dialogue = await sender(port)
    offered = await dialogue.say("EHLO mx.town.example", "250")
    await dialogue.close()
    expect(not {"DSN", "CHUNKING"} & set(offered.replace("250-", "").replace("250 ", "").split("\n")), offered)


async def bounces(trial: Trial, port: int) -> None:
    """What is refused behind the front comes back to its sender."""
    reply = await said(port, RESIDENT, REFUSED)
    expect(reply.startswith("250"), f"the front answered {reply}")
    await until(lambda: any(map(_is_bounce, trial.sink.messages)), "no bounce came back")


def _is_bounce(message: Message) -> bool:
    return message.reverse_path == "" and message.recipients == [RESIDENT] and b"multipart/report" in message.content


# --- the recipes ------------------------------------------------------------------------------------------------------


async def before_postfix(trial: Trial) -> None:
    """The gateway, then Postfix."""
    postfix = trial.postfix()
    gateway = trial.gateway(mail_server=trial.ports.front)
    await passes(trial, trial.ports.gateway)
    await holds(trial, trial.ports.gateway, gateway)
    told = re.search(rf"orig_client=\S*\[{re.escape(SENDER)}\]", postfix.log())
    expect(told is not None, "Postfix was told no client")
    reply = await said(trial.ports.gateway, RESIDENT, REFUSED)
    expect(reply.startswith("554"), f"what Postfix refuses heard {reply}")


async def behind_postfix(trial: Trial) -> None:
    """Postfix, then the gateway."""
    trial.postfix()
    gateway = trial.gateway(mail_server=trial.sink.port)
    await passes(trial, trial.ports.front)
    await holds(trial, trial.ports.front, gateway)
    trial.sink.script = _refuse
    await bounces(trial, trial.ports.front)


def _refuse(stage: str, _: Link) -> str | None:
    return "550 5.1.1 Nobody of that name" if stage == f"RCPT TO:<{REFUSED}>" else None


async def proxy_filter(trial: Trial) -> None:
    """The gateway inside Postfix, before the queue."""
    trial.postfix()
    gateway = trial.gateway(mail_server=trial.ports.back)
    await offers_neither_dsn_nor_chunking(trial.ports.front)
    await passes(trial, trial.ports.front)
    await holds(trial, trial.ports.front, gateway)
    reply = await said(trial.ports.front, RESIDENT, REFUSED)
    expect(reply.startswith("554"), f"what the second smtpd refuses heard {reply}")
    gateway.stop()
    reply = await said(trial.ports.front, RESIDENT, DESK)
    expect(reply.startswith("451 4.3.0"), f"without the gateway, mail heard {reply}")


async def content_filter(trial: Trial) -> None:
    """The gateway inside Postfix, after the queue."""
    postfix = trial.postfix()
    gateway = trial.gateway(mail_server=trial.ports.back)
    await offers_neither_dsn_nor_chunking(trial.ports.front)
    await passes(trial, trial.ports.front)
    await holds(trial, trial.ports.front, gateway)
    await bounces(trial, trial.ports.front)
    gateway.stop()
    reply = await said(trial.ports.front, RESIDENT, DESK)
    expect(reply.startswith("250"), f"without the gateway, mail heard {reply}")
    await until(lambda: postfix.queue() == [DESK], "the message does not wait in Postfix's queue")


async def behind_haproxy(trial: Trial) -> None:
    """HAProxy, then the gateway."""
    trial.sink.script = _refuse_nobody
    gateway = trial.gateway(mail_server=trial.sink.port)
    trial.haproxy()
    await passes(trial, trial.ports.front)
    await holds(trial, trial.ports.front, gateway)


def _refuse_nobody(stage: str, _: Link) -> str | None:
    return "550 5.1.1 Nobody of that name" if stage.startswith("RCPT TO:<nobody@") else None


TRIALS: dict[str, Callable[[Trial], Awaitable[None]]] = {
    "Before Postfix": before_postfix,
    "Behind Postfix": behind_postfix,
    "As Postfix's proxy filter": proxy_filter,
    "As Postfix's content filter": content_filter,
    "Behind HAProxy": behind_haproxy,
}
"""By the title of their section."""


async def follow(title: str, directory: Path) -> None:
    """One recipe; AssertionError where it is not as the document says."""
    sink = await ScriptedMTA().start()
    trial = Trial(directory, title, sink)
    try:
        async with asyncio.timeout(ALL_WITHIN):
            await TRIALS[title](trial)
    finally:
        await asyncio.to_thread(trial.stack.close)
        await sink.stop()


def look_at_the_unit() -> None:
    """Its exposure, as systemd counts it."""
    done = subprocess.run(
        ["/usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE}",
         str(ROOT / "config" / "deploy" / "liaison.service")],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    print(f"liaison.service: {done.stdout.strip().splitlines()[-1].strip('→ ')}")
    expect(done.returncode == 0, "the unit is more exposed than it may be")


def complain(missing: Iterable[str]) -> None:
    """And end."""
    sys.exit(f"missing: {', '.join(missing)}. On Debian and Ubuntu: apt install postfix haproxy systemd; and be root.")


def main() -> None:
    """All recipes, or those whose titles have these words in them."""
    parser = argparse.ArgumentParser(prog="python -m tests.recipes", description=__doc__)
    parser.add_argument("--only", default="", help="part of a title")
    only = parser.parse_args().only
    programs = ("/usr/sbin/postfix", "/usr/sbin/haproxy", "/usr/bin/systemd-analyze")
    if missing := [program for program in programs if not shutil.which(program)]:
        complain(missing)
    for title in TRIALS:
        if only.lower() not in title.lower():
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as directory:
            Path(directory).chmod(0o711)  # Postfix's own account goes through it
            asyncio.run(follow(title, Path(directory)))
        print(f"{title}: as docs/recipes.md says ({time.monotonic() - began:.0f} s)", flush=True)
    look_at_the_unit()


if __name__ == "__main__":
    main()
