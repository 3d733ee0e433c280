"""May a decline be sent at all? RFC 3834 §2, §4; RFC 5321 §4.5.5. Each clause one function, its reason in words.

The clauses that nobody overrides and that values can answer; the destination's MX, silenced cases and paused
sending are asked elsewhere. `CLAUSES` is the table of contents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.address import NULL_PATH, AddressError, canonical_domain, canonical_local_part, parse_path
from filters.content import decode_text
from filters.identities import claims
from filters.lists import ListIndex
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from filters.address import Mailbox
    from filters.content import Header
    from filters.lists import ListEntry

RCMP_DOMAINS = frozenset({"rcmp-grc.gc.ca", "grc-rcmp.gc.ca", "rcmp.ca", "grc.ca"})
"""Where requests are referred and reports go: a decline to them would be a loop, or nonsense."""
LOOP_FIELD = "x-liaison-loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the clauses look at: the message that a decline would answer, and what is ours."""

    reverse_path: Mailbox
    header: Header
    entries: tuple[ListEntry, ...]
    own_domains: frozenset[str]
    is_own_token: Callable[[str], bool]

    def against(self, clauses: Iterable[Callable[[Occasion], Sentence | None]]) -> tuple[Sentence, ...]:
        """What these clauses have against an answer."""
        return tuple(reason for clause in clauses if (reason := clause(self)) is not None)


def _texts(header: Header, name: str) -> tuple[str, ...]:
    """Every value of a field, decoded, lower case, without comments and surrounding white space."""
    values = (decode_text(field.value) for field in header.all(name))
    return tuple(_COMMENT.sub("", value).strip().lower() for value in values)


_COMMENT = re.compile(r"\([^()]*+\)")


def hard_objections(
    reverse_path: Mailbox,
    header: Header,
    entries: tuple[ListEntry, ...],
    own_domains: frozenset[str],
    is_own_token: Callable[[str], bool],
) -> tuple[Sentence, ...]:
    """Why no decline may ever go to this reverse-path, in words; empty: nothing stands against it.

    `entries` are those that the message matched; `is_own_token` knows the tokens of our own X-Liaison-Loop.
    """
    occasion = Occasion(
        reverse_path=reverse_path, header=header, entries=entries, own_domains=own_domains, is_own_token=is_own_token
    )
    return occasion.against(CLAUSES)


def loop_objections(
    reverse_path: Mailbox, header: Header, own_domains: frozenset[str], is_own_token: Callable[[str], bool]
) -> tuple[Sentence, ...]:
    """Why not even a notice to our own people may follow, in words: the message is ours, or comes from within."""
    occasion = Occasion(
        reverse_path=reverse_path, header=header, entries=(), own_domains=own_domains, is_own_token=is_own_token
    )
    return occasion.against(LOOP_CLAUSES)


def answer_objections(
    reverse_path: Mailbox, header: Header, is_own_token: Callable[[str], bool]
) -> tuple[Sentence, ...]:
    """Why mail of our own people may not be answered by a program either, in words (RFC 3834 §2)."""
    occasion = Occasion(
        reverse_path=reverse_path, header=header, entries=(), own_domains=frozenset(), is_own_token=is_own_token
    )
    return occasion.against(ANSWER_CLAUSES)


def is_automatic(header: Header) -> bool:
    """Whether the message says that a program sent it (RFC 3834 §5)."""
    return _submitted_by(header) is not None


def _submitted_by(header: Header) -> str | None:
    """What Auto-Submitted says other than `no`; None where it says nothing else."""
    words = (text.partition(";")[0].strip() for text in _texts(header, "auto-submitted"))
    return next((word or "empty" for word in words if word != "no"), None)


def null_reverse_path(occasion: Occasion) -> Sentence | None:
    """RFC 5321 §4.5.5: what has a null reverse-path is never answered."""
    if occasion.reverse_path != NULL_PATH:
        return None
    return Sentence("The reverse-path is null: nobody asked for an answer.")


def malformed_reverse_path(occasion: Occasion) -> Sentence | None:
    """One mailbox, by the grammar of SMTP, with a domain."""
    if occasion.reverse_path == NULL_PATH:
        return None
    try:
        parsed = parse_path(str(occasion.reverse_path), smtputf8=True)
    except AddressError as error:
        return Sentence("The reverse-path is not one mailbox: {why}.", why=error.sentence)
    if parsed == occasion.reverse_path and parsed.domain:
        return None
    return Sentence("The reverse-path has no domain.")


def reverse_path_outside_the_entries(occasion: Occasion) -> Sentence | None:
    """A decline goes to the listed sender itself, or to nobody (RFC 3834 §4)."""
    inside = ListIndex(occasion.entries).lookup(occasion.reverse_path)
    if inside or occasion.reverse_path == NULL_PATH:
        return None
    return Sentence("The reverse-path is outside the listed entries.")


_ROLE = re.compile(
    r"owner-.*|.*-owner|.*-request|.*-bounces?|bounces?(?:[-+_=.].*)?|mailer-daemon|postmaster", re.DOTALL
)
_NOBODY_READS = ("noreply", "donotreply", "noresponse", "nepasrepondre", "noreponse")


