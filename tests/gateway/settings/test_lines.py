"""Where keys stand: the scanner agrees with tomllib on everything that tomllib accepts."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from gateway.settings.lines import key_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.lines import KeyPath

GNARLY = r'''# = [not.a.table]
top = "a # b ] \" ="  # comment = 3
'literal key' = 'c:\dir\'
"esc\u0061ped" = 1979-05-27 07:32:00
[ spaced . "header.with.dots" ]
a.b . c = true
many = """
[no.header]
no_key = 1 \""" still ""inside"""""
raw = \'\'\'
x = "y"
\'\'\'\'
list = [ # comment ]
  1, "]",
  [ 2, { x = 3, "y" = [4] } ],

  0x_f,
]
[[route]]
domains = []
[route.sub]
deep = {a = {b = -inf}}
[[route]]
domains = ["a"]
[[route.hop]]
n = 1
[[route.hop]]
n = 2
'''.replace("\\'", "'").replace("0x_f", "0xf")


def _paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))


def test_every_key_and_item_of_a_document_has_a_line() -> None:
    assert set(_paths(tomllib.loads(GNARLY))) == set(key_lines(GNARLY))


@pytest.mark.parametrize(
    ("path", "snippet"),
    [
        (("top",), "top ="),
        (("literal key",), "'literal key'"),
        (("escaped",), '"esc'),
        (("spaced", "header.with.dots", "a", "b", "c"), "a.b . c"),
        (("spaced", "header.with.dots", "raw"), "raw ="),
        (("spaced", "header.with.dots", "list"), "list ="),
        (("spaced", "header.with.dots", "list", 1), '"]",'),
        (("spaced", "header.with.dots", "list", 2, 1, "y", 0), "[ 2,"),
        (("spaced", "header.with.dots", "list", 3), "0xf"),
        (("route", 0, "sub", "deep", "a", "b"), "deep ="),
        (("route", 1, "domains"), 'domains = ["a"]'),
        (("route", 1, "hop", 1, "n"), "n = 2"),
    ],
)
def test_a_key_stands_where_it_was_written(path: KeyPath, snippet: str) -> None:
    assert snippet in GNARLY.splitlines()[key_lines(GNARLY)[path] - 1]


def test_a_table_stands_at_its_header() -> None:
    assert key_lines("\n[a]\n\n[[b]]\n[[b]]\n") == {("a",): 2, ("b",): 4, ("b", 0): 4, ("b", 1): 5}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "a = 1", "a = 1 # no line end", "a = [\n]\n", "a = {}"])
def test_the_end_of_a_document_is_no_surprise(text: str) -> None:
    assert set(_paths(tomllib.loads(text))) == set(key_lines(text))
