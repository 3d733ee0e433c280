"""`check --online`: real next hops, a real name server, a real gateway; what is wrong comes with its mend."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.gateway.cli.conftest import bare
from tests.support.certificates import localhost, self_signed
from tests.support.gateway import PACK, running_gateway, write_configuration
from tests.support.mta import DROP, ScriptedMTA
from tests.support.nameserver import PUBLIC_IPV4, name_server
from tests.support.signatures import KeyPair, key_pair
from tests.support.terminal import at_terminal
from tests.support.tlshops import Certificates, authorities, certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from click.testing import Result

    from tests.support.mta import Link

__all__ = ["authorities", "certificates", "key_pair", "localhost"]

Records = dict[tuple[str, str], list[str]]
RECORD = "liaison1._domainkey.police.example"
OWN: Records = {
    ("mx.police.example", "A"): [PUBLIC_IPV4],
    ("police.example", "MX"): ["10 mx.police.example."],
    ("other.police.example", "MX"): ["10 mx.police.example."],
    ("police.example", "TXT"): ['"v=spf1 mx -all"'],
    ("_dmarc.police.example", "TXT"): ['"v=DMARC1; p=reject"'],
}


def knows_its_own(line: str, _link: Link) -> str | None:
    """A mail server as it should be: strangers are refused at RCPT."""
    return "550 5.1.1 No such user" if line.startswith("RCPT") and "dispatch@" not in line else None


@dataclass(frozen=True)
class Place:
    """An agency's surroundings, and its configuration."""

    config: Path
    hop: ScriptedMTA
    smarthost: ScriptedMTA

    def change(self, old: str, new: str) -> None:
        written = self.config.read_text()
        assert old in written
        self.config.write_text(written.replace(old, new))

    async def check(self, *more: str) -> Result:
        return await asyncio.to_thread(bare, "--config", str(self.config), "check", "--online", *more)

    async def lines(self, name: str, code: int = 0) -> list[str]:
        """What is said about this; the exit code has to be this one."""
        result = await self.check()
        assert result.exit_code == code, result.output
        return [line for line in result.stdout.splitlines() if line.split(" ", 1)[1].startswith(f"{name}: ")]


@asynccontextmanager
async def a_place(
    directory: Path, records: Mapping[tuple[str, str], Sequence[str]], more: str = ""
) -> AsyncIterator[Place]:
    hop, smarthost = await ScriptedMTA(knows_its_own).start(), await ScriptedMTA().start()
    async with name_server({**OWN, **records}) as server:
        config = write_configuration(
            directory, next_hop=hop.port, smarthost=smarthost.port, url="sqlite:///liaison.db",
            name_server=server.port, mode="assist", more=more,
        )  # fmt: skip
        try:
            yield Place(config, hop, smarthost)
        finally:
            await hop.stop()
            await smarthost.stop()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(tmp_path, {}) as made:
        yield made


# --- every line -----------------------------------------------------------------------------------------------------


async def test_every_warning_and_every_problem_has_its_mend(place: Place) -> None:
    place.hop.script = lambda line, _link: "550 5.7.1 No" if line.startswith("RCPT") else None
    rows = json.loads((await place.check("--json")).stdout)
    assert {row["result"] for row in rows} == {"ok", "warning", "problem"}
    for row in rows:
        assert (row["check"], row["ok"]) == (row["name"], row["result"] != "problem")
        assert bool(row["mend"]) == (row["result"] != "ok"), row
        assert row["text"]
        assert row["text"] in row["says"]


