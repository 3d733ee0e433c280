from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import create_engine, text

from tests.support.nameserver import name_server, standing_port
from tests.support.signatures import KeyPair, key_pair

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine
    from tests.support.databases import PostgresServer

__all__ = ["key_pair"]

Row = dict[str, object]


def change(liaison: CommandLine, old: str, new: str) -> None:
    written = liaison.config.read_text()
    assert old in written
    liaison.config.write_text(written.replace(old, new))


def wrong(liaison: CommandLine, code: int) -> list[str]:
    """The lines that say what is wrong; the exit code has to be this one."""
    result = liaison("check")
    assert (result.exit_code, result.stderr) == (code, ""), result.output
    return [line for line in result.stdout.splitlines() if line.startswith("wrong ")]


def test_all_is_well_before_the_first_start(new_liaison: CommandLine) -> None:
    lines = new_liaison.ok("check").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "configuration:"], ["warning", "configuration:"], ["ok", "packs:"],
        ["ok", "templates:"], ["warning", "tls:"], ["warning", "dkim:"], ["ok", "s/mime:"], ["warning", "database:"],
    ]  # fmt: skip
    assert "still the example's: agency.name_en" in lines[1]
    assert "is not there" in lines[-1]
    assert not new_liaison.database.exists()


def test_all_is_well_after_it(liaison: CommandLine) -> None:
    liaison.ok("senders", "list")
    assert "ok database: it answers, at schema " in liaison.ok("check")


def test_programs_get_every_line_too(liaison: CommandLine) -> None:
    lines = cast("list[Row]", liaison.json("check"))
    assert all(line["ok"] and line["says"] for line in lines)


def test_a_wrong_key_is_named_with_file_and_line_and_what_would_be_right(liaison: CommandLine) -> None:
    change(liaison, "next_hop =", "nexthop =")
    lines = wrong(liaison, 2)
    assert any(f"{liaison.config}:9: route.nexthop:" in line or "route[0].nexthop" in line for line in lines), lines
    assert any("next_hop" in line for line in lines)


def test_a_pack_that_lists_the_wrong_is_named(liaison: CommandLine) -> None:
    (liaison.directory / "pack.toml").write_text('[[entry]]\nkind = "subtree"\nvalue = "gov.cn"\n')
    assert ["gov.cn is a public suffix" in line for line in wrong(liaison, 2)] == [True]


def test_a_pack_that_can_not_be_read_is_named_with_its_line(liaison: CommandLine) -> None:
    (liaison.directory / "pack.toml").write_text('[[entry]]\nkind = "planet"\nvalue = "mars.example"\n')
    (line,) = wrong(liaison, 2)
    assert "pack.toml:2: " in line


def test_a_certificate_that_is_none_is_named(liaison: CommandLine) -> None:
    liaison.file("cert.pem", "no certificate")
    change(liaison, "[smtp]", '[smtp]\ntls_certificate = "cert.pem"\ntls_key = "cert.pem"')
    (line,) = wrong(liaison, 2)
    assert line.startswith("wrong tls: smtp.tls_certificate and smtp.tls_key can't be used")


def sign_with(liaison: CommandLine, pem: bytes | str, domain: str = "police.example") -> str:
    path = liaison.file("dkim.pem", pem)
    dkim = f'[dkim]\ndomain = "{domain}"\nselector = "liaison1"\nkey = "dkim.pem"\n'
    change(liaison, "[collation]", f"{dkim}[collation]")
    return path


def test_a_dkim_key_is_well_and_the_record_to_publish_is_named(liaison: CommandLine, key_pair: KeyPair) -> None:
    sign_with(liaison, key_pair.pem)
    said = liaison.ok("check")
    assert "ok dkim: what the gateway writes is signed; the public key belongs at liaison1._domainkey.police.ex" in said
    assert "DMARC" not in said
    assert "not obeyed" not in said


def test_a_from_outside_the_signing_domain_is_remarked_on(liaison: CommandLine, key_pair: KeyPair) -> None:
    sign_with(liaison, key_pair.pem, domain="elsewhere.example")
    (line,) = [line for line in liaison.ok("check").splitlines() if "DMARC" in line]
    assert "outside elsewhere.example: agency.contact_email, collation.from; " in line


@pytest.mark.parametrize("command", [["check"], ["serve", "--role", "dispatch"]], ids=["check", "serve"])
def test_a_dkim_key_that_is_none_is_named_with_what_would_be_right(liaison: CommandLine, command: list[str]) -> None:
    path = sign_with(liaison, "no key")
    result = liaison(*command)
    assert result.exit_code == 2
    said = (
        f"dkim.key: {path} holds no private key in PEM; write an RSA private key of 2048 to 4096 bits in PEM, without"
    )
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.output


