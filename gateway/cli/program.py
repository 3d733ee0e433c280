"""The `liaison` command and the list of what it can do."""

from __future__ import annotations

import click

from gateway.cli.audit import audit
from gateway.cli.cases import cases
from gateway.cli.check import check
from gateway.cli.database import database
from gateway.cli.demo import demo
from gateway.cli.invocation import Program, config_option
from gateway.cli.mode import mode
from gateway.cli.outbox import outbox
from gateway.cli.screen import screen
from gateway.cli.senders import senders
from gateway.cli.serve import serve


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liaison-gateway", prog_name="liaison")
@config_option
def main() -> None:
    """Decline, refer and report approaches by mail from listed foreign missions.

    Results go to stdout, logs to stderr. Exit codes: 0 done, 1 failed or refused, 2 usage or configuration error.
    """


for command in (demo, serve, check, screen, senders, cases, outbox, audit, database, mode):
    main.add_command(command)
