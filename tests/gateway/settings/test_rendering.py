"""The shipped configuration file and the tree are one thing."""

from __future__ import annotations

import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from gateway.settings import Settings, load, render_defaults
from gateway.settings.schema import CONFIGURABLE_TIERS, KeySpec, Section, keys_of, plain, sections, variables
from gateway.shipped import shipped

SHIPPED = shipped("config") / "gateway.toml"
KEYS = [(Settings, spec) for spec in keys_of(Settings)] + [
    (section.fields, spec) for section in sections() for spec in keys_of(section.fields)
]


def _key_name(value: object) -> str:
    return value.name if isinstance(value, KeySpec | Section) else getattr(value, "__name__", "")


def test_the_shipped_file_is_exactly_what_the_tree_renders() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == render_defaults()


def test_the_shipped_file_names_every_key() -> None:
    document = tomllib.loads(render_defaults())
    tables = {section.name: document[section.name] for section in sections()}
    tables |= {"route": tables["route"][0], "policy": tables["policy"]["confirmed"]}
    for section in sections():
        assert list(tables[section.name]) == [spec.name for spec in keys_of(section.fields)]


def test_the_shipped_file_holds_the_defaults_except_where_it_shows_an_example() -> None:
    written = load(SHIPPED, {})
    examples = {
        (section.name, spec.name) for section in sections() for spec in keys_of(section.fields) if spec.key.shown
    }
    for section in sections():
        if section.name in {"route", "policy"}:
            continue
        for spec in keys_of(section.fields):
            if (section.name, spec.name) not in examples | {("store", "url")}:  # relative to another directory
                assert getattr(getattr(written, section.name), spec.attribute) == spec.default, spec.name


@pytest.mark.parametrize(("fields", "spec"), KEYS, ids=_key_name)
def test_every_key_has_a_comment_and_says_what_would_be_right(fields: type, spec: KeySpec) -> None:
    assert spec.key.comment
    assert spec.key.kind.right


@pytest.mark.parametrize(("fields", "spec"), KEYS, ids=_key_name)
def test_every_default_is_what_its_own_kind_reads(fields: type, spec: KeySpec) -> None:
    if spec.is_required or spec.default is None or spec.name == "url":
        return
    assert spec.key.kind.read(plain(spec.default), Path("/")) == spec.default


def test_every_field_of_the_tree_is_a_key_or_a_table() -> None:
    names = {spec.attribute for spec in keys_of(Settings)} | {section.name for section in sections()} | {"file"}
    assert names == {field.name for field in fields(Settings)}
    for section in sections():
        assert is_dataclass(section.fields)
        assert [spec.attribute for spec in keys_of(section.fields)] == [field.name for field in fields(section.fields)]


def test_every_key_has_a_variable() -> None:
    single = sum(len(keys_of(section.fields)) for section in sections() if section.name not in {"route", "policy"})
    policy = next(section for section in sections() if section.name == "policy")
    expected = len(keys_of(Settings)) + single + len(CONFIGURABLE_TIERS) * len(keys_of(policy.fields)) + 1
    assert len(variables()) == expected
