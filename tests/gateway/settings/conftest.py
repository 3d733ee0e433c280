"""Configurations written to a real file, read back as settings or as problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import ConfigurationError
from gateway.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.settings import Settings
    from tests.support.configurations import Reader, Refusal

ROUTE = '[[route]]\ndomains = ["police.example"]\nnext_hop = ["127.0.0.1:2526"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


@pytest.fixture
def read(file: Path) -> Reader:
    """The settings of this text, with a route behind it unless it has its own."""

    def read_text(text: str = "", environ: Mapping[str, str] | None = None) -> Settings:
        file.write_text(text if "route" in text else f"{text}\n{ROUTE}", encoding="utf-8")
        return load(file, environ or {})

    return read_text


@pytest.fixture
def problems(read: Reader, file: Path) -> Refusal:
    """The problems of this text, each without the directory of the file."""

    def refuse(text: str = "", environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as refused:
            read(text, environ)
        return [problem.replace(f"{file.parent}/", "") for problem in refused.value.problems]

    return refuse
