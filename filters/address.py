"""Addresses: the path grammar of SMTP and the keys that lists compare.

(to be completed; signatures are fixed)
"""

from __future__ import annotations

from dataclasses import dataclass


class AddressError(ValueError):
    """The text is not a path that RFC 5321 §4.1.2 allows; the message says what is wrong, in words."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address as received: `local_part` keeps its quotes and case, `domain` its spelling.

    `NULL_PATH` is the empty reverse-path; a bare `postmaster` has an empty domain (RFC 5321 §4.1.1.3).
    """

    local_part: str
    domain: str

    def __str__(self) -> str:
        """The address without angle brackets: "" for the null path, "postmaster" for the bare one."""
        return f"{self.local_part}@{self.domain}" if self.domain else self.local_part

    @property
    def key(self) -> str:
        """What is compared: canonical local part @ canonical domain."""
        raise NotImplementedError


NULL_PATH = Mailbox("", "")


def parse_path(text: str, *, smtputf8: bool = False) -> Mailbox:
    """A path in angle brackets, without them: `user@domain`, `` (null), `postmaster`, `@a,@b:user@domain`."""
    raise NotImplementedError


def canonical_domain(text: str) -> str:
    """The A-label form that is compared (UTS #46, lower case, empty labels dropped); "" if nothing is left."""
    raise NotImplementedError


def canonical_local_part(text: str) -> str:
    """NFKC and case folding; quotes that quote nothing are removed."""
    raise NotImplementedError
