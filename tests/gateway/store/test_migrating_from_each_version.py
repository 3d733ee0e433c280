"""From each revision that was ever released, with rows in it, to the head: everything can be read, and is sound."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from gateway.model.audit import GENESIS, chain_hash
from gateway.model.case_list import CaseFilter, CaseOrder
from gateway.store.columns import UtcDateTime
from gateway.store.consistency import check_consistency
from gateway.store.database_file import create_sqlite_file
from gateway.store.engine import open_engine
from gateway.store.tables import metadata
from gateway.store.unit_of_work import Store
from gateway.store.upgrading import alembic_configuration
from tests.support.databases import TEST_SEAL

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.support.clocks import StoppedClock

REVISIONS = sorted(one.revision for one in ScriptDirectory.from_config(alembic_configuration()).walk_revisions())
RAW = b"From: consul <office@mission.example>\r\nSubject: meeting\r\n\r\nWe would like to meet.\r\n"
REPORT = b"Subject: report\r\n\r\nhere it is\r\n"
AT = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
REFERENCE = "LG-AAAAA-AAAAA"
NOTHING_ASKED = {"result": "none", "domain": "", "reason": ""}
AUTHENTICATION = {"spf": NOTHING_ASKED, "dkim": [], "dmarc": NOTHING_ASKED, "dmarc_policy": "", "answers": []}


def audit_row(seq: int, previous: str, action: str, subject: str) -> dict[str, Any]:
    told: dict[str, Any] = {"seq": seq, "at": AT, "actor": "gateway", "action": action, "subject": subject}
    written = chain_hash(**told, detail={}, previous=previous)
    return {**told, "detail": "{}", "previous": previous, "hash": written}


FIRST = audit_row(1, GENESIS, "case-recorded", REFERENCE)
SECOND = audit_row(2, FIRST["hash"], "case-handled", REFERENCE)


def sealed(content: bytes, subject: str) -> dict[str, Any]:
    found = TEST_SEAL.seal(content, subject)
    return {"sha256": found.sha256, "size": found.size, "key_id": found.key_id, "blob": found.blob}


def rows() -> list[tuple[str, dict[str, Any]]]:
    """A row for every table of cases, mail, lists and log, with all the columns that there ever were."""
    case: dict[str, Any] = {
        "id": 1, "reference": REFERENCE, "intake_key": "key-1", "tier": "confirmed", "status": "closed",
        "received_at": AT, "reverse_path": "office@mission.example", "header_from": "consul <office@mission.example>",
        "subject": "meeting", "message_id": "<1@mission.example>", "sha256": hashlib.sha256(RAW).hexdigest(),
        "size": len(RAW), "entry": "mission.example", "entries": '["mission.example"]', "mission_en": "Embassy",
        "mission_fr": "Ambassade", "decline": "none", "report": "sent", "mode": "auto", "rulebook_version": 1,
        "client_ip": "192.0.2.1", "helo": "mail.mission.example", "protocol": "ESMTPS", "tls": "TLSv1.3",
        "smtputf8": False, "body": "8BITMIME", "findings": '[{"rule": "listed-identity", "evidence": "It is listed.", "identity": "", "address": "", "entry": "mission.example"}]',
        "ambiguous": "[]", "decline_reasons": '["an old sentence"]', "report_reasons": "[]",
        "authentication": json.dumps(AUTHENTICATION), "silenced": False, "disposal": "handled", "closed_at": AT,
    }  # fmt: skip
    item = {
        "id": "item-1", "case_id": 1, "purpose": "report", "recipient": "collation@ildc.example", "state": "sent",
        "created_at": AT, "due_at": AT, "attempts": 1, "last_reply": "250 ok", "requested_by": "", "summary": False,
    }  # fmt: skip
    return [
        ("rulebook_head", {"id": 1, "version": 1}),
        ("rulebook_versions", {"number": 1, "at": AT, "actor": "gateway", "text": "import"}),
        ("sender_entries", {
            "id": 1, "added_in": 1, "kind": "subtree", "value": "mission.example", "mission_en": "Embassy",
            "mission_fr": "Ambassade", "mission_zh": "", "country": "", "category": "mission", "legacy": False,
            "source": "", "verified": "", "note": "", "pack": "",
        }),
        ("cases", case),
        ("messages", {"case_id": 1, **sealed(RAW, REFERENCE)}),
        ("deliveries", {
            "case_id": 1, "recipient": "desk@police.example", "key": "desk@police.example", "tier": "confirmed",
            "state": "held", "reply": "",
        }),
        ("notes", {"case_id": 1, "at": AT, "actor": "cli:ann", "text": "a note"}),
        ("outbox_items", item),
        ("frozen_posts", {
            "item_id": "item-1", "reverse_path": "liaison@police.example", "recipient": "collation@ildc.example",
            "message_id": "<item-1@police.example>", "needs_verified_tls": True, "smtputf8": False, **sealed(REPORT, "item-1"),
        }),
        ("exemptions", {
            "id": "x1", "sender": "office@mission.example", "recipients": "[]", "until": AT, "approver": "chief", "reason": "visit",
        }),
        ("people", {
            "name": "ann", "full_name": "Ann", "roles": '["reviewer"]', "active": True, "language": "fr", "created_at": AT,
            "password_hash": "x", "must_change_password": False, "totp_step": 0,
        }),
        ("case_search", {"case_id": 1, "text": f"{REFERENCE}\nmeeting\n".casefold()}),
        ("case_entries", {"case_id": 1, "kind": "subtree", "value": "mission.example", "received_at": AT}),
        ("first_decisions", {"case_id": 1, "received_at": AT, "seconds": 60}),
        ("stored_values", {"key": "mode", "value": "assist"}),
        ("audit_entries", FIRST),
        ("audit_entries", SECOND),
    ]  # fmt: skip


def fill(connection: Connection) -> set[str]:
    """Raw SQL alone, into the tables and columns that the revision has; which tables those were."""
    there = inspect(connection)
    filled = set()
    for table, row in rows():
        if not there.has_table(table):
            continue
        known = {column["name"] for column in there.get_columns(table)}
        values = {name: _bound(connection, value) for name, value in row.items() if name in known}
        if table == "rulebook_head":
            connection.execute(text("DELETE FROM rulebook_head"))
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608
        filled.add(table)
    connection.execute(text("UPDATE audit_head SET seq = 2, hash = :hash"), {"hash": SECOND["hash"]})
    return filled


def _bound(connection: Connection, value: object) -> object:
    """A moment as SQLite's rows hold it."""
    if isinstance(value, datetime) and connection.dialect.name == "sqlite":
        return UtcDateTime().process_bind_param(value, connection.dialect).isoformat(sep=" ")  # type: ignore[union-attr]
    return value


