"""`filters` and `gateway.model` import nothing that could touch the world. A list of what is allowed leaks nothing."""

from __future__ import annotations

import ast

import pytest

from tests.support.checkout import Module, modules

ANYWHERE = {
    "__future__", "collections.abc", "dataclasses", "datetime", "email", "enum", "functools", "hashlib", "idna",
    "ipaddress", "itertools", "json", "re", "types", "typing", "unicodedata",
}  # fmt: skip

ONLY_IN = {
    "base64": {"filters.dkim", "filters.mime_parts"},
    "binascii": {"filters.dkim", "filters.mime_parts"},
    "urllib.parse": {"filters.calendar", "filters.mime_parts", "filters.spf"},  # what stands there is percent-encoded
    "html": {"filters.forwards", "gateway.model.export_index"},
    "publicsuffixlist": {"filters.guard"},
    "email_validator": {"filters.guard"},
    "csv": {"filters.packs", "gateway.model.export_index"},
    "io": {"filters.line_ends", "filters.packs", "gateway.model.export_index"},  # line ends; StringIO for csv
    "tomllib": {"filters.packs"},
}

CLOCK_AND_FILES = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}

PURE = [
    module for module in modules() if module.name.split(".")[0] == "filters" or module.name.startswith("gateway.model")
]


def _is_own(module: Module, imported: str) -> bool:
    return imported.startswith("filters") or (module.name.startswith("gateway.model") and "gateway.model" in imported)


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.name)
def test_a_pure_module_imports_only_what_is_allowed(module: Module) -> None:
    foreign = {
        imported
        for imported in module.imports()
        if imported not in ANYWHERE
        and module.name not in ONLY_IN.get(imported, set())
        and not _is_own(module, imported)
    }
    assert not foreign


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.name)
def test_a_pure_module_neither_looks_at_the_clock_nor_opens_a_file(module: Module) -> None:
    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    attributes = {call.attr for call in calls if isinstance(call, ast.Attribute)}
    assert not names & CLOCK_AND_FILES
    assert not attributes & {"now", "utcnow", "today", "read_text", "read_bytes"}
