"""The OpenID provider of the console: whether what is written about it can be meant, and whether it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli.checks.line import misconfigured, problem, well
from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.identity.openid import Provider, ProviderError
from gateway.identity.registration import registration
from gateway.operations.provider_sign_in import role_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.cli.checks.line import Line
    from gateway.settings import Settings


def look_at_provider(settings: Settings) -> Iterator[Line]:
    """No line where none is set: most consoles have none."""
    try:
        us, _ = registration(settings), role_rules(settings.oidc)
    except ConfigurationError as error:
        yield from misconfigured("oidc", error.problems)
        return
    if us is not None:
        yield well("oidc", f"people can sign in at {us.issuer}, which sends them back to {us.redirect_uri}")


async def ask_provider(settings: Settings) -> list[Line]:
    """Its metadata and its keys."""
    try:
        us = registration(settings)
        if us is None:
            return []
        keys = await Provider(us, SystemClock()).probe()
    except ConfigurationError:
        return []  # was said already
    except ProviderError as error:
        mend = "compare oidc.issuer with what the provider publishes, and let this machine reach it"
        return [problem("oidc", str(error), mend)]
    return [well("oidc", f"{us.issuer} answers, and has {keys} keys")]