async def test_programs_get_nothing_but_json_once_there_is_a_database(place: Place) -> None:
    await asyncio.to_thread(bare, "--config", str(place.config), "db", "upgrade")
    liaison = [sys.executable, "-m", "gateway", "--config", str(place.config), "check", "--online", "--json"]
    process = await asyncio.create_subprocess_exec(*liaison, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert json.loads(said)


async def test_who_waits_at_a_terminal_sees_for_what(place: Place) -> None:
    place.hop.delay = 0.2
    command = [sys.executable, "-m", "gateway", "--config", str(place.config), "check", "--online"]

    def look() -> tuple[int, str]:
        with at_terminal(command) as terminal:
            terminal.expect("Asking the next hops")
            return terminal.end(), terminal.shown

    code, shown = await asyncio.to_thread(look)
    assert code == 0
    assert "refuses an unknown recipient of police.example" in shown


# --- next hops ------------------------------------------------------------------------------------------------------


async def test_a_next_hop_that_knows_its_own_is_well_and_is_sent_nothing(place: Place) -> None:
    hop = f"127.0.0.1:{place.hop.port}"
    assert (await place.lines("next hop"))[1:] == [
        f"ok next hop: {hop} refuses an unknown recipient of police.example at RCPT",
        f"ok next hop: {hop} refuses an unknown recipient of other.police.example at RCPT",
        f"ok next hop: {hop} takes mail for the emergency recipient dispatch@police.example",
    ]
    assert place.hop.messages == []
    assert not any(command.startswith("DATA") for link in place.hop.links for command in link.commands)


@pytest.mark.parametrize(
    ("stage", "answer", "code", "says"),
    [
        ("RCPT TO:<liaison-check-", "250 2.1.5 ok", 0, "warning next hop: {} accepts an unknown recipient of police.example"),
        ("RCPT TO:<liaison-check-", "450 4.7.1 Greylisted", 0, "nobody can tell whether it knows its own; switch off"),
        ("RCPT TO:<dispatch@", "550 5.1.1 Who", 1, "wrong next hop: {} refuses the emergency recipient dispatch@police."),
        ("MAIL", "550 5.7.1 No empty sender", 1, "wrong next hop: {} refuses mail with an empty sender (550 5.7.1"),
        ("RCPT", DROP, 1, "wrong next hop: {} closed the connection"),
        ("connect", "554 5.7.1 Go away", 1, "wrong next hop: {} greeted with 554"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_next_hop_is_said(
    place: Place, stage: str, answer: str, code: int, says: str
) -> None:
    place.hop.script = lambda line, link: answer if line.startswith(stage) else knows_its_own(line, link)
    lines = await place.lines("next hop", code)
    assert any(says.format(f"127.0.0.1:{place.hop.port}") in line for line in lines), lines


async def test_a_next_hop_that_will_not_be_told_the_client_is_remarked_on(place: Place) -> None:
    place.change("timeout = 5\n", 'timeout = 5\nclient = "xforward"\n')
    lines = await place.lines("next hop")
    assert any("does not offer XFORWARD: it won't be told who the client was; permit" in line for line in lines)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("none", "ok next hop: the certificate of localhost:{} is good until 2080-10-04"),
        ("unknown authority", "and proves nothing (localhost:{} failed the TLS handshake"),
        ("expired", "warning next hop: the certificate of localhost:{} ended on 2025-12-31; renew it"),
    ],
)
@pytest.mark.usefixtures("authorities")
async def test_the_certificate_of_a_next_hop_is_looked_at(
    place: Place, certificates: Certificates, fault: str, says: str
) -> None:
    hop = await certificates.hop(fault).start()
    place.change(f'next_hop = ["127.0.0.1:{place.hop.port}"]', f'next_hop = ["localhost:{hop.port}"]')
    lines = await place.lines("next hop")
    await hop.stop()
    (line,) = [line for line in lines if "certificate" in line]
    assert says.format(hop.port) in line
    assert ("proves its name" in line) == (fault == "none")


# --- emergency ------------------------------------------------------------------------------------------------------


async def test_an_emergency_recipient_among_others_gets_the_advice(place: Place) -> None:
    (line,) = await place.lines("emergency")
    assert line.startswith(
        "warning emergency: dispatch@police.example shares its next hop with mail of other.police.ex"
    )
    assert "a [[route]] with a next hop of its own" in line


async def test_an_emergency_recipient_alone_on_its_route_is_well(place: Place) -> None:
    alone = await ScriptedMTA().start()
    route = f'[[route]]\ndomains = ["911.police.example"]\nnext_hop = ["127.0.0.1:{alone.port}"]\n[outbound]'
    place.change("[outbound]", route)
    place.change("dispatch@police.example", "dispatch@911.police.example")
    lines = await place.lines("emergency")
    await alone.stop()
    assert lines == ["ok emergency: dispatch@911.police.example has a next hop of its own"]


# --- the way out ----------------------------------------------------------------------------------------------------


async def test_the_smarthost_is_tried_and_sent_nothing(place: Place) -> None:
    lines = await place.lines("smarthost")
    assert lines[0].startswith(f"ok smarthost: 127.0.0.1:{place.smarthost.port} answers and offers 8BITMIME, ")
    assert lines[1:] == ['ok smarthost: reports can leave by it under collation.tls = "verified"']
    assert not any(command.startswith("MAIL") for link in place.smarthost.links for command in link.commands)


async def test_a_smarthost_that_is_down_is_exit_1(place: Place) -> None:
    await place.smarthost.stop()
    lines = await place.lines("smarthost", 1)
    assert lines[0].startswith(f"wrong smarthost: 127.0.0.1:{place.smarthost.port}: ")


async def test_a_password_that_the_smarthost_refuses_is_exit_1_and_is_not_said(place: Place) -> None:
    place.smarthost.keywords = ("AUTH PLAIN", "8BITMIME")
    place.smarthost.script = lambda line, _link: "535 5.7.8 Wrong" if line.startswith("AUTH") else None
    (place.config.parent / "password").write_text("open sesame")
    place.change("retry = [1]", 'retry = [1]\nusername = "liaison"\npassword_file = "password"')
    result = await place.check()
    assert result.exit_code == 1
    assert "535" in result.stdout
    assert "open sesame" not in result.output


async def test_no_way_out_is_a_warning(place: Place) -> None:
    place.change(f'smarthost = "127.0.0.1:{place.smarthost.port}"', 'smarthost = ""')
    (line,) = await place.lines("outbound")
    assert line.startswith("warning outbound: no way out is configured")


# --- open relay -----------------------------------------------------------------------------------------------------


async def relay_lines(place: Place, code: int) -> list[str]:
    """With the gateway running under this configuration."""
    async with running_gateway(place.config, SystemClock(), place.hop, place.smarthost) as running:
        place.change('listen = ["127.0.0.1:0"]\n\n[[route]]', f'listen = ["127.0.0.1:{running.port}"]\n\n[[route]]')
        return await place.lines("open relay", code)


async def test_the_running_gateway_refuses_mail_for_strangers_in_every_form(place: Place) -> None:
    (line,) = await relay_lines(place, 0)
    assert line.endswith("refuses all 10 forms of mail for strangers")
    assert place.hop.messages == []


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ("250 2.1.5 ok", 1, "wrong open relay: 127.0.0.1:{} takes RCPT TO:<"),
        ("451 4.3.0 Later", 0, "warning open relay: 127.0.0.1:{} neither takes nor refuses <"),
    ],
)
async def test_what_takes_mail_for_strangers_is_found_out(place: Place, answer: str, code: int, says: str) -> None:
    """A gateway never does: one that would is played, with our name in its greeting."""
    said = {"conn": "220 mx.police.example ESMTP", "RCPT": answer}
    relay = await ScriptedMTA(lambda line, _link: said.get(line[:4])).start()
    place.change('listen = ["127.0.0.1:0"]\n\n[[route]]', f'listen = ["127.0.0.1:{relay.port}"]\n\n[[route]]')
    lines = await place.lines("open relay", code)
    await relay.stop()
    assert len(lines) == (10 if code else 1)
    assert all(line.startswith(says.format(relay.port)) for line in lines), lines
    assert relay.messages == []


