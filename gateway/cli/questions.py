"""What `liaison init` asks: each question is a key of the configuration, and an option of the command.

An answer is judged as the configuration would be, with all answers before it, so that what is wrong is said while the
person still looks at the question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from gateway.errors import ConfigurationError
from gateway.settings import Settings, Smtp, load_text, render_answers
from gateway.settings.kinds import UnfitError, UnfitItemsError, quoted
from gateway.settings.schema import default_of, keys_of, sections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateway.settings.key import Plain
    from gateway.settings.kinds import Kind
    from gateway.settings.rendering import KeyName

    Answers: TypeAlias = Mapping[KeyName, Plain]

AT_SYSTEM = "/etc/"
"""A configuration below this belongs to the machine; its data stand where the machine keeps data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One key. `asks` is read by people; `proposal` is None where nobody can guess.

    `several`: the answer is a list, on the command line by repeating the option. `instead` completes "write ..." where
    the answer does not fit the others: what the configuration would advise are keys, and nobody types keys here.
    """

    key: KeyName
    flag: str
    asks: str
    proposal: Callable[[Path], str | None]
    several: bool = False
    instead: str = ""

    @property
    def parameter(self) -> str:
        """The name that click hands the option's value over by."""
        return parameter_of(self.flag)

    def value_of(self, typed: str) -> Plain:
        """What somebody typed, as TOML would have it."""
        if self.several:
            return typed.replace(",", " ").split()
        text = typed.strip()
        return int(text) if self.key in _NUMBERS and text.isascii() and text.isdigit() else text

    def misfits(self, value: Plain, directory: Path) -> list[str]:
        """What is wrong with the value by itself, each with what can be typed instead."""
        kind = _kind_of(self.key)
        if self.key in _NUMBERS and isinstance(value, str):
            return [f"{quoted(value)} is no whole number; write {kind.right}"]
        try:
            kind.read(value, directory)
        except UnfitError as error:
            return [_advice(error, kind)]
        except UnfitItemsError as error:
            return [_advice(problem, kind.item or kind) for problem in error.problems]
        return []


_NUMBERS = {("decline", "delay")}


def parameter_of(flag: str) -> str:
    """The name that click hands the value of an option over by."""
    return flag.removeprefix("--").replace("-", "_")


def _kind_of(key: KeyName) -> Kind:
    table = next((section.fields for section in sections() if section.name == key[0]), Settings)
    return next(spec.key.kind for spec in keys_of(table) if spec.name == key[1])


def _advice(error: UnfitError, kind: Kind) -> str:
    """Without TOML's quotes, which a person at the terminal would type; "" stays, as only the shell takes it."""
    return f"{error}; write {typed_as(error.right or kind.right)}"


def typed_as(right: str) -> str:
    """What would be right, as it is typed: without the quotes that TOML needs."""
    return re.sub(r'"([^"]+)"', r"\1", right)


def _nothing(_: Path) -> str:
    return ""


def _nobody_knows(_: Path) -> None:
    return None


def _always(text: str) -> Callable[[Path], str]:
    return lambda _: text


def _own_name(_: Path) -> str | None:
    """The machine's name, if it is one that others can look up."""
    name = str(default_of(Smtp, "hostname"))
    return name if "." in name else None


def _database(file: Path) -> str:
    return "sqlite:////var/lib/liaison/liaison.db" if str(file).startswith(AT_SYSTEM) else "sqlite:///../var/liaison.db"


QUESTIONS: Sequence[Question] = (
    Question(
        key=("", "mode"),
        flag="--mode",
        asks="Mode: observe records and changes nothing, assist holds and asks, auto also answers by itself",
        proposal=_always("observe"),
    ),
    Question(
        key=("smtp", "hostname"),
        flag="--hostname",
        asks="Name of this gateway in the DNS, such as mx.police.example",
        proposal=_own_name,
    ),
    Question(
        key=("smtp", "listen"),
        flag="--listen",
        asks="Where it takes mail, host:port",
        proposal=_always("0.0.0.0:25"),
        several=True,
    ),
    Question(
        key=("route", "domains"),
        flag="--domain",
        asks="Domains that you receive mail for, each by its exact name",
        proposal=_nobody_knows,
        several=True,
    ),
    Question(
        key=("route", "next_hop"),
        flag="--next-hop",
        asks="Your mail server behind the gateway, host:port",
        proposal=_nobody_knows,
        several=True,
    ),
    Question(
        key=("emergency", "recipients"),
        instead="an address in a domain that you receive mail for, or name that domain too (--domain)",
        flag="--emergency",
        asks="Addresses of emergency services (dispatch, duty officer): served first, never declined for",
        proposal=_nothing,
        several=True,
    ),
    Question(
        key=("agency", "name_en"),
        flag="--name-en",
        asks="The agency in English, with its article, such as: the Example Police Service",
        proposal=_nobody_knows,
    ),
    Question(
        key=("agency", "name_fr"),
        flag="--name-fr",
        asks="The same in French, such as: le Service de police d'Exemple",
        proposal=_nobody_knows,
    ),
    Question(
        key=("agency", "contact_email"),
        flag="--contact-email",
        asks="Mailbox of records staff: reports come from it, the digest goes to it",
        proposal=_nobody_knows,
    ),
    Question(
        key=("agency", "contact_phone"),
        flag="--contact-phone",
        asks="Their telephone number",
        proposal=_nothing,
    ),
    Question(
        key=("agency", "consular_email"),
        instead="the address (--consular-email), or take another mode (--mode assist)",
        flag="--consular-email",
        asks="Address for consular matters, which every decline names; auto needs it",
        proposal=_nothing,
    ),
    Question(
        key=("agency", "consular_phone"),
        instead="the number (--consular-phone), or take another mode (--mode assist)",
        flag="--consular-phone",
        asks="The same by telephone; auto needs it",
        proposal=_nothing,
    ),
    Question(
        key=("outbound", "smarthost"),
        flag="--smarthost",
        asks="Server that sends what the gateway writes, host:port; without one nothing leaves for the world",
        proposal=_nothing,
    ),
    Question(
        key=("decline", "delay"),
        flag="--decline-delay",
        asks="Seconds in which records staff can still cancel a decline",
        proposal=_always("900"),
    ),
    Question(
        key=("store", "url"),
        flag="--store",
        asks="Database: a file (sqlite:///path) for one node, or postgresql://user@host/name",
        proposal=_database,
    ),
)


def objections(question: Question, answers: Answers, file: Path) -> list[str]:
    """Why the answer to this question does not fit the others, each with what can be typed instead."""
    name = ".".join(filter(None, question.key))
    found = (sentence.partition("; write ") for key, sentence in _problems(answers, file) if key == name)
    return [f"{wrong}; write {question.instead or right}" for wrong, _, right in found]


def remaining_objections(answers: Answers, file: Path) -> list[str]:
    """What is wrong with all answers together."""
    return [f"{key}: {sentence}" for key, sentence in _problems(answers, file)]


def _problems(answers: Answers, file: Path) -> list[tuple[str, str]]:
    """Key and sentence of each."""
    try:
        load_text(render_answers(answers), file)
    except ConfigurationError as error:
        said = (problem.removeprefix(f"{file}:").split(": ", 2) for problem in error.problems)
        return [(parts[1], parts[2]) for parts in said]
    return []