def test_a_dkim_key_that_is_not_there_is_named_with_its_line(liaison: CommandLine) -> None:
    path = sign_with(liaison, "")
    Path(path).unlink()
    (line,) = wrong(liaison, 2)
    assert "dkim.key: " in line
    assert "can't be read" in line


def test_a_key_file_that_is_none_is_named_with_its_line(liaison: CommandLine) -> None:
    liaison.file("keys", "# a comment\nonly-an-id\n")
    change(liaison, "[store]", '[store]\nkey_file = "keys"')
    (line,) = wrong(liaison, 2)
    assert "keys:2: " in line


def test_a_database_that_can_not_be_read_is_exit_1(liaison: CommandLine) -> None:
    liaison.file("liaison.db", b"this is no database, and never was one" * 100)
    (line,) = wrong(liaison, 1)
    assert line.startswith("wrong database: ")


def test_an_old_schema_is_exit_1_and_says_what_to_do(liaison: CommandLine) -> None:
    liaison.ok("db", "upgrade")
    engine = create_engine(f"sqlite:///{liaison.database}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()
    (line,) = wrong(liaison, 1)
    assert "it is at schema 0000" in line
    assert "`liaison db upgrade`" in line


def test_a_newer_schema_is_exit_1_and_nobody_is_told_to_upgrade_it(liaison: CommandLine) -> None:
    liaison.ok("db", "upgrade")
    engine = create_engine(f"sqlite:///{liaison.database}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    (line,) = wrong(liaison, 1)
    assert "a newer version" in line
    assert "`liaison db upgrade`" not in line


def test_an_empty_database_is_well(liaison: CommandLine) -> None:
    liaison.file("liaison.db", b"")
    assert "ok database: it is empty" in liaison.ok("check")


@pytest.mark.parametrize("answers", [True, False], ids=["there", "away"])
def test_online_asks_the_next_hop(liaison: CommandLine, answers: bool) -> None:
    code, said = asyncio.run(_check_online(liaison, answers=answers))
    assert code == (0 if answers else 1)
    expected = (
        "ok next hop: 127.0.0.1:{} answers and offers PIPELINING, SIZE" if answers else "wrong next hop: 127.0.0.1:{}"
    )
    assert expected.format(_port(liaison)) in said


async def test_online_asks_what_the_listed_domains_publish(liaison: CommandLine) -> None:
    records = {
        ("mission.example", "TXT"): ['"v=spf1 mx ?all"'],
        ("_dmarc.mission.example", "TXT"): ['"v=DMARC1; p=reject"'],
    }
    async with name_server(records) as server:
        change(liaison, f'nameservers = ["127.0.0.1:{standing_port()}"]', f'nameservers = ["127.0.0.1:{server.port}"]')
        said = (await asyncio.to_thread(liaison, "check", "--online")).stdout
    assert "ok dns: the name servers answer" in said
    assert (
        "ok listed domain: mission.example publishes SPF and DMARC p=reject. Can it ever be confirmed: yes, by SPF or DKIM."
        in said
    )
    assert "warning listed domain: flagged.example does not exist in the DNS" in said


def test_online_says_once_that_the_name_servers_are_away(liaison: CommandLine) -> None:
    change(liaison, f'nameservers = ["127.0.0.1:{standing_port()}"]', 'nameservers = ["127.0.0.1:1"]\ntimeout = 1')
    result = liaison("check", "--online")
    assert result.exit_code == 1
    assert result.stdout.count("wrong dns: the name servers don't answer") == 1
    assert "listed domain" not in result.stdout


def _port(liaison: CommandLine) -> int:
    return int(liaison.config.read_text().partition('next_hop = ["127.0.0.1:')[2].partition('"')[0])


async def _check_online(liaison: CommandLine, *, answers: bool) -> tuple[int, str]:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hop.example ESMTP\r\n")
        while line := await reader.readline():
            writer.write(
                b"250-hop.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n" if line[:4] == b"EHLO" else b"221 bye\r\n"
            )
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    change(liaison, 'next_hop = ["127.0.0.1:2526"]', f'next_hop = ["127.0.0.1:{port}"]')
    if not answers:
        server.close()
        await server.wait_closed()
    result = await asyncio.to_thread(liaison, "check", "--online")
    server.close()
    await server.wait_closed()
    return result.exit_code, result.stdout


def test_a_server_that_can_only_be_read_is_wrong(
    new_liaison: CommandLine, postgres: PostgresServer, postgres_database: str
) -> None:
    change(new_liaison, f"sqlite:///{new_liaison.database}", postgres.url(postgres_database))
    assert wrong(new_liaison, 0) == []
    postgres.run("ALTER DATABASE {} SET default_transaction_read_only = on", postgres_database)
    (line,) = wrong(new_liaison, 1)
    assert "default_transaction_read_only is on for it: listed mail is told 451; name the primary" in line
