"""The ledger: what came from where, counted in memory and written down each minute, off the path of the mail.

It answers one question, before an entry is saved: what would it have matched? A count that a crash loses is no harm.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import structlog

from filters.address import MAX_DOMAIN, MAX_LOCAL_PART, NULL_PATH, canonical_domain
from filters.lists import EntryKind, ListIndex, address_base
from gateway.counters import FAULTS, STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.tally import Replay, TallyKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from filters.address import Mailbox
    from filters.lists import ListEntry
    from gateway.clock import Clock
    from gateway.store.unit_of_work import Store

FLUSH_INTERVAL = 60.0
"""Seconds."""
MOST_AUTHORS = 3
"""Addresses of one From field that are counted; honest mail has one."""
MOST_KEYS = 20_000
"""Different counts held in memory; a flood of made-up senders beyond it is not counted until the next flush."""

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Tallying:
    """One for the process. `secret` keys the hashes, the same on every node; `days` are kept."""

    store: Store
    clock: Clock
    secret: bytes
    days: int
    _seen: dict[tuple[date, tuple[Mailbox, ...], bool], int] = field(default_factory=dict)
    """Messages by day, by who claims to have written and sent them, and by whether an emergency recipient had them.

    Plain addresses, but for a minute and in memory: what is written down is hashed, once for each sender.
    """

    def note(self, authors: Sequence[Mailbox], reverse_path: Mailbox, at: datetime, *, emergency: bool) -> None:
        """Count a message: its first authors, and its reverse-path."""
        senders = [author for author in authors[:MOST_AUTHORS] if _is_kept(author)]
        if reverse_path != NULL_PATH:
            senders.append(reverse_path)
        key = (at.date(), tuple(senders), emergency)
        count = self._seen.get(key, 0)
        if count or len(self._seen) < MOST_KEYS:
            self._seen[key] = count + 1

    async def keep(self) -> None:
        """Write down each minute, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            try:
                await self.flush()
            except Exception:  # whatever it is, a count is not worth the gateway
                count(FAULTS)
                log.exception(Event.FAULT, doing="writing the ledger")

    async def flush(self) -> None:
        """Write down what was counted; with the store away it is kept for the next time."""
        seen, self._seen = self._seen, {}
        if not seen:
            return
        counts = await asyncio.to_thread(self._counts, seen)  # before the database: everybody else waits for that
        try:
            async with self.store.begin() as work:
                await work.ledger.add(counts)
                await work.ledger.forget_before(self._first_day())
        except StoreError as error:
            count(STORE_FAILURES)
            log.warning(Event.STORE_FAILED, doing="writing the ledger", reason=str(error))
            for key, messages in seen.items():
                self._seen[key] = self._seen.get(key, 0) + messages

    def _counts(self, seen: Mapping[tuple[date, tuple[Mailbox, ...], bool], int]) -> dict[TallyKey, int]:
        """A message counts once for each domain that its author or its reverse-path is at."""
        counts: dict[TallyKey, int] = {}
        for (day, senders, emergency), messages in seen.items():
            at_domain: dict[str, Mailbox] = {}
            for mailbox in senders:
                at_domain.setdefault(canonical_domain(mailbox.domain), mailbox)
            for domain, mailbox in at_domain.items():
                key = TallyKey(day, domain, self._hash(mailbox), emergency)
                if key in counts or len(counts) < MOST_KEYS:
                    counts[key] = counts.get(key, 0) + messages
        return counts

    async def replay(self, *entries: ListEntry) -> Replay:
        """What the entries, taken together, would have matched in the days that are kept."""
        first = self._first_day()
        async with self.store.reading() as work:
            known = await work.ledger.domains(first)
            domains, senders = await asyncio.to_thread(self._wanted, entries, known)
            totals = await work.ledger.totals(first, domains, senders)
        busiest = sorted(totals, key=lambda total: (-total.messages, total.domain))
        return Replay(days=self.days, domains=tuple(busiest))

    def _wanted(self, entries: Sequence[ListEntry], known: Sequence[str]) -> tuple[list[str], list[str]]:
        """The domains that are covered whole, and the senders that are listed by their address."""
        index = ListIndex(entry for entry in entries if entry.kind is not EntryKind.ADDRESS)
        addresses = (entry.value.rpartition("@") for entry in entries if entry.kind is EntryKind.ADDRESS)
        senders = dict.fromkeys(self._hash_of(address_base(local, domain)) for local, _, domain in addresses)
        return [domain for domain in known if index.lookup_domain(domain)], list(senders)

    def _first_day(self) -> date:
        return (self.clock.now() - timedelta(days=self.days)).date()

    def _hash(self, mailbox: Mailbox) -> str:
        return self._hash_of(address_base(mailbox.local_part, mailbox.domain))

    def _hash_of(self, address: str) -> str:
        octets = address.encode("utf-8", "replace")
        return blake2b(octets, digest_size=16, key=self.secret, person=b"ledger").hexdigest()


def _is_kept(author: Mailbox) -> bool:
    """What is longer than any address (RFC 5321 §4.5.3.1) is only there to fill memory."""
    return len(author.local_part) <= MAX_LOCAL_PART and len(author.domain) <= MAX_DOMAIN
