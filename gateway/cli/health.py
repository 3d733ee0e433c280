"""`liaison health`: whether the gateway of this configuration answers, for a container's or a load balancer's check."""

from __future__ import annotations

import http.client
import os
from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import config_option, fail, named_configuration
from gateway.cli.output import complain, say
from gateway.errors import LiaisonError
from gateway.settings import load_metrics

if TYPE_CHECKING:
    from gateway.settings import Endpoint

_WITHIN = 5.0
"""Seconds to connect, and again for each part of the answer."""


@click.command()
@click.option("--ready", is_flag=True, help="Ask whether mail may be sent here, not only whether the process answers.")
@config_option
def health(ready: bool) -> None:
    """Ask the gateway that runs with this configuration how it is, at `metrics.listen`.

    Exit code 0 when all is well; 1, and a sentence for each thing that is wrong, when not or when nobody answers.
    Of the configuration only [metrics] is needed: one that is wrong elsewhere does not make the gateway that runs ill.
    """
    metrics, wrong = load_metrics(named_configuration(), os.environ)
    if wrong:
        complain(f"warning: the configuration file is wrong, and no start or reload would obey it: {wrong[0]}")
    if metrics.listen is None:
        raise LiaisonError('metrics.listen is "": this gateway answers nobody; name an address')
    status, told = _asked(metrics.listen, "/readyz" if ready else "/healthz")
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
