"""The `liaison` command and the list of what it can do; a command's module is imported when the command is called."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from gateway.cli.hints import with_hint
from gateway.cli.invocation import FAILED, MISCONFIGURED, config_option
from gateway.cli.output import complain, survive_narrow_encodings
from gateway.errors import ConfigurationError, LiaisonError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "alerts": ("gateway.cli.alerts:alerts", "What somebody is told of without mail."),
        "audit": ("gateway.cli.audit:audit", "Who did what and when; each row's hash covers the row before it."),
        "cases": ("gateway.cli.cases:cases", "Mail that was flagged: look at it, decide about it."),
        "check": (
            "gateway.cli.check:check",
            "Check configuration, lists, templates, TLS files, DKIM key and database.",
        ),
        "db": (
            "gateway.cli.database:database",
            "The database: migrate it, check it, back it up, restore it, change the key of what it holds.",
        ),
        "demo": (
            "gateway.cli.demo:demo",
            "Play real messages through a gateway of its own, and show what becomes of each and why.",
        ),
        "dkim": ("gateway.cli.dkim:dkim", "The DKIM key: make one, show the record to publish."),
        "init": (
            "gateway.cli.init:init",
            "Ask a few questions, write a commented configuration, make database, keys and first account.",
        ),
        "health": (
            "gateway.cli.health:health",
            "Ask the gateway that runs with this configuration how it is, at `metrics.listen`.",
        ),
        "mode": ("gateway.cli.mode:mode", "Show the mode, or set it to VALUE."),
        "outbox": ("gateway.cli.outbox:outbox", "Declines, reports, notices and releases that were asked for."),
        "purge": (
            "gateway.cli.purge:purge",
            "Dispose of closed cases whose time is over, and certify what went.",
        ),
        "screen": ("gateway.cli.screen:screen", "Say what would happen to the message in each FILE, and why."),
        "senders": ("gateway.cli.senders:senders", "The listed missions and bodies: whose mail is flagged."),
        "trace": (
            "gateway.cli.trace:trace",
            "Show what became of a message: by an address of its envelope, or by its Message-ID.",
        ),
        "users": ("gateway.cli.users:users", "People who may sign in to the console."),
        "serve": ("gateway.cli.serve:serve", "Run the gateway."),
    }
)
"""Where each command stands, and what the list of commands says of it."""


class Program(click.Group):
    """The whole command line: the one place where the gateway's exceptions become sentences and exit codes."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        survive_narrow_encodings()
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            for problem in error.problems:
                complain(problem)
            ctx.exit(MISCONFIGURED)
        except RefusedError as error:
            complain(with_hint(error))
            ctx.exit(FAILED)
        except LiaisonError as error:
            complain(str(error))
            ctx.exit(FAILED)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, from its module."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without a look into their modules."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in COMMANDS])


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liaison-gateway", prog_name="liaison")
@config_option
def main() -> None:
    """Decline, refer and report approaches by mail from listed foreign missions.

    Results go to stdout, logs to stderr. Exit codes: 0 done, 1 failed or refused, 2 usage or configuration error.
    """
