from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.gateway.cli.conftest import bare

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

LISTED = b"From: Consul <office@mission.example>\r\nTo: a@police.example\r\nSubject: hello\r\n\r\nhello\r\n"
CLEAR = b"From: resident@home.example\r\nTo: a@police.example\r\nSubject: hello\r\n\r\nhello\r\n"
Row = dict[str, object]


@pytest.fixture
def with_lists(liaison: CommandLine) -> CommandLine:
    """A store that has had its first start."""
    liaison.ok("senders", "list")
    return liaison


def screened(liaison: CommandLine, content: bytes, *options: str) -> Row:
    found: Row = json.loads(liaison.ok("screen", liaison.file("m.eml", content), *options, "--json"))
    return found


def recipients(screening: Row) -> dict[str, str]:
    verdicts = screening["recipients"]
    assert isinstance(verdicts, list)
    return {verdict["address"]: verdict["tier"] for verdict in verdicts}


def test_the_json_has_the_shape_of_the_contract(with_lists: CommandLine) -> None:
    shape = screened(with_lists, LISTED)
    assert {key: shape[key] for key in ("tier", "entry", "auth", "authentication", "recipients", "findings")} == {
        "tier": "unverified",
        "entry": "mission.example",
        "auth": "none",
        "authentication": {"spf": "none", "dkim": "none", "dmarc": "none"},
        "recipients": [
            {
                "address": "a@police.example",
                "tier": "unverified",
                "disposition": "withhold",
                "delivery": "hold",
                "decline": "review",
                "report": "auto",
                "notice": True,
            }
        ],
        "findings": [
            {
                "rule": "listed-identity",
                "evidence": f"{kind} office@mission.example is listed: mission.example and below.",
                "identity": kind,
                "address": "office@mission.example",
                "entry": "mission.example",
            }
            for kind in ("RFC5322.From", "RFC5321.MailFrom")
        ],
    }


def test_people_read_which_field_matched_which_entry_and_what_follows(with_lists: CommandLine) -> None:
    content = LISTED.replace(b"To: a@police.example", b"To: a@police.example, dispatch@police.example")
    said = with_lists.ok("screen", with_lists.file("m.eml", content))
    for words in (
        "unverified: it says that it is from a listed mission",
        "RFC5322.From office@mission.example is listed: mission.example and below.",
        "stands for: Embassy of Example (subtree mission.example, pack pack)",
        "a@police.example: held for records staff; the decline waits for a person; the report is sent by the gateway;",
        "dispatch@police.example: (emergency) delivered first",
    ):
        assert words in said


def test_clear_mail_is_told_to_pass(with_lists: CommandLine) -> None:
    said = with_lists.ok("screen", with_lists.file("m.eml", CLEAR))
    assert "clear: no listed mission is named" in said
    assert "a@police.example: delivered unchanged; nothing is recorded" in said


def test_nothing_is_recorded_and_nothing_is_made(new_liaison: CommandLine) -> None:
    result = new_liaison("screen", new_liaison.file("m.eml", LISTED))
    assert result.exit_code == 0
    assert "There is no database yet: the configured packs are used." in result.stderr
    assert not new_liaison.database.exists()


def test_the_store_counts_before_the_packs(with_lists: CommandLine) -> None:
    with_lists.ok("senders", "remove", "mission.example")
    assert screened(with_lists, LISTED)["tier"] == "clear"


def test_a_store_without_a_first_start_leaves_it_to_the_packs(liaison: CommandLine) -> None:
    liaison.ok("db", "upgrade")
    result = liaison("screen", liaison.file("m.eml", LISTED), "--json")
    assert json.loads(result.stdout)["tier"] == "unverified"
    assert "The store has no lists yet" in result.stderr


def test_a_store_that_is_away_leaves_it_to_the_packs(new_liaison: CommandLine) -> None:
    new_liaison.database.mkdir()
    result = new_liaison("screen", new_liaison.file("m.eml", LISTED), "--json")
    assert (result.exit_code, json.loads(result.stdout)["tier"]) == (0, "unverified")
    assert "can't be read" in result.stderr


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Return-Path: <bounce@relay.example>\r\n", "bounce@relay.example"),
        (b"Return-Path: <>\r\n", ""),
        (b"Return-Path: nonsense nonsense\r\n", "office@mission.example"),
        (b"", "office@mission.example"),
    ],
    ids=["Return-Path", "the null path", "a mangled Return-Path", "From"],
)
def test_the_reverse_path_is_taken_from_the_header(with_lists: CommandLine, field: bytes, expected: str) -> None:
    assert screened(with_lists, field + LISTED)["mail_from"] == expected


def test_a_message_without_an_author_has_the_null_path(with_lists: CommandLine) -> None:
    assert screened(with_lists, b"Subject: hello\r\n\r\nhello\r\n")["mail_from"] == ""


@pytest.mark.parametrize("given", ["office@mission.example", "<office@mission.example>"])
def test_a_given_reverse_path_counts(with_lists: CommandLine, given: str) -> None:
    shape = screened(with_lists, CLEAR, "--mail-from", given)
    assert (shape["mail_from"], shape["tier"]) == ("office@mission.example", "unverified")


@pytest.mark.parametrize("given", ["", "<>"])
def test_a_given_null_path_counts_and_is_no_way_for_a_decline(with_lists: CommandLine, given: str) -> None:
    said = with_lists.ok("screen", with_lists.file("m.eml", LISTED), "--mail-from", given)
    assert "reverse-path <> (null)" in said
    assert "no decline may be sent, because:\n    The reverse-path is null" in said