def role_reverse_path(occasion: Occasion) -> Sentence | None:
    """RFC 3834 §2: addresses of lists, of programs, and those that say that nobody reads them."""
    local_part = canonical_local_part(occasion.reverse_path.local_part).strip('"')
    squeezed = re.sub(r"[-_.]", "", local_part)
    if _ROLE.fullmatch(local_part) or any(words in squeezed for words in _NOBODY_READS):
        return Sentence("The reverse-path belongs to a program or a list ({local_part}).", local_part=local_part)
    return None


def automatic_message(occasion: Occasion) -> Sentence | None:
    """RFC 3834 §2: no answer to anything whose Auto-Submitted says other than `no`."""
    said = _submitted_by(occasion.header)
    if said is None:
        return None
    return Sentence("The message was sent automatically ({field}).", field=f"Auto-Submitted: {said}")


def list_message(occasion: Occasion) -> Sentence | None:
    """RFC 2369, RFC 2919: any List- field."""
    name = next((field.name for field in occasion.header.fields if field.name.startswith("list-")), None)
    return None if name is None else Sentence("The message came through a list ({field}).", field=name)


def bulk_message(occasion: Occasion) -> Sentence | None:
    """RFC 3834 §2: Precedence, an old custom that still holds."""
    said = next((text for text in _texts(occasion.header, "precedence") if text in _NO_ANSWER_TO), None)
    return None if said is None else Sentence("The message is bulk mail ({field}).", field=f"Precedence: {said}")


_NO_ANSWER_TO = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})


def answer_by_a_program(occasion: Occasion) -> Sentence | None:
    """X-Autoreply and X-Autorespond, which older responders set."""
    names = (name for name in ("x-autoreply", "x-autorespond") if occasion.header.all(name))
    name = next(names, None)
    return None if name is None else Sentence("The message is an automatic answer ({field}).", field=name)


def answers_suppressed(occasion: Occasion) -> Sentence | None:
    """MS-OXCMAIL: the sender asks for no automatic answers."""
    words = {word.strip() for text in _texts(occasion.header, "x-auto-response-suppress") for word in text.split(",")}
    said = sorted(words & {"all", "autoreply", "oof"})
    if not said:
        return None
    field = f"X-Auto-Response-Suppress: {', '.join(said)}"
    return Sentence("The sender asks for no automatic answer ({field}).", field=field)


_REPORT_TYPES = frozenset({"multipart/report", "message/disposition-notification", "message/delivery-status"})


def report_message(occasion: Occasion) -> Sentence | None:
    """RFC 6522, RFC 8098: delivery reports and read receipts."""
    types = (re.sub(r"\s", "", text.partition(";")[0]) for text in _texts(occasion.header, "content-type"))
    said = next((kind for kind in types if kind in _REPORT_TYPES), None)
    if said is None:
        return None
    return Sentence("The message is a delivery report or a read receipt ({kind}).", kind=said)


def own_loop(occasion: Occasion) -> Sentence | None:
    """A token of ours: the message is one that we sent, come back (decision 14)."""
    tokens = (decode_text(field.value).strip() for field in occasion.header.all(LOOP_FIELD))
    return Sentence("The message carries our own loop token.") if any(map(occasion.is_own_token, tokens)) else None


def own_or_rcmp_originator(occasion: Occasion) -> Sentence | None:
    """Our own domains and the RCMP's, in the reverse-path or in any originator field, in any reading."""
    protected = RCMP_DOMAINS | {canonical_domain(domain) for domain in occasion.own_domains}
    for identity in claims(occasion.reverse_path, occasion.header).identities:
        labels = canonical_domain(identity.mailbox.domain).split(".")
        if any(".".join(labels[start:]) in protected for start in range(len(labels))[-_DEEPEST:]):
            return Sentence(
                "{identity} is the agency's own or the RCMP's.", identity=f"{identity.kind.value} {identity.mailbox}"
            )
    return None


_DEEPEST = 127
"""Labels that a domain name can have (RFC 1035 §3.1)."""

CLAUSES: tuple[Callable[[Occasion], Sentence | None], ...] = (
    null_reverse_path,
    malformed_reverse_path,
    reverse_path_outside_the_entries,
    role_reverse_path,
    automatic_message,
    list_message,
    bulk_message,
    answer_by_a_program,
    answers_suppressed,
    report_message,
    own_loop,
    own_or_rcmp_originator,
)

ANSWER_CLAUSES: tuple[Callable[[Occasion], Sentence | None], ...] = tuple(
    clause for clause in CLAUSES if clause not in {reverse_path_outside_the_entries, own_or_rcmp_originator}
)
"""Those that every answer by a program obeys, whoever it goes to."""

LOOP_CLAUSES: tuple[Callable[[Occasion], Sentence | None], ...] = (own_loop, own_or_rcmp_originator)
"""Those of them that a notice, too, obeys (decision 14)."""
