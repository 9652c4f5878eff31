"""The source files of both packages, read as syntax trees: what the tests of the structure look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = "eagerflow", "viz"
_BLOCKS = "body", "handlers", "orelse", "finalbody", "cases"


class Source:
    """One file: its module name, its syntax tree, its imports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        self.is_package = path.stem == "__init__"

    def __repr__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    def imports(self, for_types: bool = False) -> list[tuple[str, bool, int]]:
        """Name, whether it happens inside a function, and the line of every import that runs, or is there for types."""
        return [(name, inside, line) for name, inside, line, typed in self._every_import if for_types or not typed]

    @cached_property
    def _every_import(self) -> list[tuple[str, bool, int, bool]]:
        return list(self._imports(self.tree, False, False))

    def _imports(self, node: ast.AST, inside: bool, typed: bool) -> Iterator[tuple[str, bool, int, bool]]:
        """The imports among the statements of a block, and in blocks within it; expressions have none."""
        for child in [child for block in _BLOCKS for child in getattr(node, block, ())]:
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside, child.lineno, typed) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                home = self._absolute(child)
                yield from ((f"{home}.{alias.name}", inside, child.lineno, typed) for alias in child.names)
            else:
                is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
                is_typed = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
                yield from self._imports(child, inside or is_function, typed or is_typed)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])


def all_sources() -> list[Source]:
    """Every Python file of both packages, in a fixed order."""
    return [Source(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


SOURCES = all_sources()
MODULES = {source.name: source for source in SOURCES}


def module_of(imported: str) -> str | None:
    """The module of ours that an import of `imported` (a module, or a name in one) reaches."""
    while imported:
        if imported in MODULES:
            return imported
        imported = imported.rpartition(".")[0]
    return None