def test_recipients_are_the_served_ones_of_to_and_cc(with_lists: CommandLine) -> None:
    content = LISTED.replace(
        b"To: a@police.example\r\n",
        b'To: a@police.example, "B" <b@POLICE.example>, c@elsewhere.example\r\nCc: dispatch@police.example, a@police.example\r\n',
    )
    assert recipients(screened(with_lists, content)) == {
        "a@police.example": "unverified",
        "b@POLICE.example": "unverified",
        "dispatch@police.example": "emergency",
    }


def test_without_a_served_recipient_it_is_the_postmaster(with_lists: CommandLine) -> None:
    content = LISTED.replace(b"To: a@police.example", b"To: undisclosed-recipients:;")
    assert recipients(screened(with_lists, content)) == {"postmaster@police.example": "unverified"}


def test_given_recipients_count_and_are_told_when_they_are_not_served(with_lists: CommandLine) -> None:
    result = with_lists(
        "screen", with_lists.file("m.eml", LISTED), "--rcpt", "x@police.example", "--rcpt", "y@other.example", "--json"
    )
    assert recipients(json.loads(result.stdout)).keys() == {"x@police.example", "y@other.example"}
    assert "y@other.example is at no routed domain" in result.stderr


@pytest.mark.parametrize(
    "option",
    [("--mail-from", "no address"), ("--rcpt", "nobody"), ("--rcpt", "<>"), ("--client-ip", "300.1.1.1")],
    ids=" ".join,
)
def test_an_option_that_can_not_be_read_is_wrong_usage(liaison: CommandLine, option: tuple[str, str]) -> None:
    result = liaison("screen", liaison.file("m.eml", LISTED), *option)
    assert (result.exit_code, result.stdout) == (2, "")


HOSTILE = [
    (b"", "the file is empty"),
    (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40, "this is no message"),
    (b"\x89PNG\r\n\x1a\n" + b"\x00:\x00" * 500, "this is no message"),
    (b"just some words, and no header field\n", "this is no message"),
    (b"\x00" * 5000, "this is no message"),
]


@pytest.mark.parametrize(("content", "words"), HOSTILE, ids=["empty", "program", "picture", "text", "zeros"])
def test_a_file_without_a_message_is_named_and_the_others_are_done(
    with_lists: CommandLine, content: bytes, words: str
) -> None:
    bad, good = with_lists.file("bad.eml", content), with_lists.file("good.eml", LISTED)
    result = with_lists("screen", bad, good, "--json")
    assert result.exit_code == 1
    assert f"{bad}: {words}" in result.stderr
    assert [json.loads(line)["file"] for line in result.stdout.splitlines()] == [good]


@pytest.mark.parametrize("name", ["none.eml", "", "x" * 300], ids=["missing", "a directory", "too long"])
def test_a_file_that_can_not_be_read_is_named(with_lists: CommandLine, name: str) -> None:
    result = with_lists("screen", str(with_lists.directory / name), with_lists.file("good.eml", CLEAR))
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "good.eml" in result.stdout


def test_a_file_name_that_is_no_text_is_shown_all_the_same(with_lists: CommandLine) -> None:
    path = os.fsencode(with_lists.directory) + b"/m\xff.eml"
    with open(path, "wb") as file:
        file.write(LISTED)
    assert with_lists("screen", os.fsdecode(path)).exit_code == 0
    assert with_lists("screen", os.fsdecode(path), "--json").exit_code == 0


def test_a_message_beyond_the_limit_is_not_read_whole(with_lists: CommandLine) -> None:
    text = with_lists.config.read_text().replace("[smtp]", "[smtp]\nmax_message_size = 1000")
    with_lists.config.write_text(text)
    result = with_lists("screen", with_lists.file("m.eml", LISTED + b"x" * 1000))
    assert result.exit_code == 1
    assert "larger than smtp.max_message_size" in result.stderr


def test_a_message_is_taken_from_stdin(with_lists: CommandLine) -> None:
    result = with_lists("screen", "-", "--json", stdin=LISTED)
    assert (result.exit_code, json.loads(result.stdout)["tier"]) == (0, "unverified")


@pytest.mark.parametrize(
    "header",
    [
        b"From: =?utf-8?q?=1b]0;owned=07?= <office@mission.example>\r\n",
        b"From: \xff\xfe\x00 <office@mission.example>\r\n",
        "From: \u202eoffice@mission.example\r\n".encode(),
        b"From:" + b" office@mission.example," * 3000 + b"\r\n",
        b"From: <office@mission.example>\r\n" * 2000,
    ],
    ids=["escape sequence", "octets", "right to left", "long", "many"],
)
def test_a_hostile_header_is_screened_and_can_not_move_the_cursor(with_lists: CommandLine, header: bytes) -> None:
    file = with_lists.file("m.eml", header + b"To: a@police.example\r\n\r\n")
    result = with_lists("screen", file)
    assert result.exit_code == 0
    assert "office@mission.example is listed" in result.stdout
    assert not set(result.stdout) & set("\x1b\x07\x00\u202e")
    assert with_lists("screen", file, "--json").exit_code == 0


def test_the_mode_of_the_store_is_told(with_lists: CommandLine) -> None:
    with_lists.ok("mode", "observe")
    said = with_lists.ok("screen", with_lists.file("m.eml", LISTED))
    assert "The mode is observe" in said
    assert "delivered unchanged, and recorded; no decline; no report" in said


def test_no_file_is_wrong_usage() -> None:
    assert bare("screen").exit_code == 2
