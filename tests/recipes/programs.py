"""What a recipe runs: the gateway, a Postfix of its own, HAProxy. Each in a directory of its own, on loopback alone.

A system Postfix keeps its configuration, its queue and its ports.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.support.postfix import OwnPostfix, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recipes.book import Ports

PACK = '[[entry]]\nkind = "subtree"\nvalue = "mission.example"\n'


class Gateway:
    """`liaison serve`, in mode assist, with a recipe's configuration and what every configuration has."""

    def __init__(self, directory: Path, fragment: str, ports: Ports) -> None:
        self.directory = directory / "gateway"
        self.directory.mkdir()
        (self.directory / "pack.toml").write_text(PACK, encoding="utf-8")
        metrics = "" if "[metrics]" in fragment else f'[metrics]\nlisten = "127.0.0.1:{ports.metrics}"\n'
        (self.directory / "gateway.toml").write_text(
            f"""mode = "assist"
{fragment}
{metrics}
[senders]
packs = ["pack.toml"]
[dns]
nameservers = ["127.0.0.1:9"]
timeout = 1
[store]
url = "sqlite:///gateway.db"
[console]
listen = ""
""",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when it says `ready`."""
        self._process = subprocess.Popen(
            [*self._command, "serve"], stdout=subprocess.PIPE, stderr=(self.directory / "log").open("a"), text=True
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline().startswith("ready"):
            raise RuntimeError(f"the gateway did not start:\n{(self.directory / 'log').read_text(encoding='utf-8')}")

    def ask(self, *arguments: str) -> Any:
        """What a command answers with --json."""
        done = subprocess.run(
            [*self._command, *arguments, "--json"], check=True, capture_output=True, text=True, timeout=30
        )
        return json.loads(done.stdout)

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", "gateway", "--config", str(self.directory / "gateway.toml")]

    def stop(self) -> None:
        """As SIGTERM stops it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None


_MASTER = """
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
tlsmgr    unix  -  -  n  1000?  1  tlsmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
verify    unix  -  -  n  -  1  verify
proxymap  unix  -  -  n  -  -  proxymap
smtp      unix  -  -  n  -  -  smtp
relay     unix  -  -  n  -  -  smtp
showq     unix  n  -  n  -  -  showq
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
anvil     unix  -  -  n  -  1  anvil
scache    unix  -  -  n  -  1  scache
postlog   unix-dgram n - n - 1 postlogd
"""

_MAIN = """
relay_recipient_maps = inline:{{desk@police.example=x, refused@police.example=x}}
relay_transport = smtp:[127.0.0.1]:{sink}
default_transport = smtp:[127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtpd_relay_restrictions = reject_unauth_destination
# Whatever comes from the gateway for this recipient is refused after DATA: the trial's next hop that says no.
smtpd_restriction_classes = from_the_gateway
from_the_gateway = check_client_access inline:{{127.0.0.1=REJECT}}
smtpd_end_of_data_restrictions = check_recipient_access inline:{{refused@police.example=from_the_gateway}}
"""


class Postfix:
    """With a recipe's lines behind those that every trial needs: `smtp inet` is at `ports.front` unless it says other."""

    def __init__(self, directory: Path, ports: Ports, *, main: str = "", master: str = "") -> None:
        self._own = OwnPostfix(directory / "postfix", ports.front)
        listener = "" if f":{ports.front} inet" in master else f"127.0.0.1:{ports.front} inet n - n - 100 smtpd\n"
        self._own.write(main=_MAIN.format(sink=ports.sink) + main, master=listener + master + _MASTER)

    def start(self) -> None:
        """Return when it takes connections."""
        self._own.start()

    def log(self) -> str:
        """Its log so far."""
        return self._own.log()

    def queue(self) -> list[str]:
        """The recipients of what waits in it."""
        done = subprocess.run(
            ["/usr/sbin/postqueue", "-c", self._own.etc, "-j"], check=True, capture_output=True, text=True
        )
        waiting = [json.loads(line) for line in done.stdout.splitlines()]
        return [recipient["address"] for message in waiting for recipient in message["recipients"]]

    def stop(self) -> None:
        """At once."""
        self._own.stop()


class HAProxy:
    """In the foreground, with the file that is shipped."""

    def __init__(self, directory: Path, configuration: str, ports: Ports) -> None:
        self._file = directory / "haproxy.cfg"
        self._file.write_text(configuration, encoding="utf-8")
        self._port = ports.front
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it takes connections, and has looked at the gateway."""
        log = self._file.with_suffix(".log").open("w")
        self._process = subprocess.Popen(["/usr/sbin/haproxy", "-f", self._file, "-db"], stdout=log, stderr=log)
        wait_for(self._port)
        time.sleep(1)

    def stop(self) -> None:
        """At once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
