"""The relays that are measured: the gateway, and Postfix in before-queue mode, each in a directory of its own.

Nothing outside that directory is read or written: a system Postfix keeps its configuration, its queue and its ports.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.support.postfix import OwnPostfix

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a relay finds its next hop and its DNS; `tls` has `certificate.pem` and `key.pem`, or is None."""

    directory: Path
    next_hop: int
    name_server: int
    entries: int
    tls: Path | None = None
    workers: int = 1


class Relay(Protocol):
    """A relay that runs; `port` is where it takes mail."""

    name: str
    port: int

    def process_ids(self) -> list[int]:
        """Every process of it that lives."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


def cpu_seconds(relay: Relay) -> float:
    """User and system time of all processes of a relay, of those that have ended too (their parents inherit it)."""
    ticks = 0
    for process in relay.process_ids():
        try:
            stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / _TICK


def forget_peak(relay: Relay) -> None:
    """From now on, `peak_memory` counts anew."""
    for process in relay.process_ids():
        Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def peak_memory(relay: Relay) -> int:
    """Octets: the sum over its processes of the most that each has held resident."""
    return sum(_status(process, "VmHWM") for process in relay.process_ids())


def _status(process: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":")), 0)


def _family(ancestor: int) -> list[int]:
    """The process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                stat = (directory / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(directory.name))
    found = [ancestor]
    for process in found:
        found += parents.get(process, [])
    return found


def free_port() -> int:
    """A TCP port on loopback that nobody has now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def listed_domains(count: int) -> Iterator[str]:
    """The domains of a generated list."""
    return (f"mission{number:05d}.example" for number in range(count))


# --- the gateway ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Gateway:
    """`liaison serve`, in mode auto, with everything that production has."""

    surroundings: Surroundings
    role: str = "all"
    name: str = "gateway"
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when it says `ready`."""
        here = self.surroundings.directory / self.name
        here.mkdir()
        (here / "list.csv").write_text(
            "kind,value\n" + "".join(f"subtree,{domain}\n" for domain in listed_domains(self.surroundings.entries)),
            encoding="ascii",
        )
        (here / "gateway.toml").write_text(self._configuration(here), encoding="utf-8")
        command = [sys.executable, "-m", "gateway", "--config", str(here / "gateway.toml")]
        subprocess.run([*command, "senders", "import", str(here / "list.csv")], check=True, capture_output=True)
        self._process = subprocess.Popen(
            [*command, "serve", "--role", self.role], stdout=subprocess.PIPE, stderr=(here / "log").open("w"), text=True
        )
        assert self._process.stdout is not None  # noqa: S101
        if not self._process.stdout.readline().startswith("ready"):
            raise RuntimeError(f"the gateway did not start:\n{(here / 'log').read_text(encoding='utf-8')}")

    def _configuration(self, here: Path) -> str:
        tls = self.surroundings.tls
        certificate = f'tls_certificate = "{tls}/certificate.pem"\ntls_key = "{tls}/key.pem"' if tls else ""
        return f"""
mode = "auto"
[agency]
contact_email = "liaison@police.example"
consular_email = "consular@police.example"
[smtp]
hostname = "mx.police.example"
listen = ["127.0.0.1:{self.port}"]
workers = {self.surroundings.workers}
max_connections_per_client = 1000
internal_networks = []
{certificate}
[[route]]
domains = ["police.example"]
next_hop = ["127.0.0.1:{self.surroundings.next_hop}"]
tls = "{"required" if tls else "none"}"
[outbound]
smarthost = "127.0.0.1:{self.surroundings.next_hop}"
[collation]
address = "collation@ildc.example"
daily_limit = 1000000
domain_daily_limit = 1000000
[decline]
daily_limit = 1000000
domain_daily_limit = 1000000
[dns]
nameservers = ["127.0.0.1:{self.surroundings.name_server}"]
[senders]
packs = []
[store]
url = "sqlite:///{here}/gateway.db"
[metrics]
listen = "127.0.0.1:0"
[log]
format = "json"
"""

    def process_ids(self) -> list[int]:
        """The service and its workers."""
        return _family(self._process.pid) if self._process else []

    def stop(self) -> None:
        """As SIGTERM stops it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)


# --- Postfix ----------------------------------------------------------------------------------------------------------

_MASTER = """
127.0.0.1:{port} inet n - n - 200 smtpd
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(slots=True)
class Postfix:
    """smtpd with `smtpd_proxy_filter` towards the next hop, and a sender access table: it checks the envelope only."""

    surroundings: Surroundings
    name: str = "postfix-proxy"
    port: int = field(default_factory=free_port)

    @property
    def _own(self) -> OwnPostfix:
        return OwnPostfix(self.surroundings.directory / self.name, self.port)

    def start(self) -> None:
        """Return when it takes connections."""
        own = self._own
        own.write(main=self._main(own.etc), master=_MASTER.format(port=self.port))
        (own.etc / "senders").write_text(
            "".join(f"{domain} REJECT\n.{domain} REJECT\n" for domain in listed_domains(self.surroundings.entries)),
            encoding="ascii",
        )
        subprocess.run(["postmap", "-c", own.etc, f"hash:{own.etc}/senders"], check=True, capture_output=True)
        own.start()

    def _main(self, etc: Path) -> str:
        tls = self.surroundings.tls
        secured = f"""
smtpd_tls_security_level = may
smtpd_tls_cert_file = {tls}/certificate.pem
smtpd_tls_key_file = {tls}/key.pem
""" if tls else ""  # fmt: skip
        return f"""
smtpd_client_connection_count_limit = 0
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_sender_restrictions = check_sender_access hash:{etc}/senders
smtpd_proxy_filter = 127.0.0.1:{self.surroundings.next_hop}
message_size_limit = 52428800
{secured}"""

    def process_ids(self) -> list[int]:
        """Its master and all that this has started."""
        try:
            return _family(self._own.master_id)
        except (OSError, ValueError):
            return []

    def stop(self) -> None:
        """At once."""
        self._own.stop()
