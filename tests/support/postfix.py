"""A Postfix of its own: a directory, loopback alone. A system Postfix keeps its configuration, its queue and its ports."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READY_WITHIN = 120.0
"""Seconds."""

_MAIN = """
compatibility_level = 3.6
config_directory = {here}/etc
queue_directory = {here}/queue
data_directory = {here}/data
maillog_file = {here}/mail.log
maillog_file_prefixes = {here}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.police.example
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
relay_domains = police.example
smtpd_peername_lookup = no
"""


@dataclass(frozen=True, slots=True)
class OwnPostfix:
    """In `directory`, which has to be new; it takes mail at `port`, as its `master.cf` says."""

    directory: Path
    port: int

    @property
    def etc(self) -> Path:
        """Its configuration."""
        return self.directory / "etc"

    def write(self, *, main: str, master: str) -> None:
        """Its files. `main` follows what every one of ours has."""
        for name in ("etc", "queue", "data"):
            (self.directory / name).mkdir(parents=True)
        shutil.chown(self.directory / "data", "postfix")
        (self.etc / "main.cf").write_text(_MAIN.format(here=self.directory) + main, encoding="utf-8")
        (self.etc / "master.cf").write_text(master, encoding="utf-8")

    def start(self) -> None:
        """Return when it takes connections. What it says goes to a file: its daemons keep it open."""
        said = self.directory / "start.log"
        with said.open("w") as file:
            done = subprocess.run(["/usr/sbin/postfix", "-c", self.etc, "start"], stdout=file, stderr=file, check=False)
        if done.returncode:
            raise RuntimeError(f"Postfix did not start:\n{said.read_text(encoding='utf-8')}{self.log()}")
        wait_for(self.port)

    def log(self) -> str:
        """Its log so far."""
        file = self.directory / "mail.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    @property
    def master_id(self) -> int:
        """The process that has started all others; OSError or ValueError when it does not run."""
        return int((self.directory / "queue/pid/master.pid").read_text(encoding="ascii"))

    def stop(self) -> None:
        """At once."""
        subprocess.run(["/usr/sbin/postfix", "-c", self.etc, "abort"], capture_output=True, check=False)


def wait_for(port: int) -> None:
    """Until somebody takes connections there; OSError after `READY_WITHIN`."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
