"""Builds the image and passes mail through it: `python -m tests.container --engine podman`.

The container's root is read-only, it has no capability, and all that it may write to is a volume and a temporary file
system. It shares the machine's network, so that the next hop can stand in this process. Everything that is started is
ended, and the container and its volume are removed; the image stays.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.relays import free_port
from tests.support.checkout import ROOT
from tests.support.dialogue import Dialogue
from tests.support.mta import ScriptedMTA

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "liaison-gateway"
NAME = "liaison-gateway-trial"
WITHIN = 60.0
"""Seconds for a container to be ready."""
BUILD_WITHIN = 1500.0
"""Seconds."""
CLEAN = b"From: resident@town.example\r\nTo: desk@police.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"
LARGE = CLEAN + b"A line of a large attachment, for the temporary files.\r\n" * 60_000
LISTED = b"From: liaison@mission.example\r\nTo: desk@police.example\r\nSubject: Request\r\n\r\nPlease send it.\r\n"


@dataclass(frozen=True, slots=True)
class Engine:
    """docker, podman, or what speaks like them; with options of its own before each command."""

    command: tuple[str, ...]

    def __call__(self, *arguments: str, within: float = WITHIN, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, check=False, text=True, timeout=within,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{shlex.join([*self.command, *arguments])}\n{done.stdout}{done.stderr}")
        return done


def found_engine() -> str:
    """The one that is installed and answers."""
    for name in ("docker", "podman"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    raise SystemExit("There is neither a docker nor a podman that answers; name one with ENGINE=")


def build(engine: Engine, base: str, options: list[str]) -> None:
    """The image, from the checkout as it stands. podman keeps a health check in docker's format alone."""
    if base:
        options = [*options, "--build-arg", f"BASE={base}"]
    if "podman" in engine.command[0]:
        options = ["--format", "docker", *options]
    began = time.monotonic()
    engine("build", *options, "--tag", IMAGE, str(ROOT), within=BUILD_WITHIN)
    size = int(engine("image", "inspect", "--format", "{{.Size}}", IMAGE).stdout)
    print(f"built {IMAGE} in {time.monotonic() - began:.0f} s: {size / 1e6:.0f} MB, its base included")


def configure(directory: Path, smtp: int, metrics: int, next_hop: int) -> None:
    """The configuration that is mounted; whoever the container runs as may read it."""
    directory.chmod(0o755)
    (directory / "pack.toml").write_text('[[entry]]\nkind = "subtree"\nvalue = "mission.example"\n', encoding="ascii")
    (directory / "gateway.toml").write_text(
        f"""
mode = "assist"
[agency]
contact_email = "liaison@police.example"
[smtp]
hostname = "mx.police.example"
listen = ["127.0.0.1:{smtp}"]
[[route]]
domains = ["police.example"]
next_hop = ["127.0.0.1:{next_hop}"]
tls = "none"
[senders]
packs = ["pack.toml"]
[store]
url = "sqlite:////var/lib/liaison/liaison.db"
[console]
listen = ""
[metrics]
listen = "127.0.0.1:{metrics}"
""",
        encoding="utf-8",
    )


@contextmanager
def removed_at_the_end(engine: Engine) -> Iterator[None]:
    """No container and no volume of ours is left, whatever happens."""
    try:
        yield
    finally:
        engine("rm", "--force", "--volumes", NAME, check=False)
        engine("volume", "rm", "--force", NAME, check=False)


def start(engine: Engine, configuration: Path, options: list[str]) -> None:
    """As docs/installation.md starts it; returns when it is ready."""
    engine(
        "run", "--detach", "--name", NAME, "--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--volume", f"{configuration}:/etc/liaison:ro",
        "--volume", f"{NAME}:/var/lib/liaison", *options, IMAGE,
    )  # fmt: skip
    wait_until_ready(engine)


