"""What all commands share: where the configuration is, who asks, the desk, and exit codes.

Exit 0: done; 1: failed or refused; 2: usage or configuration error. Policy and wording are the commands' own. What
only a command that runs needs is imported when it runs: help and usage errors come at once.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, NoReturn, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from enum import StrEnum

    from gateway.desk import Desk
    from gateway.model.people import Verb
    from gateway.settings import Log, Settings

FAILED = 1
MISCONFIGURED = 2

_CONFIG = "gateway.cli.config"

P = ParamSpec("P")
R = TypeVar("R")
W = TypeVar("W", bound="StrEnum")


def read_date(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    """The callback of an option that takes a day."""
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no date; one looks like 2027-05-31") from error


def read_beginning(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """The same, for something that begins with the day: its first moment, in UTC."""
    day = read_date(context, parameter, value)
    if day is not None and day.year in {MINYEAR, MAXYEAR}:
        raise click.BadParameter(f"{value!r} is too far away: days before and after it are reckoned with")
    return None if day is None else datetime.combine(day, time(), UTC)


def read_end(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """The same, for something that ends with the day: what is until the 31st ends when the 31st does, in UTC."""
    beginning = read_beginning(context, parameter, value)
    return None if beginning is None else beginning + timedelta(days=1)


class Word(click.Choice[W]):
    """A choice among the words of a closed enum, given and shown by their values."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:  # noqa: ARG002 -- click's signature
        """The word itself: click would take the member's name."""
        return str(choice).lower()


def config_option(command: Callable[P, R]) -> Callable[P, R]:
    """`--config PATH`, on the program itself and on every command: it may stand before or after."""
    return click.option(
        "--config",
        metavar="PATH",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_remember,
        help="The configuration file; else $LIAISON_CONFIG, config/gateway.toml, /etc/liaison/gateway.toml.",
    )(command)


def _remember(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """The value nearest to the command counts."""
    if path is not None:
        context.meta[_CONFIG] = path


def load_settings() -> Settings:
    """The settings of the file that `--config` names, or of the first place that has one. ConfigurationError."""
    from gateway.settings import load

    return load(_given_configuration(), os.environ)


def named_configuration() -> Path | None:
    """What `--config` or the environment names."""
    from gateway.settings.document import LOCATOR

    return _given_configuration() or (Path(os.environ[LOCATOR]) if os.environ.get(LOCATOR) else None)


def _given_configuration() -> Path | None:
    given: Path | None = click.get_current_context().meta.get(_CONFIG)
    return given


def name_configuration(path: Path) -> None:
    """From here on, as if `--config` had named it."""
    click.get_current_context().meta[_CONFIG] = path


def load_quietly() -> Settings:
    """The same, for commands that tell their results themselves: the log is about trouble only."""
    from gateway import logs

    settings = load_settings()
    logs.configure(_quieter(settings.log))
    return settings


def with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Hand the settings to a command, which also gets `--config`."""

    @config_option
    @wraps(command)
    def invoke(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(load_quietly(), *args, **kwargs)

    return invoke


def with_desk(
    verb: Verb, *, makes: bool = False
) -> Callable[[Callable[Concatenate[Desk, P], Awaitable[None]]], Callable[P, None]]:
    """Hand the operations to a command, a coroutine function: the store is opened for it, and closed after it.

    Who has an account of the console under their login's name may do here what they may do there, and nothing else.
    `makes`: what the command sets up may come before the first start, so a database file that is not there is made, and
    that is said; not for a dry run. For all other commands it would hide that the database is lost. None migrates an
    older version's database: whoever looks at a list does not mean that.
    """

    def decorate(command: Callable[Concatenate[Desk, P], Awaitable[None]]) -> Callable[P, None]:
        @with_settings
        @wraps(command)
        def invoke(settings: Settings, /, *args: P.args, **kwargs: P.kwargs) -> None:
            import asyncio

            from gateway.cli.output import complain
            from gateway.cli.peeking import missing_database
            from gateway.clock import SystemClock
            from gateway.desk import open_desk

            async def at_the_desk() -> None:
                may_make = makes and not kwargs.get("dry_run")
                missing = missing_database(settings) if may_make else None
                async with open_desk(settings, SystemClock(), makes=may_make, migrates=False) as desk:
                    if missing is not None:
                        complain(f"made a new, empty database: {missing}")
                    await desk.peoplekeeping.check_login(login(), verb)
                    await command(desk, *args, **kwargs)

            asyncio.run(at_the_desk())

        return invoke

    return decorate


def reference_argument(command: Callable[P, R]) -> Callable[P, R]:
    """A case's reference; people type it in lower case too."""
    return click.argument("reference", callback=lambda _context, _parameter, value: value.strip().upper())(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """`--json`, on every listing."""
    return click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")(command)


def fail(code: int = FAILED) -> NoReturn:
    """End with this exit code; what was wrong has been said."""
    click.get_current_context().exit(code)


def login() -> str:
    """Who asks. By the user's id: the environment could say anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def actor() -> str:
    """Who asks, for the audit log."""
    return f"cli:{login()}"


def _quieter(log: Log) -> Log:
    """Without the lines of the ordinary course; who asks for debug still gets them."""
    from gateway.settings import LogLevel

    return replace(log, level=LogLevel.WARNING) if log.level is LogLevel.INFO else log