async def test_a_gateway_that_does_not_run_is_not_called_safe(place: Place) -> None:
    place.change('listen = ["127.0.0.1:0"]', 'listen = ["127.0.0.1:1"]')
    (line,) = await place.lines("open relay")
    assert line.startswith("warning open relay: not tested: 127.0.0.1:1 can't be reached")


async def test_another_server_on_our_port_is_exit_1(place: Place) -> None:
    other = await ScriptedMTA().start()
    place.change('listen = ["127.0.0.1:0"]\n\n[[route]]', f'listen = ["127.0.0.1:{other.port}"]\n\n[[route]]')
    (line,) = await place.lines("open relay", 1)
    await other.stop()
    assert "is not this gateway, but: 220 sink.example ESMTP; stop the other server" in line


# --- our own names --------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


@pytest.mark.parametrize(
    ("published", "code", "says"),
    [
        ("ours", 0, f"ok dkim: {RECORD} has the public half of our key"),
        ("another", 1, f"wrong dkim: {RECORD} has another key than the one that we sign with; `liaison dkim record`"),
        ("revoked", 1, f"wrong dkim: {RECORD} is revoked (its p= is empty)"),
        ("nothing", 1, f"wrong dkim: {RECORD} is not published: no signature of ours verifies; `liaison dkim record`"),
        ("two", 1, f"wrong dkim: {RECORD} has 2 TXT records"),
        ("nonsense", 1, f"wrong dkim: {RECORD} can't be read"),
    ],
)
async def test_our_key_is_compared_with_the_dns(
    tmp_path: Path, key_pair: KeyPair, published: str, code: int, says: str
) -> None:
    texts = {
        "ours": [key_pair.record], "another": [quoted("v=DKIM1; k=rsa; p=" + "QUJD" * 90)], "revoked": ['"v=DKIM1; p="'],
        "nothing": [], "two": [key_pair.record, '"v=DKIM1; p="'], "nonsense": ['"v=DKIM1; k=rsa"'],
    }[published]  # fmt: skip
    records: Records = {(RECORD, "TXT"): texts} if texts else {}
    async with a_place(tmp_path, records, key_pair.write(tmp_path)) as place:
        lines = await place.lines("dkim", code)
    assert any(line.startswith(says) for line in lines), lines


