"""The code stays readable: small files, short functions, names that say something."""

from __future__ import annotations

import ast

import pytest

from tests.support.checkout import Module, modules

MAX_FILE = 400
MAX_FUNCTION = 50
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core", "shared"}


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_file_is_longer_than_400_lines(module: Module) -> None:
    assert len(module.text.splitlines()) <= MAX_FILE


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_function_is_longer_than_50_lines(module: Module) -> None:
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION} == {}


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_no_module_has_a_name_that_says_nothing(module: Module) -> None:
    words = {word for part in module.name.split(".") for word in part.split("_")}
    assert not words & SAYS_NOTHING


@pytest.mark.parametrize(
    "module", [one for one in modules() if "migrations" not in one.name], ids=lambda module: module.name
)
def test_every_module_says_what_it_is_for(module: Module) -> None:
    assert ast.get_docstring(module.tree)
