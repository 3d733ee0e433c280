"""The intake mailbox: which recipient it is, and from whom it takes what was forwarded.

Both have to be ours: the sender's domain, and the host that hands the mail over. Either alone is soon forged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import NULL_PATH, canonical_domain
from gateway.model.networks import is_within
from gateway.model.reply import Reply

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.envelope import Origin
    from gateway.model.networks import IPNetwork

AUTOMATIC = Reply(550, "5.7.1", "This address takes what people forward, and nothing with a null reverse-path")
FOREIGN_SENDER = Reply(550, "5.7.1", "This address takes what the agency's own people forward: not your sender domain")
FOREIGN_HOST = Reply(550, "5.7.1", "This address takes mail from the agency's own mail servers: your host is none")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeMailbox:
    """`key` of its address, as recipients are compared; the canonical `domains` of senders; `networks` of clients."""

    key: str
    domains: frozenset[str]
    networks: tuple[IPNetwork, ...]

    def is_for(self, mailbox: Mailbox) -> bool:
        """Exactly that address: no tag, no other spelling that a next hop might take for it."""
        return mailbox.key == self.key

    def refusal(self, reverse_path: Mailbox, origin: Origin) -> Reply | None:
        """Why not from this sender or host, or None. The outermost client that is known counts, as for SPF."""
        if reverse_path == NULL_PATH:
            return AUTOMATIC
        if canonical_domain(reverse_path.domain) not in self.domains:
            return FOREIGN_SENDER
        client = origin.client.address
        internal = origin.internal and bool(client)
        return None if internal or is_within(client, self.networks) else FOREIGN_HOST