def wait_until_ready(engine: Engine) -> None:
    """By the command that its health check has."""
    deadline = time.monotonic() + WITHIN
    while engine("exec", NAME, "liaison", "health", "--ready", check=False).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError(f"it was never ready:\n{engine('logs', NAME, check=False).stderr}")
        time.sleep(0.5)


def is_confined(engine: Engine) -> None:
    """Not root; nothing outside the mounted directories can be written; its health check is in the image."""
    who = engine("exec", NAME, "id", "-u").stdout.strip()
    expect(who == "10001", f"it runs as {who}")
    for directory in ("/", "/opt/liaison", "/etc/liaison"):
        written = engine("exec", NAME, "touch", f"{directory}/written", check=False)
        expect(written.returncode != 0, f"{directory} can be written to")
    check = json.loads(engine("image", "inspect", IMAGE).stdout)[0]
    expect("liaison" in json.dumps(check.get("Healthcheck") or check["Config"].get("Healthcheck")), "no health check")


async def passes_and_holds(engine: Engine, port: int, next_hop: ScriptedMTA) -> None:
    """Clean mail arrives, a large one too; listed mail is held."""
    for content in (CLEAN, LARGE):
        dialogue = await Dialogue.open(port)
        await dialogue.mail("resident@town.example", ["desk@police.example"], content, expect="250")
        await dialogue.close()
    dialogue = await Dialogue.open(port)
    await dialogue.mail("liaison@mission.example", ["desk@police.example"], LISTED, expect="250")
    await dialogue.close()
    arrived = await next_hop.arrived(2)
    expect([message.behind_received for message in arrived] == [CLEAN, LARGE], "something else arrived")
    expect(cases(engine) == 1, f"there are {cases(engine)} cases")


def cases(engine: Engine) -> int:
    """That are on record."""
    return len(json.loads(engine("exec", NAME, "liaison", "cases", "list", "--json").stdout))


def comes_back(engine: Engine) -> None:
    """It stops when it is told to, by itself, and has its record when it starts again."""
    engine("stop", "--time", "60", NAME, within=90)
    state = json.loads(engine("inspect", NAME).stdout)[0]["State"]
    expect(state["ExitCode"] == 0, f"it ended with {state['ExitCode']}")
    engine("start", NAME)
    wait_until_ready(engine)
    expect(cases(engine) == 1, "the record is gone")


def expect(held: bool, otherwise: str) -> None:
    """Or end."""
    if not held:
        raise RuntimeError(otherwise)


async def try_out(engine: Engine, run_options: list[str]) -> None:
    """Everything that a container is asked to do, once."""
    next_hop = await ScriptedMTA().start()
    smtp, metrics = free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory, removed_at_the_end(engine):
        configure(Path(directory), smtp, metrics, next_hop.port)
        await asyncio.to_thread(start, engine, Path(directory), run_options)
        print("started with a read-only root, ready")
        is_confined(engine)
        print("not root; nothing but its volume can be written; has a health check")
        await passes_and_holds(engine, smtp, next_hop)
        print("passed a message of 100 bytes and one of 3 MB on; held a listed one")
        await asyncio.to_thread(comes_back, engine)
        print("stopped by itself with exit code 0; started again with its record")
    await next_hop.stop()


def main() -> None:
    """Build, try out, say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.container", description=__doc__)
    parser.add_argument("--engine", default="", help="the command, with options of its own; else docker or podman")
    parser.add_argument("--base", default="", help="the image to build on; else the Dockerfile's own")
    parser.add_argument("--build-options", default="", help="for its `build`")
    parser.add_argument("--run-options", default="", help="for its `run`")
    arguments = parser.parse_args()
    engine = Engine(tuple(shlex.split(arguments.engine or found_engine())))
    build(engine, arguments.base, shlex.split(arguments.build_options))
    try:
        asyncio.run(try_out(engine, shlex.split(arguments.run_options)))
    except RuntimeError as error:
        sys.exit(f"the container is not as it should be: {error}")


main()