def to_revision(connection: Connection, revision: str) -> set[str]:
    configuration = alembic_configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)
    return fill(connection)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_everything_of_an_older_version_can_be_read(
    empty_database_url: str, clock: StoppedClock, revision: str
) -> None:
    if empty_database_url.startswith("sqlite"):
        await asyncio.to_thread(create_sqlite_file, Path(empty_database_url.removeprefix("sqlite:///")))
    engines = open_engine(empty_database_url)
    async with engines.migrator.begin() as connection:
        filled = await connection.run_sync(to_revision, revision)
    await engines.close()
    store = Store.open(empty_database_url, TEST_SEAL, clock)
    assert (await store.schema_state()).current == revision
    await store.upgrade()
    assert (await store.schema_state()).up_to_date
    assert await check_consistency(store) == []
    async with store.reading() as work:
        (file,) = await work.case_files.matching()
        assert (file.case.reference, file.case.received_at, file.case.closed_at) == (REFERENCE, AT, AT)
        assert (len(file.deliveries), len(file.notes), file.holds) == (1, 1, ())
        assert await work.messages.get(file.case) == RAW
        (item,) = await work.outbox.list()
        post = await work.outbox.frozen(item.id)
        assert post is not None
        assert post.content == REPORT
        assert [
            line.reference for line in await work.case_list.first(CaseFilter(words=("MEETING",)), CaseOrder.NEWEST, 5)
        ] == [REFERENCE]
        assert [entry.value for entry in await work.senders.live()] == ["mission.example"]
        assert await work.values.get("mode") == "assist"
        assert {person.name for person in await work.people.list()} == ({"ann"} if "people" in filled else set())
        assert len(await work.disposals.closed(AT.replace(year=2030), None, 10)) == 1
    await store.close()


def test_every_revision_is_tried_and_the_first_tables_are_filled() -> None:
    assert REVISIONS[0] == "0001"
    assert {table for table, _ in rows()} <= set(metadata.tables)
