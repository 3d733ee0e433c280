"""The checkout as the contract tests read it: its files, its modules, its documents. Nothing here is imported by name."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("filters", "gateway")


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """`gateway.smtp.engine`; a package is called by its own name."""
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    @property
    def relative(self) -> str:
        """`gateway/smtp/engine.py`."""
        return self.path.relative_to(ROOT).as_posix()

    def imports(self) -> set[str]:
        """Every module that is imported, also for annotations alone, also inside functions."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found.update({module} if module != "gateway" else {f"gateway.{alias.name}" for alias in node.names})
        return found


@cache
def modules() -> tuple[Module, ...]:
    """Every module of `filters` and `gateway`."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return tuple(Module(path, text := path.read_text(encoding="utf-8"), ast.parse(text)) for path in paths)


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 -- the git of the checkout
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    return tuple(path for name in sorted(filter(None, listed.split("\0"))) if (path := ROOT / name).is_file())


def texts() -> dict[str, str]:
    """The text files among them, by their relative path."""
    found = {}
    for path in files():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a message or another binary: nothing that people read as a document
    return found


def document(name: str) -> str:
    """A document of the repository, by its relative path."""
    return (ROOT / name).read_text(encoding="utf-8")


def documents() -> dict[str, str]:
    """What people read: every Markdown file, by its relative path."""
    return {name: text for name, text in texts().items() if name.endswith(".md")}
