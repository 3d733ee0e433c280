"""The report of the measurements: what it says, and where it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from bench.report import BASE, Figures, Result, additions, machine, picture, table, write

if TYPE_CHECKING:
    from pathlib import Path


def figures(cpu: float) -> Figures:
    return Figures(cpu=cpu, rate=1000.0, p50=5.0, p99=9.0, slowest=12.0, memory=100 * 1024 * 1024)


RESULTS = [
    Result(name="4 KB & more", bar=0.33, figures={"gateway": figures(0.25), "postfix-proxy": figures(1.0)}),
    Result(name="alone", bar=None, figures={"gateway": figures(0.5)}),
]


def test_the_table_gives_the_ratio_to_the_peer_and_the_bar() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(RESULTS).splitlines()[2:]]
    assert rows[0][:5] == ["4 KB & more", "gateway", "0.250", "0.25", "0.33"]
    assert rows[1][:5] == ["4 KB & more", "postfix-proxy", "1.000", "", ""]
    assert rows[2][:5] == ["alone", "gateway", "0.500", "", ""]
    assert rows[0][-1] == "100"


def test_what_a_long_list_adds_is_said_in_percent() -> None:
    results = [Result(name=name, bar=None, figures={"gateway": figures(cpu)})
               for name, cpu in ((BASE, 0.2), ("list of 100,000", 0.21), ("100 KB, 20 connections", 0.4))]  # fmt: skip
    assert additions(results, BASE) == f"Of the gateway's CPU, beside {BASE}: list of 100,000 +5%."
    assert additions(results[1:], BASE) == ""


def test_the_picture_is_an_image_that_says_in_words_what_it_shows() -> None:
    svg = ET.fromstring(picture(RESULTS))  # noqa: S314 -- ours
    texts = {element.tag.rpartition("}")[2]: element.text for element in svg}
    assert texts["title"]
    assert texts["desc"] == "4 KB & more: gateway 0.25, postfix-proxy 1; alone: gateway 0.5"
    bars = [element for element in svg if element.get("x") == "230" and element.get("y") != "14"]
    widths = [float(bar.get("width", "")) for bar in bars if bar.tag.endswith("rect")]
    assert widths == [130.0, 520.0, 520.0]


def test_the_figures_go_between_their_marks_and_nothing_else_is_touched(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("above\n<!-- figures: written by `make bench` -->\nold\n<!-- end of figures -->\nbelow\n")
    write(page, RESULTS, "Idle: little.")
    written = page.read_text()
    assert written.startswith("above\n")
    assert written.endswith("<!-- end of figures -->\nbelow\n")
    assert table(RESULTS) in written
    assert machine() in written
    assert "Idle: little." in written
    assert "old" not in written
    assert (tmp_path / "performance.svg").read_text() == picture(RESULTS)


def test_a_page_without_the_marks_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing here")
    with pytest.raises(ValueError, match="no place for the figures"):
        write(page, RESULTS, "")
    assert page.read_text() == "nothing here"
