"""`liaison users`: who may sign in to the console, and as what."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypedDict

import click

from gateway import tokens
from gateway.cli.invocation import Word, actor, config_option, json_option, login, with_desk
from gateway.cli.output import complain, say, show_json, show_table
from gateway.clock import moment
from gateway.model.people import Role, Verb, allowed
from gateway.operations import second_factor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.desk import Desk
    from gateway.model.people import Person

ISSUER = "Liaison Gateway"


class PersonShape(TypedDict):
    """A row of `users list`."""

    name: str
    full_name: str
    roles: list[str]
    active: bool
    second_factor: bool
    must_change_password: bool
    language: str
    created_at: str
    signed_in_at: str


name_argument = click.argument("name")
password_option = click.option(
    "--password-stdin", is_flag=True, help="Take the password from standard input; else one is made and shown."
)
roles_option = click.option(
    "--role", "roles", type=Word(Role), multiple=True, required=True, help="What the person is here for; repeatable."
)


@click.group()
@config_option
def users() -> None:
    """People who may sign in to the console."""


@users.command("list")
@json_option
@with_desk(Verb.KEEP_PEOPLE)
async def list_(desk: Desk, as_json: bool) -> None:
    """Show every account."""
    people = await desk.peoplekeeping.people()
    if as_json:
        show_json([_shape(person) for person in people])
        return
    show_table(
        ("name", "full name", "roles", "second factor", "last sign-in", "state"),
        [
            (
                person.name,
                person.full_name,
                ", ".join(sorted(person.roles)),
                "set up" if person.second_factor else "not set up",
                moment(person.signed_in_at) if person.signed_in_at else "never",
                "active" if person.active else "disabled",
            )
            for person in people
        ],
        empty="Nobody may sign in yet; `liaison users add NAME --role administrator` makes the first account.",
    )


@users.command()
@name_argument
@roles_option
@click.option("--full-name", default="", help="As colleagues see it.")
@click.option("--language", type=click.Choice(["en", "fr"]), default="en", show_default=True)
@click.option("--second-factor", "with_factor", is_flag=True, help="Set one up at once, and show its secret.")
@click.option("--keep-password", is_flag=True, help="Let the person keep this password.")
@password_option
@json_option
@with_desk(Verb.KEEP_PEOPLE, makes=True)
async def add(
    desk: Desk,
    name: str,
    roles: tuple[Role, ...],
    full_name: str,
    language: str,
    with_factor: bool,
    keep_password: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make an account for NAME. Its password is changed at the first sign-in, and a second factor is set up there."""
    password = _password(from_stdin=password_stdin)
    person = await desk.peoplekeeping.add(
        name, full_name, roles, password, actor=actor(), language=language, must_change_password=not keep_password
    )
    made: dict[str, Any] = {"name": person.name, "roles": sorted(person.roles)}
    if not password_stdin:
        made["password"] = password
    if with_factor:
        secret, codes = await desk.peoplekeeping.give_second_factor(person.name, actor=actor())
        made |= {
            "totp_secret": secret,
            "totp_uri": second_factor.address(secret, person.name, ISSUER),
            "recovery_codes": list(codes),
        }
    _warn_who_runs_this(person.name, person.roles)
    if as_json:
        show_json(made)
        return
    say(f"{person.name} may sign in as {', '.join(sorted(person.roles))}.")
    if not password_stdin:
        say(f"Password, shown only now: {password}")
    if with_factor:
        say(f"Secret of the one-time codes, shown only now: {made['totp_secret']}")
        say(f"Recovery codes, shown only now: {' '.join(made['recovery_codes'])}")


@users.command("roles")
@name_argument
@roles_option
@with_desk(Verb.KEEP_PEOPLE)
async def set_roles(desk: Desk, name: str, roles: tuple[Role, ...]) -> None:
    """Give NAME these roles and no others."""
    changed = await desk.peoplekeeping.set_roles(name, roles, actor=actor())
    person = await desk.peoplekeeping.person(name)
    _warn_who_runs_this(person.name, person.roles)
    say(f"{person.name} is {', '.join(sorted(person.roles))} {'now' if changed else 'already'}.")


@users.command()
@name_argument
@with_desk(Verb.KEEP_PEOPLE)
async def disable(desk: Desk, name: str) -> None:
    """Let NAME sign in no more; every session ends."""
    changed = await desk.peoplekeeping.set_active(name, active=False, actor=actor())
    say(f"{name} can't sign in any more; every session has ended." if changed else f"{name} is disabled already.")


@users.command()
@name_argument
@with_desk(Verb.KEEP_PEOPLE)
async def enable(desk: Desk, name: str) -> None:
    """Let NAME sign in again."""
    changed = await desk.peoplekeeping.set_active(name, active=True, actor=actor())
    say(f"{name} may sign in again." if changed else f"{name} is enabled already.")


@users.command("password")
@name_argument
@password_option
@with_desk(Verb.KEEP_PEOPLE)
async def reset_password(desk: Desk, name: str, password_stdin: bool) -> None:
    """Set another password for NAME, to be changed at the next sign-in; every session ends, and too many failures."""
    password = _password(from_stdin=password_stdin)
    await desk.peoplekeeping.reset_password(name, password, actor=actor())
    say(f"{name} has another password." if password_stdin else f"Password, shown only now: {password}")


@users.command("second-factor")
@name_argument
@with_desk(Verb.KEEP_PEOPLE)
async def reset_second_factor(desk: Desk, name: str) -> None:
    """Take away the second factor of NAME, who has lost it; a new one is set up at the next sign-in."""
    await desk.peoplekeeping.reset_second_factor(name, actor=actor())
    say(f"The second factor of {name} is taken away; every session has ended.")


def _warn_who_runs_this(name: str, roles: Iterable[Role]) -> None:
    """Who has had no account could run every command until now."""
    refused = [verb for verb in Verb if not allowed(roles, verb)]
    if name == login().casefold() and refused:
        complain(f"{name} is also the login that runs this command. From now on the commands that it runs are bound by")
        complain(f"the account's roles, and what takes one of these rights is refused: {', '.join(refused)}.")


def _password(*, from_stdin: bool) -> str:
    """The first line of standard input, without its line end; or one that is made."""
    if not from_stdin:
        return tokens.passphrase()
    return sys.stdin.readline().rstrip("\r\n")


def _shape(person: Person) -> PersonShape:
    return {
        "name": person.name,
        "full_name": person.full_name,
        "roles": sorted(person.roles),
        "active": person.active,
        "second_factor": person.second_factor,
        "must_change_password": person.must_change_password,
        "language": person.language,
        "created_at": person.created_at.isoformat(),
        "signed_in_at": person.signed_in_at.isoformat() if person.signed_in_at else "",
    }
