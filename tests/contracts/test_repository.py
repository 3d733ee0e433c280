"""The repository stands by itself: it names no machine, no package index, and no document that it does not have."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from tests.support.checkout import document, files, texts

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
OF_ANY_MACHINE = {"bin", "build", "dev", "etc", "opt", "proc", "run", "src", "tmp", "usr", "var"}
"""The first directories that a path may begin with; every other absolute path would be somebody's own machine's."""
PATH = re.compile(r"""(?:^|[\s"'(=`])/([a-z][\w.-]*)/\w""", re.MULTILINE)
ADDRESSES = (
    "gateway/console/",
    "templates/console/",
    "tests/console/",
    "tests/browser/",
    "tests/support/screenshots.py",
    "tests/support/furnished.py",
)
"""Where what begins with a slash is a page's address."""
OURS = ("pyproject.toml", "Makefile", "Dockerfile", ".ci/run", "gateway", "filters", "tests", "docs", "config")


def requirements(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Package to its version (and marker) and its hashes."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for block in re.split(r"\n(?=\S)", document(name)):
        head = re.match(r"([\w.-]+)==(\S+)", block)
        if head:
            found[head[1]] = (head[2], frozenset(re.findall(r"--hash=(\S+)", block)))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    locked = requirements(lock)
    assert len(locked) > (4 if "build" in lock else 10)
    assert [name for name, (_, hashes) in locked.items() if not hashes] == []


def test_the_lock_files_agree() -> None:
    runtime, development, build = map(requirements, LOCKS)
    for part in (runtime, build):
        assert {name: pin for name, pin in part.items() if development.get(name) != pin} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_package_index(lock: str) -> None:
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links", document(lock))


def test_no_file_says_where_packages_come_from() -> None:
    option = re.compile(r"--(?:extra-)?index-url[ =]|--find-links[ =]|\bindex-url\s*=|trusted[-]host")
    named = [name for name, text in texts().items() if name.startswith(OURS) and option.search(text)]
    assert named == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = {
        (name, match[0].strip())
        for name, text in texts().items()
        if not name.endswith((".eml", ".lock"))
        for match in PATH.finditer(text)
        if match[1] not in OF_ANY_MACHINE and not name.startswith(ADDRESSES)
    }
    assert found == set()


def test_no_file_refers_to_a_document_that_is_not_there() -> None:
    known = {path.name for path in files()}
    mentioned = {
        (name, PurePosixPath(word).name)
        for name, text in texts().items()
        for word in re.findall(r"[\w./-]+\.md\b", text)
        if PurePosixPath(word).stem.strip("._-")
    }
    assert {one for one in mentioned if one[1] not in known} == set()


def test_no_file_tells_how_the_work_was_divided() -> None:
    told = re.compile(r"\b(?:issue|session|sprint|milestone) \d+\b", re.IGNORECASE)
    assert {name for name, text in texts().items() if name.startswith(OURS) and told.search(text)} == set()
