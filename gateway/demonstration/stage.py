"""What the demo plays on: a configuration in a temporary directory, local mailboxes and names, and the real gateway.

The gateway is started as `serve` starts it. Its only ways out are the two mailboxes, so nothing that it writes can
leave the machine, whatever address it is written to.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.demonstration.mailbox import open_mailbox
from gateway.demonstration.nameserver import NameServer, serving
from gateway.demonstration.stories import DISPATCH, ZONE
from gateway.desk import open_desk
from gateway.model.people import Role
from gateway.settings import load
from gateway.shipped import shipped
from gateway.supervisor import Role as Part
from gateway.supervisor import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.clock import Clock
    from gateway.demonstration.mailbox import Mailbox
    from gateway.desk import Desk

SIGNS_IN = "demo"
"""The name of the account that the demo makes, with every right."""
COLLATION = "collation@ildc.example"
"""Where the demo's reports go, in place of the RCMP's own address."""

_CONFIGURATION = """\
# Written by `liaison demo`, and removed with its directory when the demo ends.
# Port 0 lets the system choose; next hop and smarthost are mailboxes inside the demo.
mode = "auto"

[smtp]
hostname = "mx.police.example"
listen = ["127.0.0.1:0"]
internal_networks = []                        # the demo's sender is on this machine, and counts as outside

[[route]]
domains = ["police.example"]
next_hop = ["127.0.0.1:{next_hop}"]
tls = "none"
timeout = 5

[outbound]                                    # everything for elsewhere stays in the local outbound mailbox
smarthost = "127.0.0.1:{outbound}"
tls = "none"
retry = [1]

[decline]
delay = 0

[collation]                                   # a name in .example: even the address is nobody's
address = "{collation}"
from = "liaison@police.example"

[emergency]
recipients = ["{dispatch}"]

[senders]
packs = [{pack}]

[dns]                                         # a name server of the demo: nothing is asked outside
nameservers = ["127.0.0.1:{nameserver}"]

[store]
url = "sqlite:///liaison.db"

[console]
listen = "127.0.0.1:0"
second_factor = "optional"                    # the demo's password is on the screen anyway

[metrics]
listen = "127.0.0.1:0"

[log]
level = "warning"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs. `smtp` is "host:port" of the gateway, `configuration` the file that commands can use.

    `console` is the address of its first page, where `password` lets `SIGNS_IN` in.
    """

    configuration: Path
    smtp: str
    console: str
    password: str
    desk: Desk
    service: Service
    next_hop: Mailbox
    outbound: Mailbox


@asynccontextmanager
async def open_stage(clock: Clock) -> AsyncIterator[Stage]:
    """Set up, and take down again: the service stops as on SIGTERM, then the directory goes."""
    with TemporaryDirectory(prefix="liaison-demo-") as directory:
        async with (
            open_mailbox("mail.police.example") as next_hop,
            open_mailbox("outbound.example") as outbound,
            serving(NameServer(ZONE)) as names,
        ):
            configuration = _write_configuration(directory, next_hop, outbound, names)
            settings = load(configuration, {})
            async with open_desk(settings, clock) as desk:
                service = Service(settings, desk.foundation, Part.ALL)
                try:
                    await service.start()
                    yield Stage(
                        configuration=configuration,
                        smtp=_address(service, "smtp"),
                        console=f"http://{_address(service, 'console')}/",
                        password=await _account(desk),
                        desk=desk,
                        service=service,
                        next_hop=next_hop,
                        outbound=outbound,
                    )
                finally:
                    await service.stop()


def _write_configuration(directory: str, next_hop: Mailbox, outbound: Mailbox, names: NameServer) -> Path:
    path = Path(directory) / "gateway.toml"
    # A JSON string in ASCII is a TOML basic string too, whatever the path holds.
    pack = json.dumps(str(shipped("config") / "senders" / "prc.toml"))
    text = _CONFIGURATION.format(
        next_hop=next_hop.port,
        outbound=outbound.port,
        nameserver=names.port,
        collation=COLLATION,
        dispatch=DISPATCH,
        pack=pack,
    )
    path.write_text(text, encoding="utf-8")
    return path


async def _account(desk: Desk) -> str:
    """The password of the one account that the demo has."""
    password = tokens.passphrase()
    await desk.peoplekeeping.add(
        SIGNS_IN, "Demo", [Role.ADMINISTRATOR], password, actor="demo", must_change_password=False
    )
    return password


def _address(service: Service, part: str) -> str:
    """Where a part listens, by the service's `ready smtp=HOST:PORT …` line."""
    return dict(word.partition("=")[::2] for word in service.where().split())[part]
