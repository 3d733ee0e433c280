"""A contact that somebody wrote down: a call, a visit, a letter, a meeting, a message on a social network.

Its document is stored where the content of a mail would be: what was written down has a digest, and is exported and
reported like an original.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from gateway.model.case import ContactKind

SCHEMA = "liaison-contact/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What a person knows of it. Only `kind`, `at` and `asked` are always known; the rest may be ""."""

    kind: ContactKind
    at: datetime
    """When it took place."""
    asked: str
    """What they wanted."""
    who: str = ""
    """The name that was given."""
    role: str = ""
    """What that person claimed to be."""
    mission: str = ""
    """For which mission or body."""
    approached: str = ""
    """Who of the agency was asked."""
    answered: str = ""
    """What was said to them."""
    note: str = ""

    @property
    def is_of_somebody(self) -> bool:
        """Whether it says who that was: by name, or by what was claimed."""
        return any(said.strip() for said in (self.who, self.role, self.mission))

    def document(self) -> bytes:
        """JSON, indented, UTF-8: the same contact has the same octets."""
        said = asdict(self) | {"at": self.at.isoformat()}
        return (json.dumps({"schema": SCHEMA} | said, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")

    @classmethod
    def read(cls, document: bytes) -> Self:
        """The contact of such a document; ValueError or KeyError for any other octets."""
        said = json.loads(document)
        if said.pop("schema") != SCHEMA:
            raise ValueError("no document of a contact")
        return cls(**said | {"kind": ContactKind(said["kind"]), "at": datetime.fromisoformat(said["at"])})
