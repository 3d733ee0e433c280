"""People who may sign in, and the failures of those who tried.

Never sees a password: only its argon2id hash, made and checked by `gateway.operations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, insert, select, update

from gateway.model.people import Person, Role
from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.people_schema import people, recovery_codes, sign_in_failures
from gateway.store.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import RowMapping

    from gateway.store.engine import Connection
    from gateway.store.sealing import Seal

_THIS = people.c.name == bindparam("this")

_ALL = select(people).order_by(people.c.name)
_ONE = brief(select(people).where(_THIS))
_ADD = brief(insert_new(people).on_conflict_do_nothing(index_elements=[people.c.name]).returning(people.c.name))
_CHANGE = brief(update(people).where(_THIS))
_TAKE_STEP = brief(
    update(people).where(_THIS, people.c.totp_step < bindparam("step")).values(totp_step=bindparam("step"))
)
_USE_CODE = brief(
    delete(recovery_codes).where(
        recovery_codes.c.name == bindparam("this"), recovery_codes.c.digest == bindparam("code")
    )
)
_FAILED = brief(insert(sign_in_failures))
_FAILURES = brief(
    select(func.count(), func.min(sign_in_failures.c.at)).where(
        sign_in_failures.c.scope == bindparam("scope"), sign_in_failures.c.at >= bindparam("since")
    )
)


class People:
    """The people that a unit of work sees."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def list(self) -> list[Person]:
        """Everybody, by name."""
        return [person_of(row) for row in (await self._connection.execute(_ALL)).mappings()]

    async def get(self, name: str) -> Person | None:
        """The person of this name, or None."""
        row = await self._row(name)
        return None if row is None else person_of(row)

    async def add(self, person: Person, password_hash: str) -> bool:
        """A new person, without a second factor; False if the name is taken."""
        values = {
            "name": person.name,
            "full_name": person.full_name,
            "roles": tuple(sorted(person.roles)),
            "active": person.active,
            "language": person.language,
            "created_at": person.created_at,
            "password_hash": password_hash,
            "must_change_password": person.must_change_password,
            "totp_step": 0,
        }
        return (await self._connection.execute(_ADD, values)).first() is not None

    async def change(self, name: str, **values: object) -> bool:
        """Set columns of a person; False if there is none of that name."""
        return (await self._connection.execute(_CHANGE, {"this": name, **values})).rowcount == 1

    async def password_hash(self, name: str) -> str | None:
        """What the password is checked against."""
        row = await self._row(name)
        return None if row is None else str(row["password_hash"])

    async def second_factor(self, name: str) -> str | None:
        """The secret of the person's one-time codes (base32), or None."""
        row = await self._row(name)
        if row is None or row["totp_blob"] is None:
            return None
        sealed = Sealed(row["totp_sha256"], row["totp_size"], row["totp_key_id"], row["totp_blob"])
        return self._seal.unseal(sealed, secret_subject(name)).decode()

    async def set_second_factor(self, name: str, secret: str | None, recovery: Collection[str] = ()) -> None:
        """Put a second factor in place with the digests of its recovery codes, or take it away."""
        await self._connection.execute(delete(recovery_codes).where(recovery_codes.c.name == name))
        if secret is None:
            await self.change(name, totp_sha256=None, totp_size=None, totp_key_id=None, totp_blob=None, totp_step=0)
            return
        sealed = self._seal.seal(secret.encode(), secret_subject(name))
        await self.change(
            name, totp_sha256=sealed.sha256, totp_size=sealed.size, totp_key_id=sealed.key_id, totp_blob=sealed.blob
        )
        await self._connection.execute(insert(recovery_codes), [{"name": name, "digest": one} for one in recovery])

    async def take_step(self, name: str, step: int) -> bool:
        """Use up a time step, so that a code that was seen can't be used again (RFC 6238 §5.2); False if it was."""
        return (await self._connection.execute(_TAKE_STEP, {"this": name, "step": step})).rowcount == 1

    async def use_recovery_code(self, name: str, digest: str) -> bool:
        """Use a recovery code up; False if it is none."""
        return (await self._connection.execute(_USE_CODE, {"this": name, "code": digest})).rowcount == 1

    async def recovery_codes_left(self, name: str) -> int:
        """How many are unused."""
        counting = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.name == name)
        return (await self._connection.execute(counting)).scalar_one()

    async def note_failure(self, scopes: Collection[str], at: datetime) -> None:
        """Somebody could not sign in."""
        for scope in scopes:
            await self._connection.execute(_FAILED, {"scope": scope, "at": at})

    async def failures(self, scope: str, since: datetime) -> tuple[int, datetime | None]:
        """How many failures there were since then, and when the first of them was."""
        count, first = (await self._connection.execute(_FAILURES, {"scope": scope, "since": since})).one()
        return count, first

    async def forget_failures(self, before: datetime, scope: str = "") -> None:
        """Of one scope altogether, and whatever is older than that."""
        old = (sign_in_failures.c.at < before) | (sign_in_failures.c.scope == scope)
        await self._connection.execute(delete(sign_in_failures).where(old))

    async def _row(self, name: str) -> RowMapping | None:
        return (await self._connection.execute(_ONE, {"this": name})).mappings().one_or_none()


def person_of(row: RowMapping) -> Person:
    """The person of a row."""
    return Person(
        name=row["name"],
        full_name=row["full_name"],
        roles=frozenset(map(Role, row["roles"])),
        active=row["active"],
        language=row["language"],
        created_at=row["created_at"],
        signed_in_at=row["signed_in_at"],
        second_factor=row["totp_blob"] is not None,
        must_change_password=row["must_change_password"],
    )


def secret_subject(name: str) -> str:
    """What the secret of somebody's one-time codes is bound to."""
    return f"second factor of {name}"