@pytest.mark.parametrize(
    ("exchanges", "says"),
    [
        (["10 mx.police.example."], "ok mx: mail for police.example comes to this gateway's name"),
        (
            ["10 in.filter.example."],
            "ok mx: mail for police.example goes to in.filter.example: not to mx.police.example",
        ),
        (["10 mx.police.example.", "20 old.police.example."], "warning mx: mail for police.example goes to mx.police."),
        ([], "warning mx: police.example has no MX; publish police.example. IN MX 10 mx.police.example."),
    ],
)
async def test_where_mail_for_our_domains_goes_is_said(tmp_path: Path, exchanges: list[str], says: str) -> None:
    async with a_place(tmp_path, {("police.example", "MX"): exchanges}) as place:
        lines = await place.lines("mx")
    assert lines[0].startswith(says)


async def test_what_our_own_domain_lacks_is_said(tmp_path: Path) -> None:
    async with a_place(tmp_path, {("police.example", "TXT"): ['"hello"']}) as place:
        (line,) = await place.lines("own domain")
    assert line.startswith("warning own domain: police.example, which reports come from, publishes no SPF; publish SPF")


# --- name servers and listed domains --------------------------------------------------------------------------------


async def test_a_name_server_that_is_away_is_named_beside_one_that_answers(place: Place) -> None:
    place.change("nameservers = [", 'timeout = 1\nnameservers = ["127.0.0.1:1", ')
    lines = await place.lines("dns")
    assert lines[0] == "ok dns: the name servers answer"
    assert lines[1].startswith("warning dns: the name server 127.0.0.1:1 does not answer")


