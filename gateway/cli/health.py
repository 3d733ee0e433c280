"""`liaison health`: whether the gateway of this configuration answers, for a container's or a load balancer's check."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import fail, with_settings
from gateway.cli.output import say
from gateway.errors import LiaisonError

if TYPE_CHECKING:
    from gateway.settings import Endpoint, Settings

_WITHIN = 5.0
"""Seconds to connect, and again for each part of the answer."""


@click.command()
@click.option("--ready", is_flag=True, help="Ask whether mail may be sent here, not only whether the process answers.")
@with_settings
def health(settings: Settings, ready: bool) -> None:
    """Ask the gateway that runs with this configuration how it is, at `metrics.listen`.

    Exit code 0 when all is well; 1, and a sentence for each thing that is wrong, when not or when nobody answers.
    """
    if settings.metrics.listen is None:
        raise LiaisonError('metrics.listen is "": this gateway answers nobody; name an address')
    status, told = _asked(settings.metrics.listen, "/readyz" if ready else "/healthz")
    say(told)
    if status != http.client.OK:
        fail()


def _asked(endpoint: Endpoint, path: str) -> tuple[int, str]:
    """Status and text of a page; LiaisonError where nobody answers."""
    asked = endpoint.from_here
    connection = http.client.HTTPConnection(asked.host, asked.port, timeout=_WITHIN)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace").rstrip("\n")
    except (OSError, http.client.HTTPException) as error:
        raise LiaisonError(f"metrics.listen {endpoint} does not answer ({error}): does `liaison serve` run?") from error
    finally:
        connection.close()
