"""The hard gate of a decline: asked for a new case, at the click, and before the bytes freeze. No hand overrides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import AddressError, parse_path
from filters.content import header_length, parse_header
from filters.responding import answer_objections, hard_objections, loop_objections
from filters.sentence import Sentence
from gateway import tokens
from gateway.model.case import ActionState, Disposal

if TYPE_CHECKING:
    from filters.address import Mailbox
    from filters.content import Header
    from filters.lists import ListEntry, ListIndex
    from gateway.model.case import Case


DISMISSED = Sentence("The case was dismissed: no approach by a mission.")
SILENCED = Sentence("The case was silenced: somebody decided that no decline may be sent.")


def called_off(case: Case) -> Sentence | None:
    """That somebody decided against a decline of the case, or None."""
    if case.silenced:
        return SILENCED
    return DISMISSED if case.disposal is Disposal.DISMISSED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The hard gate of a decline (RFC 3834 §2), asked about a stored case."""

    own_domains: frozenset[str]
    secret: bytes

    def objections(self, case: Case, raw: bytes, index: ListIndex) -> tuple[Sentence, ...]:
        """Why no decline may be sent for this case, in words; empty when nothing stands against it.

        `raw` is the content as received.
        """
        if not case.kind.is_mail:
            return (Sentence("It was no mail: there is no reverse-path to answer to."),)
        somebody = called_off(case)
        if somebody is not None:
            return (somebody,)
        if case.decline is ActionState.NONE:
            return (
                Sentence(
                    "Nothing is declined here: the tier ({tier}), the list entry or the mode says never.",
                    tier=case.tier,
                ),
            )
        try:
            reverse_path = parse_path(case.reverse_path, smtputf8=True)
        except AddressError as error:
            return (Sentence("Its reverse-path is not one mailbox: {why}.", why=error.sentence),)
        header = parse_header(raw[: header_length(raw)])
        return self.hard(reverse_path, header, index.lookup(reverse_path))

    def hard(self, reverse_path: Mailbox, header: Header, entries: tuple[ListEntry, ...]) -> tuple[Sentence, ...]:
        """What stands against a decline of this message, whoever asks for it."""
        return hard_objections(reverse_path, header, entries, self.own_domains, self._is_own_token)

    def may_notify(self, reverse_path: Mailbox, header: Header) -> bool:
        """Whether recipients of held mail may be told: not of what we sent ourselves (decision 14)."""
        return not loop_objections(reverse_path, header, self.own_domains, self._is_own_token)

    def may_acknowledge(self, reverse_path: Mailbox, header: Header) -> bool:
        """Whether an officer's mail may be answered by us: not a list's, a program's, or what we sent ourselves."""
        return not answer_objections(reverse_path, header, self._is_own_token)

    def _is_own_token(self, token: str) -> bool:
        return tokens.is_loop_token(self.secret, token)
