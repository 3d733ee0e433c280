"""`liaison init`: asks what it needs, then makes configuration, database, keys and first account, or none of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gateway import logs
from gateway.cli.asking import Asker, introduce, refuse_wrong
from gateway.cli.check import check_all
from gateway.cli.dkim import SELECTOR_PROPOSED
from gateway.cli.founding import Plan, found
from gateway.cli.invocation import (
    config_option,
    fail,
    load_quietly,
    name_configuration,
    named_configuration,
)
from gateway.cli.next_steps import show_next_steps
from gateway.cli.output import say
from gateway.cli.questions import QUESTIONS
from gateway.errors import RefusedError
from gateway.sending import open_signer
from gateway.settings import PLACES, Log, LogLevel, render_defaults
from gateway.settings.kinds import DOMAIN, SELECTOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _question_options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each question."""
    for question in reversed(QUESTIONS):
        command = click.option(
            question.flag, question.parameter, multiple=question.several, metavar="TEXT", help=question.asks
        )(command)
    return command


@click.command()
@_question_options
@click.option("--data-key/--no-data-key", default=None, help="Seal stored messages with a key file; done unless told.")
@click.option("--dkim-domain", help='Make a key that signs what the gateway writes, for this domain; "": none.')
@click.option("--dkim-selector", help=f"Names that key in the DNS; {SELECTOR_PROPOSED} unless told.")
@click.option("--admin", metavar="NAME", help='The first account of the console; "": none.')
@click.option("--password-stdin", is_flag=True, help="Take its password from standard input, to be changed at sign-in.")
@click.option("--yes", is_flag=True, help="Ask nothing: take options and proposals.")
@click.option("--online/--offline", default=None, help="Whether the check at the end asks servers and the DNS too.")
@click.option("--force", is_flag=True, help="Replace a configuration that is there; database and keys stay.")
@config_option
def init(yes: bool, online: bool | None, force: bool, **given: Any) -> None:
    """Ask a few questions, write a commented configuration, make database, keys and first account.

    Without a terminal nothing is asked; what is missing is named. Ends with `check`, whose exit code is its own, and
    with what is to be done in the DNS and in firewalls.
    """
    logs.configure(Log(level=LogLevel.WARNING))
    file = _place(force=force)
    attended = sys.stdin.isatty() and sys.stdout.isatty() and not yes and not given["password_stdin"]
    if attended:
        introduce(file)
    plan = _plan(Asker(given, attended, file))
    for sentence in found(plan):
        say(sentence)
    if online is None:
        online = attended and click.confirm("Ask the servers and the DNS now whether all is well?", default=True)
    say()
    name_configuration(file)
    worst = check_all(online=online)
    settings = load_quietly()
    show_next_steps(settings, open_signer(settings))
    if worst:
        fail(worst)


def _place(*, force: bool) -> Path:
    """Where it is written. The example that is shipped is nobody's work, and is replaced."""
    config, system = PLACES
    file = (named_configuration() or (config if config.parent.is_dir() else system)).absolute()
    if file.exists() and not force and not _is_example(file):
        raise RefusedError(
            "{file} is there already: --force replaces it (database and keys stay), --config PATH names another",
            file=str(file),
        )
    return file


def _is_example(file: Path) -> bool:
    try:
        return file.read_bytes() == render_defaults().encode()
    except OSError:
        return False


def _plan(asker: Asker) -> Plan:
    """Everything that is asked, in order."""
    answers = asker.answers()
    data_key = asker.agreed("data_key", "Seal stored messages with a key file?", proposal=True)
    domain = asker.text("--dkim-domain", "Domain that signs what the gateway writes (DKIM; enter for none)", DOMAIN, "")
    selector = SELECTOR_PROPOSED
    if domain or asker.given["dkim_selector"]:
        selector = asker.text("--dkim-selector", "Name of that key in the DNS", SELECTOR, SELECTOR_PROPOSED)
    administrator = asker.administrator()
    password = asker.password(administrator) if administrator and not asker.wrong else ""
    refuse_wrong(asker)
    return Plan(
        file=asker.file,
        answers=answers,
        data_key=data_key,
        dkim_domain=domain,
        dkim_selector=selector,
        administrator=administrator,
        password=password,
        must_change_password=not asker.attended,
    )
