"""The documents are true: they name what stands, and nothing that doesn't."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter

import click
import pytest

from filters.disposition import Delivery, Disposition, Handling, Mode, Tier
from filters.lists import EntryKind
from filters.pack_rows import COLUMNS, Row
from gateway.cli import main
from gateway.cli.checks.line import LineShape
from gateway.cli.program import COMMANDS
from gateway.compose.templates import ESSENTIAL, VARIABLES
from gateway.model.case import ActionState, CaseStatus, DeliveryState
from gateway.model.outbox import OutboxState, Purpose
from gateway.settings import render_defaults
from gateway.settings.reference import render_reference
from gateway.supervisor import Role
from tests.support.checkout import ROOT, document, documents, modules, texts
from tests.support.exported import exported

ARCHITECTURE = "docs/architecture.md"
GLOSSARY = "docs/glossary.md"
RFCS = "docs/rfcs.md"
OPERATIONS = "docs/operations.md"


def commands(command: click.Command, name: str = "liaison") -> set[str]:
    """`liaison`, `liaison cases`, `liaison cases list` …"""
    if not isinstance(command, click.Group):
        return {name}
    context = click.Context(command)
    below = {word: command.get_command(context, word) for word in command.list_commands(context)}
    return {name}.union(*(commands(child, f"{name} {word}") for word, child in below.items() if child is not None))


# --- architecture.md ----------------------------------------------------------------------------------------------


def test_architecture_names_every_module() -> None:
    text = document(ARCHITECTURE)
    wanted = {
        one.relative
        for one in modules()
        if one.path.name != "__init__.py" and "migrations/versions" not in one.relative
    }
    assert sorted(name for name in wanted if f"`{name}`" not in text) == []


def test_architecture_names_no_module_that_does_not_stand() -> None:
    named = set(re.findall(r"`((?:gateway|filters)/[\w/]+\.py)`", document(ARCHITECTURE)))
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_architecture_draws_the_layers_that_the_contracts_hold() -> None:
    contracts = tomllib.loads(document("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = {one["id"]: [layer.strip("()") for layer in one["layers"]] for one in contracts if one["type"] == "layers"}
    drawn = re.search(r"```\n(__main__\n.*?)-+ filters\n(.*?)```", document(ARCHITECTURE), re.DOTALL)
    assert drawn is not None
    assert [part.splitlines() for part in drawn.groups()] == [layers["gateway-layers"], layers["filters-layers"]]


def test_architecture_names_every_package_and_none_that_does_not_stand() -> None:
    packages = {
        f"{one.path.parent.relative_to(ROOT).as_posix()}/" for one in modules() if one.path.name == "__init__.py"
    }
    named = set(re.findall(r"`((?:gateway|filters)/(?:[a-z]+/)*)`", document(ARCHITECTURE)))
    missing = packages - named
    stray = {name for name in named if not (ROOT / name).is_dir()}
    assert (missing, stray) == (set(), set())


# --- words, RFCs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [Tier, Disposition, Delivery, Handling, Mode, CaseStatus, DeliveryState, ActionState, OutboxState, Purpose]
)
def test_the_glossary_explains_every_word_of_a_closed_vocabulary(words: type[Tier]) -> None:
    text = document(GLOSSARY)
    assert [word for word in words if f"`{word.value}`" not in text] == []


@pytest.mark.parametrize(
    "word",
    [
        "Envelope", "Content", "Mail transaction", "Unit of work", "Reply", "Decline", "Report", "Notice", "Release",
        "Identity", "Finding", "Verdict", "Disposition", "Case", "Outbox item", "Exemption", "Rulebook", "Intake key",
        "Reverse-path", "Next hop", "Smarthost", "Claim", "Look-alike",
    ],
)  # fmt: skip
def test_the_glossary_has_the_word(word: str) -> None:
    assert re.search(rf"^\| \*\*{re.escape(word)}\b", document(GLOSSARY), re.MULTILINE)


def test_every_rfc_that_the_code_cites_is_in_the_list() -> None:
    cited = {number for one in modules() for number in re.findall(r"RFC (\d{3,5})", one.text)}
    listed = set(re.findall(r"^\| RFC (\d{3,5}) ", document(RFCS), re.MULTILINE))
    assert sorted(cited - listed, key=int) == []


def _rfc_rows() -> list[tuple[str, set[str], set[str]]]:
    """RFC number, sections, modules."""
    rows = re.findall(r"^\| RFC (\d+) [^|]*\| ([^|]*)\|[^|]*\| ([^|]*)\|$", document(RFCS), re.MULTILINE)
    return [
        (rfc, set(re.findall(r"§[\d.]*\d", parts)), set(re.findall(r"`([^`]+)`", where))) for rfc, parts, where in rows
    ]


def test_every_section_in_the_list_of_rfcs_is_cited_by_the_code() -> None:
    """A section that nobody cites any more is obeyed by nobody who knows it."""
    code = " ".join(re.sub(r"\s+(?:#\s+)?", " ", one.text) for one in modules())
    cited = re.findall(r"RFC (\d+) ((?:§[\d.]*\d(?:, | and )?)+)", code)
    known = {(rfc, section) for rfc, sections in cited for section in re.findall(r"§[\d.]*\d", sections)}
    assert sorted({(rfc, section) for rfc, sections, _ in _rfc_rows() for section in sections} - known) == []


def test_every_module_in_the_list_of_rfcs_cites_that_rfc() -> None:
    code = {one.relative: one.text for one in modules()}
    rows = _rfc_rows()
    assert len(rows) > 30
    assert [(rfc, name) for rfc, _, where in rows for name in where if f"RFC {rfc}" not in code.get(name, "")] == []


def test_the_guide_to_templates_names_every_variable_and_what_each_mail_must_say() -> None:
    text = document("docs/templates.md")
    agency = set(re.findall(r"`(\w+)`", text.partition("AGENCY stands for")[2].partition("_cap` begins")[0]))
    named = {
        name: set(re.findall(r"`(\w+)`", variables)) | agency
        for name, variables in re.findall(r"^\| `(\w+)/` \|[^|]*\| AGENCY, ([^|]*) \|$", text, re.MULTILINE)
    }
    assert named == {str(purpose): set(variables) for purpose, variables in VARIABLES.items()}
    must = re.findall(r"^\| (\w+) \| (`[^|]*) \|$", text.partition("## What a template must say")[2], re.MULTILINE)
    assert {name: tuple(re.findall(r"`(\w+)`", said)) for name, said in must} == {
        str(purpose): variables for purpose, variables in ESSENTIAL.items()
    }


def test_operations_explains_every_metric_and_every_label_and_none_that_is_not_there() -> None:
    rows = re.findall(r"^\| `((?:liaison|process)_\w+)` \|([^|]*)\| ([^|]+) \|$", document(OPERATIONS), re.MULTILINE)
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels, _ in rows} == exported()
    assert len(rows) == len({name for name, _, _ in rows})


def test_operations_names_no_metric_that_is_not_there() -> None:
    named = set(re.findall(r"`(liaison_\w+)", document(OPERATIONS)))
    assert named - set(exported()) == set()


def test_operations_names_every_column_of_a_list_and_its_words() -> None:
    table = document(OPERATIONS).partition('id="import-columns"')[2].partition("\n- **")[0]
    rows = dict(re.findall(r"^  \| `(\w+)` \| (.+) \|$", table, re.MULTILINE))
    assert tuple(rows) == COLUMNS
    words = {"kind": EntryKind, "decline": Handling, "report": Handling, "mode": Mode}
    for column, vocabulary in words.items():
        assert set(vocabulary) <= set(re.findall(r"`([a-z]+)`", rows[column])), column
    row = Row({"kind": "domain", "value": "embassy.example", "delivery": "pass"}, {})
    assert row.entry("") is None
    allowed = re.findall(r"one of ([\w, ]+), not", row.problems[0].message)[0].split(", ")
    assert re.findall(r"`(\w+)`", rows["delivery"]) == allowed


def test_operations_names_every_field_of_a_line_of_check() -> None:
    said = document(OPERATIONS).partition("## Looking at everything")[2].partition("|")[0]
    assert set(LineShape.__annotations__) <= set(re.findall(r"`(\w+)`", said))


def test_the_readme_explains_no_command_twice() -> None:
    commands = document("README.md").split("## Commands")[1].split("\n## ")[0]
    named = [command for row in rows_of(commands) for command in re.findall(r"`liaison ([a-z -]+[a-z])", row)]
    assert [command for command, times in Counter(named).items() if times > 1] == []


def rows_of(text: str) -> list[str]:
    """The first cell of every row of a table."""
    return re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "docs/cluster.md", "docs/installation.md"])
def test_every_role_of_a_process_is_named_where_they_are_explained(name: str) -> None:
    roles = set(Role) - {Role.ALL}
    assert {role for role in roles if f"--role {role}`" not in document(name)} == set()


@pytest.mark.parametrize("readme", ["README.md", "README.fr.md"])
def test_every_french_document_is_linked(readme: str) -> None:
    french = {name for name in documents() if name.startswith("docs/") and name.split(".")[1:] == ["fr", "md"]}
    assert {name for name in french if f"({name})" not in document(readme)} == set()


# --- commands, configuration, version -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(documents()))
def test_every_command_that_a_document_names_is_there(name: str) -> None:
    known = commands(main)
    for line in re.findall(r"(?:^|`)(?:\.venv/bin/)?(liaison(?: [a-z]+){1,2})", document(name), re.MULTILINE):
        words = line.split()
        assert " ".join(words[:2]) in known, line
        if " ".join(words[:2]) in {"liaison cases", "liaison senders", "liaison outbox", "liaison audit", "liaison db"}:
            assert " ".join(words[:3]) in known, line


def test_the_readme_names_every_command() -> None:
    text = document("README.md")
    groups = {"liaison"} | {
        name for name in commands(main) if any(other.startswith(f"{name} ") for other in commands(main))
    }
    assert [name for name in sorted(commands(main) - groups) if name not in text] == []


@pytest.mark.parametrize("name", sorted(documents()))
def test_every_make_target_that_a_document_names_is_there(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", document("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", document(name), re.MULTILINE))
    assert named - targets == set()


def test_the_shipped_configuration_is_the_one_that_the_code_describes() -> None:
    assert document("config/gateway.toml") == render_defaults()


def test_the_reference_of_the_configuration_is_the_one_that_the_code_writes() -> None:
    assert document("docs/configuration.md") == render_reference()


def test_the_first_configuration_of_the_readme_is_understood() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", document("README.md"), re.DOTALL)
    assert blocks
    known = tomllib.loads(document("config/gateway.toml"))
    for block in blocks:
        for section, keys in tomllib.loads(block).items():
            assert section in known
            tables = keys if isinstance(keys, list) else [keys]
            model = known[section][0] if isinstance(known[section], list) else known[section]
            for table in tables:
                assert not isinstance(table, dict) or set(table) <= set(model), section


def test_the_changelog_has_this_version() -> None:
    version = tomllib.loads(document("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", document("CHANGELOG.md"), re.MULTILINE)


# --- decisions, links -------------------------------------------------------------------------------------------------


def test_the_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_decision_that_is_referred_to_is_written_down() -> None:
    decided = {int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")}
    cited = {int(number) for text in texts().values() for number in re.findall(r"\bdecisions? (\d+)\b", text)}
    assert cited - decided == set()


@pytest.mark.parametrize("name", sorted(documents()))
def test_no_link_leads_nowhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document(name))
    assert [target for target in targets if not ((ROOT / name).parent / target).exists()] == []


@pytest.mark.parametrize("group", sorted(COMMANDS))
def test_every_command_of_the_readme_is_there_in_a_process_that_runs_it_alone(group: str) -> None:
    """And the readme names all: each group is imported by itself, so nothing may rely on what another imports."""
    listing = "import sys, click; from gateway.cli.program import main; command = main.get_command(None, sys.argv[1]); "
    listing += "print(*getattr(command, 'commands', {}))"
    done = subprocess.run([sys.executable, "-c", listing, group], capture_output=True, check=True, text=True)
    named = set(re.findall(rf"`liaison {group} ([a-z-]+)\b[^`]*`", document("README.md").split("## Commands")[1]))
    assert set(done.stdout.split()) == named
