"""Contacts by hand: an approach that came by telephone, in person, by letter, at an event or on a social network.

It becomes a case like any other: same form of reference, same audit log, same report, same retention. There is
nobody to decline to, and nothing to hold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filters.disposition import Tier
from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.case import ActionState, Case, CaseStatus
from gateway.model.outbox import Purpose, new_item

if TYPE_CHECKING:
    from filters.lists import ListEntry
    from filters.rulebook import Rulebook
    from gateway.clock import Clock
    from gateway.model.contact import Contact
    from gateway.store.unit_of_work import Store, Work

LONGEST = 10_000
"""Characters of one field."""
FIRST_YEAR = 1990
"""A day before it is a slip of the pen, such as the year 26."""
_SUBJECT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """The verb. `secret` is what references are drawn with; `collation_address` is where reports go."""

    store: Store
    clock: Clock
    secret: bytes
    collation_address: str

    async def record(self, contact: Contact, rulebook: Rulebook, *, report: bool, actor: str, form: str = "") -> Case:
        """Write it down as a case; with `report` it is reported at once, else that waits for a person.

        The same words from the same `form` are the same case, however often it is sent; "" is a form of its own.
        """
        contact = _tidied(contact)
        self._check(contact)
        document = contact.document()
        async with self.store.begin() as work:
            entry = _entry_of(contact.mission, await work.senders.live())
            key = self._key(document, actor, form)
            case, is_new = await work.cases.insert_or_find(self._case(contact, document, rulebook, entry, key))
            if not is_new:
                return case
            await work.messages.put(case, document)
            if report:
                await self._report(work, case, actor)
            detail = {"kind": contact.kind, "sha256": case.sha256, "report": "requested" if report else "review"}
            await work.audit.append(actor, "contact-recorded", case.reference, detail)
            return await work.cases.by_id(case.stored_id) or case

    async def _report(self, work: Work, case: Case, actor: str) -> None:
        item = new_item(
            tokens.item_id(), Purpose.REPORT, self.collation_address, case, now=self.clock.now(), requested_by=actor
        )
        await work.outbox.add([item])

    def _check(self, contact: Contact) -> None:
        if contact.kind.is_mail:
            raise RefusedError("Mail is recorded when it comes in, not by hand")
        if contact.at > self.clock.now():
            raise RefusedError("The contact can't have taken place in the future")
        if contact.at.year < FIRST_YEAR:
            raise RefusedError("The contact can't have taken place in the year {year}", year=str(contact.at.year))
        if not contact.asked.strip():
            raise RefusedError("What was asked has to be said: it is what the report is about")
        if not contact.is_of_somebody:
            raise RefusedError("Say who it was, or what role or mission they claimed")
        texts = (contact.asked, contact.who, contact.role, contact.mission, contact.approached, contact.answered)
        if any(len(text) > LONGEST for text in (*texts, contact.note)):
            raise RefusedError("A field has at most {most} characters", most=LONGEST)

    def _key(self, document: bytes, actor: str, form: str) -> str:
        said = f"{actor} {form} {hashlib.sha256(document).hexdigest()}"
        return f"contact:{tokens.derived_id(self.secret, said) if form else tokens.item_id()}"

    def _case(self, contact: Contact, document: bytes, rulebook: Rulebook, entry: ListEntry | None, key: str) -> Case:
        return Case(
            reference=tokens.case_reference(self.secret, key),
            intake_key=key,
            tier=Tier.UNVERIFIED,
            status=CaseStatus.OPEN,
            received_at=contact.at,
            reverse_path="",
            header_from=", ".join(filter(None, (_line(contact.who), _line(contact.role)))),
            subject=_line(contact.asked)[:_SUBJECT],
            message_id="",
            sha256=hashlib.sha256(document).hexdigest(),
            size=len(document),
            entry=entry.value if entry else "",
            entries=(),
            mission_en=entry.mission_en if entry else _line(contact.mission),
            mission_fr=entry.mission_fr if entry else _line(contact.mission),
            decline=ActionState.NONE,
            report=ActionState.REVIEW,
            mode=rulebook.mode,
            rulebook_version=rulebook.version,
            client_ip="",
            helo="",
            protocol="",
            tls="",
            smtputf8=False,
            body="",
            kind=contact.kind,
        )


def _tidied(contact: Contact) -> Contact:
    """Without the spaces that people leave around what they type, and with one kind of line end."""
    return replace(
        contact,
        asked=_tidy(contact.asked),
        who=_tidy(contact.who),
        role=_tidy(contact.role),
        mission=_tidy(contact.mission),
        approached=_tidy(contact.approached),
        answered=_tidy(contact.answered),
        note=_tidy(contact.note),
    )


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _entry_of(mission: str, live: list[ListEntry]) -> ListEntry | None:
    """The listed mission that is meant: by an entry's value, or by its name in one of the languages."""
    meant = mission.strip().casefold()
    named = (
        entry
        for entry in live
        if meant in {entry.value.casefold(), entry.mission_en.casefold(), entry.mission_fr.casefold()}
    )
    return next(named, None) if meant else None


def _line(text: str) -> str:
    return " ".join(text.split())
