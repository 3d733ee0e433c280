"""What must not be found anywhere: clean mail at rest, addresses in the log, keys and passwords in any output."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest

from gateway.model.outbox import OutboxState
from tests.support.dialogue import Dialogue
from tests.support.gateway import port_of, write_configuration
from tests.support.mta import DROP, ScriptedMTA
from tests.support.served import ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import Link

SUBJECT, BODY, NAME = "Zanzibar-subject", "Quokka-body", "Ermintrude-name"
SENDER, RECIPIENT = "wolfhound-sender@town.example", "pangolin-recipient@police.example"
CONTENT = (SUBJECT, BODY, NAME)
ADDRESSES = ("wolfhound-sender", "pangolin-recipient")
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
MEBIBYTE = 1024 * 1024


def message(size: int = 0, *, more: bytes = b"") -> bytes:
    """Clean mail with something to find in every part, and again at its end."""
    head = f'From: "{NAME}" <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: {SUBJECT}\r\n'.encode()
    return head + more + f"\r\n{BODY}\r\n".encode() + b"0123456789 abcdef\r\n" * (size // 19) + f"{BODY}\r\n".encode()


@dataclass
class Process:
    """`liaison serve` with everything that it writes in one directory, and the log in a file."""

    process: asyncio.subprocess.Process
    port: int
    directory: Path
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def found_in_files(self, words: Iterable[str]) -> list[tuple[str, str]]:
        """Which of the words stand in which file, the log apart."""
        files = [path for path in self.directory.rglob("*") if path.is_file() and path.suffix not in {".log", ".toml"}]
        return [(word, path.name) for path in files for word in words if word.encode() in path.read_bytes()]

    def temporary_files(self) -> list[str]:
        return [path.name for path in (self.directory / "tmp").iterdir()]


@asynccontextmanager
async def serving(directory: Path, config: Path) -> AsyncIterator[Process]:
    """Under an umask that closes nothing to anybody; what it leaves behind is looked at after its end."""
    log_file, temporary = directory / "serve.log", directory / "tmp"
    temporary.mkdir()
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", "--config", str(config),
            stdout=asyncio.subprocess.PIPE, stderr=log, umask=0, env=os.environ | {"TMPDIR": str(temporary)},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            ready = (await process.stdout.readline()).decode()
        yield Process(process, port_of(ready, "smtp"), directory, log_file)
        assert await ended(process) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def says_whom_it_refuses(stage: str, link: Link) -> str | None:
    """A next hop that quotes addresses, as most do; `link.number` is that of the connection."""
    if stage.startswith("RCPT TO:<pangolin-recipient-unknown"):
        return f"550 5.1.1 <pangolin-recipient-unknown@police.example>: nobody; from {SENDER}"
    if stage == "content" and "refuse" in link.commands[-3]:
        return f"554 5.7.1 not for \"pangolin-recipient\"@police.example, '{RECIPIENT}' nor from={SENDER}"
    return DROP if stage == "content" and "drop" in link.commands[-3] else None


async def every_kind_of_clean_mail(process: Process) -> None:
    """Taken, refused, abandoned, cut off; of all sizes."""
    client = await Dialogue.open(process.port)
    for size in (0, 100_000, 2 * MEBIBYTE):
        await client.mail(SENDER, [RECIPIENT], message(size), expect="250")
    await client.say(f"MAIL FROM:<{SENDER}>", "250")
    await client.say("RCPT TO:<pangolin-recipient-unknown@police.example>", "550")
    await client.say("RSET", "250")
    await client.mail(f"refuse-{SENDER}", [RECIPIENT], message(), expect="554 5.7.1 not for")
    await client.mail(f"drop-{SENDER}", [RECIPIENT], message(), expect="451")
    await client.mail(SENDER, [RECIPIENT], message() + b".\0\r\n", expect="554 5.6.0")
    await client.mail(SENDER, [RECIPIENT], message(more=b"X: y\r\n" * 1200), expect="554 5.6.0")
    await client.say(f"MAIL FROM:<{SENDER}> RET={SUBJECT}", "555")
    await client.say(f"RCPT TO:<{RECIPIENT}>", "503")
    await client.say(f"{SUBJECT} {SENDER}", "500")
    await client.close()
    await leaves_in_mid_message(process, 1000)
    await leaves_in_mid_message(process, 2 * MEBIBYTE)


async def leaves_in_mid_message(process: Process, size: int) -> None:
    """While the message waits for its end it is in no file that has a name."""
    client = await Dialogue.open(process.port)
    await client.say(f"MAIL FROM:<{SENDER}>", "250")
    await client.say(f"RCPT TO:<{RECIPIENT}>", "250")
    await client.say("DATA", "354")
    client.send(message(size))
    await asyncio.sleep(0.3)
    assert process.temporary_files() == []
    assert process.found_in_files((*CONTENT, *ADDRESSES)) == []
    await client.close()


def everything_in(url: str) -> str:
    """All tables of a database as text."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            return "\n".join(connection.iterdump())
    with psycopg.connect(url) as database:
        names = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = (database.execute(f"SELECT t::text FROM {name} t".encode()).fetchall() for (name,) in names)  # noqa: S608
        return "\n".join(str(row) for table in rows for row in table)


