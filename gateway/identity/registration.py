"""What the configuration says of the OpenID provider, read and made whole: the secret out of its file, too.

Asks nobody. ConfigurationError says what is wrong, and never repeats the secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.identity.openid import Registration

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings

BACK = "sign-in/provider/back"
"""Where the provider sends people back to, below `console.public_url`: registered there."""


def registration(settings: Settings) -> Registration | None:
    """What the provider knows us by; None where no provider is set."""
    oidc = settings.oidc
    if not oidc.issuer:
        return None
    return Registration(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        secret=_secret(oidc.client_secret_file),
        scope=oidc.scope,
        redirect_uri=f"{settings.console.public_url}/{BACK}",
        acr=oidc.acr,
    )


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        secret = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        wrong = f"oidc.client_secret_file: {file} can't be read: {error}; write the secret alone into it"
        raise ConfigurationError([wrong]) from error
    if not secret:
        raise ConfigurationError([f"oidc.client_secret_file: {file} is empty; write the secret alone into it"])
    return secret
