"""The DMARC policy record, read (RFC 9989 §4.7, §4.8). Pure; unknown tags are ignored, hostile text is no record."""

from __future__ import annotations

import re
from dataclasses import dataclass

POLICIES = ("none", "quarantine", "reject")
"""What a domain owner asks of receivers, the mildest first."""

_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|$)")
_MOST_TAGS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcRecord:
    """Policies are "none", "quarantine" or "reject". `subdomain` and `absent` ("sp" and "np") have their defaults.

    `public_suffix` is True or False where the record says so (`psd=y`, `psd=n`), else None.
    """

    policy: str
    subdomain: str
    absent: str
    strict_spf: bool
    strict_dkim: bool
    testing: bool
    public_suffix: bool | None


def is_dmarc_record(text: str) -> bool:
    """Whether a TXT record is one: it begins with its version, to the letter (RFC 9989 §4.7)."""
    return _VERSION.match(text) is not None


def parse_dmarc_record(text: str) -> DmarcRecord:
    """The record; what is missing or not understood has its default, and a policy that is neither is `none`."""
    tags: dict[str, str] = {}
    for spec in text.split(";", _MOST_TAGS)[:_MOST_TAGS]:
        name, equals, value = spec.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip().lower())
    policy = _policy(tags.get("p"), "none")
    subdomain = _policy(tags.get("sp"), policy)
    return DmarcRecord(
        policy=policy,
        subdomain=subdomain,
        absent=_policy(tags.get("np"), subdomain),
        strict_spf=tags.get("aspf") == "s",
        strict_dkim=tags.get("adkim") == "s",
        testing=tags.get("t") == "y",
        public_suffix={"y": True, "n": False}.get(tags.get("psd", "")),
    )


def _policy(value: str | None, default: str) -> str:
    return value if value in POLICIES else default


def milder(policy: str) -> str:
    """One level down: what a record under test asks for (`t=y`, RFC 9989 §4.7)."""
    return POLICIES[max(0, POLICIES.index(policy) - 1)]
