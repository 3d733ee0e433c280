"""Asking for what a set-up needs: from the options, else from the person at the terminal, else from the proposals.

Nobody is waited for who is not there: without a terminal, what is missing is named with its option.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.output import say
from gateway.cli.questions import QUESTIONS, objections, parameter_of, remaining_objections, typed_as
from gateway.errors import ConfigurationError, RefusedError
from gateway.operations import passwords
from gateway.operations.peoplekeeping import account_name
from gateway.settings.kinds import UnfitError

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
    wrong: list[str] = field(default_factory=list)
    """What is wrong with the options that are given, each named."""

    def answers(self) -> dict[KeyName, Plain]:
        """An answer to every question that is answered well; what is wrong or missing is noted."""
        answers: dict[KeyName, Plain] = {}
        for question in QUESTIONS:
            answer = self._answer(question, answers)
            if answer is not None:
                answers[question.key] = answer
        if not self.missing and not self.wrong:
            self.wrong.extend(remaining_objections(answers, self.file))
        return answers

    def text(self, flag: str, asks: str, kind: Kind, proposal: str) -> str:
        """An answer that is no key of its own, of this kind."""

        def read(typed: str) -> str:
            try:
                return str(kind.read(typed, self.file.parent)) if typed else ""
            except UnfitError as error:
                raise click.UsageError(f"{error}; write {typed_as(error.right or kind.right)}") from error

        given = self.given[parameter_of(flag)]
        if given is not None:
            return self._option(flag, str(given), read) or ""
        return _prompt(asks, proposal, read) if self.attended else proposal

    def agreed(self, parameter: str, asks: str, *, proposal: bool) -> bool:
        """Yes or no."""
        given = self.given[parameter]
        if given is not None:
            return bool(given)
        return click.confirm(asks, default=proposal) if self.attended else proposal

    def administrator(self) -> str:
        """The first account's name; "" for none."""
        read = _saying_refusals(lambda typed: account_name(typed) if typed else "")
        given = self.given["admin"]
        if given is not None:
            return self._option("--admin", str(given), read) or ""
        if not self.attended:
            self.missing.append('--admin NAME (or --admin "")')
            return ""
        return _prompt("Name of the first administrator", ADMINISTRATOR, read)

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
        """None where it is missing or wrong."""
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
        return self._option(question.flag, typed, lambda typed: self._judged(question, typed, before))

    def _option(self, flag: str, typed: str, read: Callable[[str], T]) -> T | None:
        """What an option says; None, and a note, where it is wrong. Nobody is asked on after a wrong option."""
        try:
            return read(typed)
        except click.UsageError as error:
            self.wrong.append(f"{flag}: {error.message}")
        if self.attended:
            refuse_wrong(self)
        return None

    def _judged(self, question: Question, typed: str, before: Mapping[KeyName, Plain]) -> Plain:
        """Where an answer before it is missing or wrong, by itself: what it has to fit is not known."""
        value = question.value_of(typed)
        wrong = question.misfits(value, self.file.parent)
        if not (wrong or self.wrong or self.missing):
            wrong = objections(question, {**before, question.key: value}, self.file)
        if wrong:
            raise click.UsageError("; ".join(wrong))
        return value


def refuse_wrong(asker: Asker) -> None:
    """ConfigurationError that names all that is wrong with the options, and what an unattended set-up lacks."""
    wrong = list(asker.wrong)
    if asker.missing:
        wrong.append(f"Nobody can be asked here, and these have no proposal: {', '.join(asker.missing)}")
    if wrong:
        raise ConfigurationError(wrong)


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
