"""`liaison init`: everything is made or nothing, by options or at a terminal."""

from __future__ import annotations

import json
import stat
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from gateway.cli.questions import QUESTIONS
from gateway.settings import load, render_defaults
from gateway.store.sealing import read_keys
from tests.gateway.cli.conftest import bare
from tests.support.terminal import at_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from tests.support.terminal import Terminal

PASSWORD = "correct horse battery staple"
ANSWERS = {
    "--hostname": "mx.town.example",
    "--domain": "town.example",
    "--next-hop": "mail.town.example:25",
    "--name-en": "the Town Police",
    "--name-fr": "la police de la Ville",
    "--contact-email": "records@town.example",
    "--admin": "anna",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "gateway.toml"


def init(file: Path, *more: str, without: str = "", password: str = PASSWORD, **changed: str) -> Result:
    """Unattended, with these options; `changed` replaces answers, its names with `_` for `-`."""
    answers = {**ANSWERS, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
    options = [word for flag, value in answers.items() if flag != without for word in (flag, value)]
    given = ["--config", str(file), "init", *options, "--password-stdin", *more]
    return bare(*given, stdin=f"{password}\n".encode())


def made(file: Path, *more: str, **changed: str) -> str:
    done = init(file, *more, **changed)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return done.stdout


def everything(directory: Path) -> list[str]:
    return sorted(str(one.relative_to(directory)) for one in directory.rglob("*") if one.is_file())


def test_it_makes_all_that_the_gateway_needs_and_nothing_else_is_left(file: Path, tmp_path: Path) -> None:
    made(file, dkim_domain="town.example")
    assert everything(tmp_path) == ["etc/data.key", "etc/dkim.pem", "etc/gateway.toml", "var/liaison.db"]
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in everything(tmp_path)}
    assert modes == {
        "etc/data.key": 0o600, "etc/dkim.pem": 0o600, "etc/gateway.toml": 0o640, "var/liaison.db": 0o600,
    }  # fmt: skip


def test_what_was_answered_is_in_force_and_all_else_has_its_default(file: Path) -> None:
    made(file, smarthost="relay.town.example:587", emergency="dispatch@town.example")
    written = tomllib.loads(file.read_text())
    assert {section: values for section, values in written.items() if values} == {
        "mode": "observe",
        "agency": {
            "name_en": "the Town Police", "name_fr": "la police de la Ville", "contact_email": "records@town.example",
            "contact_phone": "", "consular_email": "", "consular_phone": "",
        },
        "smtp": {"hostname": "mx.town.example", "listen": ["0.0.0.0:25"]},
        "route": [{"domains": ["town.example"], "next_hop": ["mail.town.example:25"]}],
        "outbound": {"smarthost": "relay.town.example:587"},
        "decline": {"delay": 900},
        "policy": {"confirmed": {}},
        "emergency": {"recipients": ["dispatch@town.example"]},
        "store": {"url": "sqlite:///../var/liaison.db", "key_file": "data.key"},
    }  # fmt: skip
    settings = load(file, {})
    assert (settings.collation.from_, settings.digest.to) == ("records@town.example", "records@town.example")


def test_every_other_key_stands_there_with_its_comment(file: Path) -> None:
    made(file)
    lines = file.read_text().splitlines()
    shipped = [line for line in render_defaults().splitlines() if " = " in line and not line.startswith("#")]
    keys = {line.lstrip("#").partition(" = ")[0] for line in lines if " = " in line}
    assert {line.partition(" = ")[0] for line in shipped} <= keys
    assert any(
        line.startswith("#max_recipients = 1000 ") and line.endswith("# in one mail transaction") for line in lines
    )


def test_the_first_administrator_changes_a_password_that_a_program_gave(file: Path) -> None:
    said = made(file)
    assert "anna may sign in to the console as administrator." in said
    assert PASSWORD not in said
    (anna,) = json.loads(bare("--config", str(file), "users", "list", "--json").stdout)
    assert (anna["name"], anna["roles"], anna["must_change_password"]) == ("anna", ["administrator"], True)


def test_it_ends_with_check_and_with_what_is_to_be_done_elsewhere(file: Path) -> None:
    said = made(file, dkim_domain="town.example")
    assert "ok configuration: every key is understood; the mode is observe" in said
    assert "ok database: it answers" in said
    for step in (
        "    town.example. IN MX 10 mx.town.example.",
        '    mx.town.example. IN TXT "v=spf1 a -all"',
        "    _dmarc.town.example. IN TXT ",
        "    liaison1._domainkey.town.example. IN TXT ( ",
        "  - in: TCP 25, ",
        "  - out: TCP to mail.town.example:25; there, permit this machine",
        f"liaison --config {file} serve",
    ):
        assert step in said, step


def test_stored_messages_are_sealed_with_the_new_key(file: Path) -> None:
    made(file)
    (key,) = read_keys(file.parent / "data.key")
    assert (key.id, len(key.octets)) == ("key1", 32)


def test_no_keys_and_no_account_where_none_are_wanted(file: Path, tmp_path: Path) -> None:
    made(file, "--no-data-key", admin="")
    assert everything(tmp_path) == ["etc/gateway.toml", "var/liaison.db"]
    assert json.loads(bare("--config", str(file), "users", "list", "--json").stdout) == []


@pytest.mark.parametrize("flag", sorted(ANSWERS))
def test_what_is_missing_is_named_and_nobody_is_waited_for(file: Path, tmp_path: Path, flag: str) -> None:
    done = init(file, without=flag)
    assert done.exit_code == 2 or flag == "--hostname", done.output  # a machine may know its own name
    if done.exit_code:
        assert flag in done.stderr
        assert everything(tmp_path) == []


def test_a_missing_password_is_named_too(file: Path) -> None:
    options = [word for pair in ANSWERS.items() for word in pair]
    done = bare("--config", str(file), "init", "--yes", *options)
    assert done.exit_code == 2
    assert "--password-stdin" in done.stderr


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("domain", "records@town.example", '--domain: "records@town.example" is an address; write only what stands'),
        ("next_hop", "mail.town.example", '--next-hop: "mail.town.example" has no port; write host:port such as mail.police'),
        ("next_hop", "mail:abc", "is no host:port; write host:port such as mail.police.example:25 or [::1]:25"),
        ("listen", "mail:abc", "is no host:port; write host:port such as 127.0.0.1:8025; port 0 takes a free one"),
        ("emergency", "dispatch", "is no e-mail address (it has no domain after an @); write an e-mail address such"),
        ("emergency", "dispatch@city.example", "write an address in a domain that you receive mail for, or name that"),
        ("next_hop", "localhost:25", "--next-hop: localhost:25 is where this gateway itself listens"),
        ("contact_email", "records", '--contact-email: "records" is no e-mail address'),
        ("contact_email", "a..b@town.example", "is no e-mail address"),
        ("emergency", "dispatch@city.example", "\"dispatch@city.example\" is in no route's domains"),
        ("mode", "automatic", '--mode: "automatic" is none of its values; write observe, assist or auto'),
        ("mode", "auto", '--consular-email: is empty, but mode "auto" sends declines'),
        ("decline_delay", "soon", '--decline-delay: "soon" is no whole number; write a whole number of seconds'),
        ("store", "mysql://host/x", "--store: is no URL of a database that is supported"),
        ("name_en", " ", "--name-en: is empty; write a name such as"),
        ("dkim_domain", "a b", "is no domain name"),
        ("admin", "../x", "can't be an account's name"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_refused_with_what_would_be_right(
    file: Path, tmp_path: Path, flag: str, value: str, says: str
) -> None:
    done = init(file, **{flag: value})
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_all_wrong_and_missing_options_are_named_at_once(file: Path) -> None:
    wrong = {"domain": "a@b", "admin": "A B", "mode": "automatic", "dkim_domain": "a b", "dkim_selector": "x y"}
    done = init(file, without="--name-en", emergency="dispatch@town.example", **wrong)
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == [
        "--mode",
        "--domain",
        "--dkim-domain",
        "--dkim-selector",
        "--admin",
    ]
    assert lines[-1].endswith("have no proposal: --name-en")
    assert done.exit_code == 2


def test_a_weak_password_is_refused(file: Path, tmp_path: Path) -> None:
    done = init(file, password="short")
    assert done.exit_code == 1
    assert "at least 12 characters" in done.stderr
    assert everything(tmp_path) == []


def test_auto_is_taken_with_the_consular_contacts(file: Path) -> None:
    made(file, mode="auto", consular_email="consular@town.example", consular_phone="+1 555 0101")
    assert tomllib.loads(file.read_text())["mode"] == "auto"


def test_a_configuration_that_is_there_is_not_replaced_unless_told(file: Path) -> None:
    made(file)
    before = {path: path.read_bytes() for path in (file, file.parent / "data.key")}
    refused = init(file, name_en="the City Police")
    assert refused.exit_code == 1
    assert "is there already: --force replaces it" in refused.stderr
    assert file.read_bytes() == before[file]
    said = made(file, "--force", name_en="the City Police")
    assert 'name_en = "the City Police"' in file.read_text()
    assert (file.parent / "data.key").read_bytes() == before[file.parent / "data.key"]
    assert "its keys go on sealing messages" in said
    assert "anna has an account already, which stays as it is." in said


def test_the_example_that_is_shipped_is_nobodys_work(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(render_defaults())
    made(file)
    assert 'name_en = "the Town Police"' in file.read_text()


def test_where_something_can_not_be_made_nothing_is(file: Path, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("")
    done = init(file, store=f"sqlite:///{tmp_path}/blocked/liaison.db")
    assert done.exit_code == 1
    assert "can't be written" in done.stderr
    assert everything(tmp_path) == ["blocked"]


def test_a_server_is_the_database_where_one_is_named(file: Path, tmp_path: Path, empty_postgres_url: str) -> None:
    said = made(file, store=empty_postgres_url)
    assert "ok database: it answers" in said
    assert everything(tmp_path) == ["etc/data.key", "etc/gateway.toml"]
    (anna,) = json.loads(bare("--config", str(file), "users", "list", "--json").stdout)
    assert anna["name"] == "anna"
    online = bare("--config", str(file), "check", "--online").stdout
    assert "ok clock: it agrees with the database's, within 0.1 s" in online


def test_where_the_database_is_away_no_key_is_left_behind(file: Path, tmp_path: Path) -> None:
    done = init(file, store="postgresql://127.0.0.1:1/liaison")
    assert done.exit_code == 1
    assert "The database could not do its work" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_the_configuration_that_is_replaced_stays_in_use(file: Path, tmp_path: Path) -> None:
    made(file)
    (file.parent / "data.key").rename(tmp_path / "elsewhere.key")
    file.write_text(file.read_text().replace('key_file = "data.key"', 'key_file = "../elsewhere.key"'))
    made(file, "--force", "--no-data-key")
    assert load(file, {}).store.key_file == tmp_path / "etc" / ".." / "elsewhere.key"
    assert not (file.parent / "data.key").exists()


def test_what_an_interruption_left_is_no_hindrance(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    (file.parent / ".data.key.new").write_text("half")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / ".liaison.db.new").write_text("half")
    made(file)
    assert everything(tmp_path) == ["etc/data.key", "etc/gateway.toml", "var/liaison.db"]


# --- at a terminal --------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(file: Path) -> Iterator[Terminal]:
    with at_terminal([sys.executable, "-m", "gateway", "--config", str(file), "init"]) as opened:
        yield opened


def answer_all(terminal: Terminal) -> None:
    """Everything up to the keys, with two answers that are wrong at first."""
    asked = {question.flag: question.asks for question in QUESTIONS}
    given = {**ANSWERS, "--emergency": "dispatch@town.example"}
    for flag, asks in asked.items():
        if flag == "--next-hop":
            terminal.answer(asks, "mail.town.example")
            terminal.expect("has no port; write host:port such as mail.police.example:25 or [::1]:25")
        if flag == "--emergency":
            terminal.answer(asks, "dispatch@city.example")
            terminal.expect("is in no route's domains")
        terminal.answer(asks, given.get(flag, ""))


def test_a_person_is_asked_corrected_and_served(terminal: Terminal, file: Path, tmp_path: Path) -> None:
    answer_all(terminal)
    terminal.answer("Seal stored messages with a key file? [Y/n]")
    terminal.answer("Domain that signs what the gateway writes", "town.example")
    terminal.answer("Name of that key in the DNS [liaison1]")
    terminal.answer("Name of the first administrator [admin]", "anna")
    terminal.answer("Password of anna", "short")
    terminal.expect("A password has at least 12 characters")
    terminal.answer("Password of anna", PASSWORD)
    terminal.answer("The same again", PASSWORD)
    terminal.answer("Ask the servers and the DNS now whether all is well? [Y/n]", "n")
    assert terminal.end() == 0
    assert PASSWORD not in terminal.shown
    assert everything(tmp_path) == ["etc/data.key", "etc/dkim.pem", "etc/gateway.toml", "var/liaison.db"]
    (anna,) = json.loads(bare("--config", str(file), "users", "list", "--json").stdout)
    assert (anna["name"], anna["must_change_password"]) == ("anna", False)


def test_ctrl_c_at_the_last_question_leaves_everything_as_it_was(terminal: Terminal, tmp_path: Path) -> None:
    answer_all(terminal)
    terminal.answer("Seal stored messages with a key file? [Y/n]")
    terminal.answer("Domain that signs what the gateway writes")
    terminal.answer("Name of the first administrator [admin]")
    terminal.expect("Password of admin")
    terminal.interrupt()
    assert terminal.end() == 1
    assert "Aborted!" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []
