"""Asking for what a set-up needs: from the options, else from the person at the terminal, else from the proposals.

Nobody is waited for who is not there: without a terminal, what is missing is named with its option.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.output import say
from gateway.cli.questions import QUESTIONS, objections, remaining_objections
from gateway.errors import ConfigurationError, RefusedError
from gateway.operations import passwords
from gateway.operations.peoplekeeping import account_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gateway.cli.questions import Question
    from gateway.settings.key import Plain
    from gateway.settings.kinds import Kind
    from gateway.settings.rendering import KeyName

ADMINISTRATOR = "admin"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asker:
    """`given` holds the options by parameter: None, or () for what may be repeated, is not given."""

    given: Mapping[str, object]
    attended: bool
    file: Path
    missing: list[str] = field(default_factory=list)
    """Options without which an unattended set-up can't be made."""

    def answers(self) -> dict[KeyName, Plain]:
        """An answer to every question. ConfigurationError where options are wrong or missing."""
        answers: dict[KeyName, Plain] = {}
        for question in QUESTIONS:
            answer = self._answer(question, answers)
            if answer is not None:
                answers[question.key] = answer
        if not self.missing and (problems := remaining_objections(answers, self.file)):
            raise ConfigurationError(problems)
        return answers

    def text(self, parameter: str, asks: str, kind: Kind, proposal: str) -> str:
        """An answer that is no key of its own, of this kind; an option that is given is of it already."""
        given = self.given[parameter]
        if given is not None or not self.attended:
            return proposal if given is None else str(given)

        def read(typed: str) -> str:
            try:
                return str(kind.read(typed, self.file.parent)) if typed else ""
            except ValueError as error:
                raise click.UsageError(f"{error}; write {kind.right}") from error

        return _prompt(asks, proposal, read)

    def agreed(self, parameter: str, asks: str, *, proposal: bool) -> bool:
        """Yes or no."""
        given = self.given[parameter]
        if given is not None:
            return bool(given)
        return click.confirm(asks, default=proposal) if self.attended else proposal

    def administrator(self) -> str:
        """The first account's name; "" for none."""
        given = self.given["admin"]
        if given is not None:
            return account_name(str(given)) if given else ""
        if not self.attended:
            self.missing.append('--admin NAME (or --admin "")')
            return ""

        def read(typed: str) -> str:
            return account_name(typed) if typed else ""

        return _prompt("Name of the first administrator", ADMINISTRATOR, _saying_refusals(read))

    def password(self, name: str) -> str:
        """A password that may be one, never shown."""
        if self.given["password_stdin"]:
            password = sys.stdin.readline().rstrip("\r\n")
            passwords.check_new(password, name)
            return password
        if not self.attended:
            self.missing.append("--password-stdin")
            return ""

        def read(typed: str) -> str:
            passwords.check_new(typed, name)
            return typed

        asks = f"Password of {name}, at least {passwords.SHORTEST} characters"
        typed: str = click.prompt(
            asks, hide_input=True, confirmation_prompt="The same again", value_proc=_saying_refusals(read)
        )
        return typed

    def _answer(self, question: Question, before: dict[KeyName, Plain]) -> Plain:
        """None where it is missing."""
        given = self.given[question.parameter]
        proposal = question.proposal(self.file)
        if given not in (None, ()):
            typed = " ".join(given) if isinstance(given, tuple) else str(given)
        elif not self.attended:
            if proposal is None:
                self.missing.append(question.flag)
                return None
            typed = proposal
        else:
            return _prompt(question.asks, proposal, lambda typed: self._judged(question, typed, before))
        try:
            return self._judged(question, typed, before)
        except click.UsageError as error:
            raise ConfigurationError([f"{question.flag}: {error.message}"]) from error

    def _judged(self, question: Question, typed: str, before: Mapping[KeyName, Plain]) -> Plain:
        value = question.value_of(typed)
        if wrong := objections(question, {**before, question.key: value}, self.file):
            raise click.UsageError("; ".join(wrong))
        return value


def refuse_missing(asker: Asker) -> None:
    """ConfigurationError that names what an unattended set-up lacks."""
    if asker.missing:
        raise ConfigurationError([f"Nobody can be asked here, and these have no proposal: {', '.join(asker.missing)}"])


def introduce(file: Path) -> None:
    """What the person is about to do."""
    say(f"This writes {file}, and makes the database, the keys and the first account.")
    say("Enter takes what stands in brackets; several answers are separated by commas. Nothing is kept before the end:")
    say("Ctrl-C leaves everything as it is.")
    say()


def _prompt(asks: str, proposal: str | None, read: Callable[[str], T]) -> T:
    """Ask until the answer can be read. Click complains and asks again where `read` raises a UsageError."""
    answer: T = click.prompt(asks, default=proposal, show_default=bool(proposal), value_proc=read)
    return answer


def _saying_refusals(read: Callable[[str], str]) -> Callable[[str], str]:
    def judged(typed: str) -> str:
        try:
            return read(typed)
        except RefusedError as error:
            raise click.UsageError(str(error)) from error

    return judged
