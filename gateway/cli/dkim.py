"""`liaison dkim`: the key that signs what the gateway writes, and the record that belongs into the DNS for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from gateway.cli.invocation import config_option, json_option, with_settings
from gateway.cli.new_files import SECRET, drafts
from gateway.cli.output import say, show_json
from gateway.compose.signing import Signer
from gateway.compose.signing_key import new_key, record_strings, record_text
from gateway.errors import RefusedError
from gateway.sending import open_signer
from gateway.settings.kinds import DOMAIN, SELECTOR, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings
    from gateway.settings.kinds import Kind

SELECTOR_PROPOSED = "liaison1"


class RecordShape(TypedDict):
    """The record to publish: `text` in one piece, `strings` as a zone file needs it."""

    name: str
    type: str
    text: str
    strings: list[str]


def of_kind(kind: Kind) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """The callback of an option that is read as the key of the configuration would be."""

    def read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        try:
            return None if value is None else str(kind.read(value, Path()))
        except UnfitError as error:
            raise click.BadParameter(f"{error}; write {error.right or kind.right}") from error

    return read


@click.group()
@config_option
def dkim() -> None:
    """The DKIM key: make one, show the record to publish."""


@dkim.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--domain", callback=of_kind(DOMAIN), required=True, help="Whose mail is signed: d=, police.example.")
@click.option(
    "--selector",
    callback=of_kind(SELECTOR),
    default=SELECTOR_PROPOSED,
    show_default=True,
    help="Names this key among others of the domain: s=.",
)
@json_option
@config_option
def key(file: Path, domain: str, selector: str, as_json: bool) -> None:
    """Make an RSA key of 2048 bits in FILE, for its owner alone, and show the record to publish."""
    if file.exists():
        raise RefusedError("{file} is there already: it stays as it is; name a file that is not there", file=str(file))
    pem = new_key()
    with drafts() as making:
        making.write(file, pem, SECRET)
        making.put_in_place()
    signer = Signer(domain, selector, pem)
    if as_json:
        show_json(_shape(signer))
        return
    say(f"{file} holds a new key, for its owner alone: the gateway's account has to be that owner.")
    say()
    show_record(signer)
    say()
    say("When the record can be seen everywhere, set this and send SIGHUP:")
    say()
    say(f'    [dkim]\n    domain = "{domain}"\n    selector = "{selector}"\n    key = "{file.absolute()}"')


@dkim.command()
@json_option
@with_settings
def record(settings: Settings, as_json: bool) -> None:
    """Show the record to publish for the configured key."""
    signer = open_signer(settings)
    if signer is None:
        raise RefusedError("No key is set: `liaison dkim key FILE` makes one, [dkim] names it")
    if as_json:
        show_json(_shape(signer))
    else:
        show_record(signer)


def show_record(signer: Signer) -> None:
    """The record as a line of a zone file, and as forms of DNS providers take it."""
    strings = " ".join(f'"{one}"' for one in record_strings(signer.key))
    say("Publish this TXT record. As a line of a zone file:")
    say()
    say(f"    {signer.record}. IN TXT ( {strings} )")
    say()
    say("In a form that asks for name and value:")
    say()
    say(f"    {signer.record}\n    {record_text(signer.key)}")


def _shape(signer: Signer) -> RecordShape:
    return {
        "name": signer.record,
        "type": "TXT",
        "text": record_text(signer.key),
        "strings": list(record_strings(signer.key)),
    }