@pytest.mark.parametrize("form", ["console", "json"])
async def test_nothing_of_clean_mail_is_kept_or_logged(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, form: str
) -> None:
    next_hop.script = says_whom_it_refuses
    config = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url=database_url, more=f'[log]\nlevel = "debug"\nformat = "{form}"'
    )  # fmt: skip
    async with serving(tmp_path, config) as process:
        await every_kind_of_clean_mail(process)
    assert len(next_hop.messages) == 3
    assert process.log.count("Message accepted") == 3
    assert "550 5.1.1" in process.log
    assert "554 5.7.1 not for" in process.log
    assert [word for word in (*CONTENT, *ADDRESSES) if word in process.log] == []
    assert "Traceback" not in process.log
    assert process.found_in_files((*CONTENT, *ADDRESSES)) == []
    stored = everything_in(database_url)
    assert "town.example" in stored  # the ledger counts domains
    assert [word for word in (*CONTENT, *ADDRESSES) if word in stored] == []


@pytest.mark.parametrize(("addresses", "shown"), [("plain", True), ("none", False)])
async def test_addresses_are_logged_as_the_configuration_says(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, addresses: str, shown: bool
) -> None:
    next_hop.script = says_whom_it_refuses
    config = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, more=f'[log]\nlevel = "debug"\naddresses = "{addresses}"'
    )  # fmt: skip
    async with serving(tmp_path, config) as process:
        await every_kind_of_clean_mail(process)
    assert [word for word in CONTENT if word in process.log] == []
    assert [word in process.log for word in ADDRESSES] == [shown, shown]


async def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path, next_hop: ScriptedMTA) -> None:
    config = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url=f"sqlite:///{tmp_path}/var/deep/liaison.db"
    )
    async with serving(tmp_path, config) as process:
        client = await Dialogue.open(process.port)
        await client.mail("office@mission.example", [RECIPIENT], message(), expect="250")
        await client.close()
        made = [tmp_path / "var", *(tmp_path / "var").rglob("*")]
        modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in made}
    assert modes == {
        "var": "0o700", "deep": "0o700", "liaison.db": "0o600", "liaison.db-wal": "0o600", "liaison.db-shm": "0o600",
    }  # fmt: skip
    assert process.temporary_files() == []


@pytest.mark.parametrize("key_file", ["", "keys"])
async def test_flagged_mail_is_sealed_with_the_key(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, key_file: str
) -> None:
    """Octets that don't compress: without a key they stand in the database as they came."""
    noise = os.urandom(60_000).translate(None, b"\0\r\n.")
    (tmp_path / "keys").write_text(f"k1 {KEY}\n")
    config = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url)
    config.write_text(config.read_text().replace("[store]", f'[store]\nkey_file = "{key_file}"'))
    async with serving(tmp_path, config) as process:
        client = await Dialogue.open(process.port)
        await client.mail("office@mission.example", [RECIPIENT], message() + noise + b"\r\n", expect="250")
        await client.close()
    kept = (tmp_path / "liaison.db").read_bytes()
    assert any(noise[start : start + 40] in kept for start in range(0, 50_000, 1000)) is not bool(key_file)
    assert process.found_in_files([KEY]) == [(KEY, "keys")]
    assert [word for word in (BODY, KEY) if word in process.log] == []


async def test_a_start_names_what_anybody_may_read_and_whether_it_runs_as_root(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA
) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct-horse")
    secret.chmod(0o644)
    config = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, more='[outbound]\nusername = "u"\npassword_file = "password"'
    )  # fmt: skip
    async with serving(tmp_path, config) as process:
        pass
    (line,) = [line for line in process.log.splitlines() if "secret_exposed" in line and str(secret) in line]
    assert "outbound.password_file" in line
    assert ("runs_as_root" in process.log) is (os.geteuid() == 0)
    assert "correct-horse" not in process.log


async def test_the_audit_log_of_a_case_holds_references_and_digests_and_nothing_of_the_mail(gateway: Running) -> None:
    """The smarthost's answers quote whom they are about; people write notes."""
    gateway.smarthost.script = lambda stage, _link: (
        f"554 5.7.1 {stage[8:]} from <office@mission.example>" if stage.startswith("RCPT") else None
    )
    await gateway.send(
        "office@mission.example", [RECIPIENT], message().replace(SENDER.encode(), b"office@mission.example")
    )
    (file,) = await gateway.cases()
    reference = file.case.reference
    await gateway.desk.casework.note(reference, f"{BODY} {RECIPIENT}", actor="desk")
    async with asyncio.timeout(20):
        while not (refused := [item for item in await gateway.items() if item.state is OutboxState.FAILED]):
            await asyncio.sleep(0.05)
    await gateway.desk.casework.close(reference, actor="desk")
    async with gateway.desk.store.reading() as work:
        rows = [repr(row) for row in await work.audit.entries()]
    assert any("554 5.7.1" in row and refused[0].id in row for row in rows)
    assert file.case.sha256 in "".join(rows)
    found = [
        word for word in (*CONTENT, *ADDRESSES, "office@", "collation@", "police.example") if word in "".join(rows)
    ]
    assert found == []
