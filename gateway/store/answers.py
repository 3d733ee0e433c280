"""What was added to reports after they left, and what the collation address answered to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, exists, insert, select, update

from gateway.model.amendment import Amendment
from gateway.model.answer import Answer
from gateway.model.case import AnswerState
from gateway.store.columns import named
from gateway.store.correspondence_schema import amendments, answers
from gateway.store.embedded import brief
from gateway.store.schema import cases

if TYPE_CHECKING:
    from gateway.model.case import CaseId
    from gateway.store.engine import Connection

_AMENDMENTS = brief(
    select(amendments).where(amendments.c.case_id == bindparam("this")).order_by(amendments.c.at, amendments.c.item_id)
)
_ANSWERS = brief(select(answers).where(answers.c.case_id == bindparam("this")).order_by(answers.c.id))
_KNOWN = brief(
    select(exists().where(answers.c.case_id == bindparam("this"), answers.c.message_key == bindparam("key")))
)
_TELL_CASE = brief(update(cases).where(cases.c.id == bindparam("this")))


class Answers:
    """Amendments and answers that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def amend(self, case_id: CaseId, amendment: Amendment) -> None:
        """Keep what the mail of an outbox item adds to the report."""
        await self._connection.execute(insert(amendments), {"case_id": case_id, **named(amendment)})

    async def amendments(self, case_id: CaseId) -> list[Amendment]:
        """Those of a case, in the order in which they were made."""
        rows = (await self._connection.execute(_AMENDMENTS, {"this": case_id})).mappings()
        return [Amendment(**{name: row[name] for name in Amendment.__slots__}) for row in rows]

    async def add(self, case_id: CaseId, answer: Answer) -> bool:
        """Put an answer on the case, which then says so; False if the same mail was noted before.

        The last one counts: mail that came after a person recorded an answer wants to be read too.
        """
        if answer.was_seen and await self._is_known(case_id, answer.message_key):
            return False
        await self._connection.execute(insert(answers), {"case_id": case_id, **named(answer)})
        state = AnswerState.RECEIVED if answer.was_seen else AnswerState.ANSWERED
        await self._connection.execute(_TELL_CASE, {"this": case_id, "answer": state})
        return True

    async def _is_known(self, case_id: CaseId, key: str) -> bool:
        return bool((await self._connection.execute(_KNOWN, {"this": case_id, "key": key})).scalar_one())

    async def of(self, case_id: CaseId) -> list[Answer]:
        """Those of a case, in the order in which they were written down."""
        rows = (await self._connection.execute(_ANSWERS, {"this": case_id})).mappings()
        return [Answer(**{name: row[name] for name in Answer.__slots__}) for row in rows]