LISTED = "mission.example"
DKIM_ALONE = "only by a DKIM signature of its own, which its mail will show, because "


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ({(LISTED, "TXT"): ['"v=spf1 mx -all"']}, "SPF and no DMARC. Can it ever be confirmed: yes, by SPF or DKIM."),
        ({(LISTED, "TXT"): ['"v=spf1 redirect=mail.example"']}, "confirmed: yes, by SPF or DKIM."),
        ({(LISTED, "TXT"): ['"v=spf1 -all"']}, f"confirmed: {DKIM_ALONE}its SPF record permits no sender."),
        ({(LISTED, "TXT"): ['"v=spf1 +all"']}, "confirmed: yes, by SPF, but so can anybody"),
        ({(LISTED, "TXT"): ['"v=spf1 mx all:x"']}, f"confirmed: {DKIM_ALONE}its SPF record can't be read ("),
        ({(LISTED, "TXT"): ['"v=spf1 mx"', '"v=spf1 a"']}, f"confirmed: {DKIM_ALONE}it has 2 SPF records"),
        ({(LISTED, "TXT"): ['"hello"']}, f"no SPF and no DMARC. Can it ever be confirmed: {DKIM_ALONE}it publishes no SPF."),
        ({(LISTED, "A"): [PUBLIC_IPV4], (LISTED, "MX"): ["0 ."]}, "No decline can reach it: mission.example takes no mail"),
        ({}, "does not exist in the DNS. Can it ever be confirmed: no, because nobody can send from it; see whether"),
    ],
)  # fmt: skip
async def test_whether_a_listed_domain_can_ever_be_confirmed_is_said(
    tmp_path: Path, records: Records, says: str
) -> None:
    async with a_place(tmp_path, records) as place:
        (line,) = [line for line in await place.lines("listed domain") if LISTED in line]
    assert says in line


async def test_a_listed_domain_whose_servers_are_ill_is_no_fault_of_ours(tmp_path: Path) -> None:
    hop, smarthost = await ScriptedMTA(knows_its_own).start(), await ScriptedMTA().start()
    async with name_server(OWN) as server:
        server.servfail.add(LISTED)
        config = write_configuration(
            tmp_path, next_hop=hop.port, smarthost=smarthost.port, url="sqlite:///liaison.db", name_server=server.port
        )
        lines = await Place(config, hop, smarthost).lines("listed domain")
    await hop.stop()
    await smarthost.stop()
    assert any(line.startswith("warning listed domain: mission.example: the DNS does not answer") for line in lines)


async def test_name_servers_that_know_nothing_of_the_internet_are_found_out(place: Place) -> None:
    many = "".join(f'[[entry]]\nkind = "domain"\nvalue = "m{number}.example"\n' for number in range(5))
    (place.config.parent / "pack.toml").write_text(many)
    _, found = await place.lines("dns", 1)
    assert found.startswith("wrong dns: the name servers answer, but know none of the 5 listed domains: no sender can")
    assert "asked for m0.example, m1.example, m2.example and others" in found
    assert await place.lines("listed domain", 1) == []


async def test_addresses_are_asked_about_by_their_domain_and_patterns_are_named(place: Place) -> None:
    pattern = '[[entry]]\nkind = "label"\nvalue = "gat.*.gov.example"\n'
    (place.config.parent / "pack.toml").write_text(PACK + pattern)
    lines = await place.lines("listed domain")
    assert any(line.startswith("warning listed domain: webmail.example does not exist") for line in lines)
    assert "ok listed domain: not asked about, for they are patterns: gat.*.gov.example" in lines


# --- our own certificate --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "days", "code", "says"),
    [
        ("mx.police.example", 400, 0, "ok tls: the certificate is good until"),
        ("mx.police.example", 5, 0, "ends in "),
        ("mx.police.example", -5, 1, "ended on"),
        ("*.police.example", 400, 0, "ok tls: the certificate is good until"),
        ("police.example", 400, 0, "is not for mx.police.example (smtp.hostname); have one made for that name"),
        ("*.example", 400, 0, "is not for mx.police.example (smtp.hostname)"),
    ],
)
async def test_our_own_certificate_is_looked_at(place: Place, name: str, days: int, code: int, says: str) -> None:
    since = (SystemClock().now() - SystemClock().now().replace(year=2026, month=1, day=1)).days
    made = self_signed(place.config.parent, name, days=since + days)
    made.key.chmod(0o600)
    place.change(
        'hostname = "mx.police.example"',
        f'hostname = "mx.police.example"\ntls_certificate = "{made.certificate}"\ntls_key = "{made.key}"',
    )
    lines = await place.lines("tls", code)
    assert any(says in line for line in lines), lines
    assert ("is not for" in says) == any("is not for" in line for line in lines)
