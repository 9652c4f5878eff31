"""What names mean in the file of a function.

Files are read for it rather than asked while they run, where `Array` and `TensorLike` are both `Any`.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tools.site.names import PACKAGES

SHARED = "eagerflow.base.typing"  # names that every file of ours may use


class Named(NamedTuple):
    """A type of ours, as its file defines it.

    Attributes:
        module: the file that defines it, as a module.
        name: what it is called.
        stands_for: of an alias, what it is short for; "" for a class.
        doc: its docstring, or the comment above it.
        bases: of a class, the names of those that it extends.
        line: where it stands.
    """

    module: str
    name: str
    stands_for: str
    doc: str
    bases: tuple[str, ...]
    line: int

    @property
    def anchor(self) -> str:
        """Where on the page of types it is."""
        return f"{self.module}.{self.name}"


def home(function: Any) -> str:
    """The module in whose file a signature is written."""
    if isinstance(function, type):
        given = (vars(kind)["__init__"] for kind in function.__mro__[:-1] if "__init__" in vars(kind))
        function = next(given, function)
    plain = inspect.unwrap(function)
    plain = getattr(getattr(plain, "op", None), "mathematics", plain)
    return str(getattr(plain, "__module__", ""))


@cache
def resolved(module: str, text: str) -> str | None:
    """The full name, where it is defined, of what a file of ours calls `text`; "" for what isn't ours.

    >>> resolved("eagerflow.layers.core.dense", "Shape"), resolved("eagerflow.layers.core.dense", "Any")
    ('eagerflow.base.typing.Shape', '')
    """
    first, _, rest = text.partition(".")
    if not _is_ours(module):
        return None
    if not rest and (first in definitions(module) or first in variables(module)):
        return f"{module}.{first}"
    given = _imports(module).get(first)
    if given is None:
        return None
    source, name = given
    if not source.startswith(PACKAGES):  # Python's, NumPy's
        return ""
    inner = f"{source}.{name}" if name else source
    if rest:
        return resolved(inner, rest)
    found = resolved(source, name)
    if found is None:  # a face: its names come from files that it doesn't list
        value = getattr(import_module(source), name, None)
        found = f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else None
    return found


def defined(full: str) -> Named | None:
    """The type with a full name; None where no file of ours defines it."""
    module, _, name = full.rpartition(".")
    return definitions(module).get(name) if _is_ours(module) else None


def stands_for(full: str) -> str | None:
    """What a type variable may be: its bound, or its constraints with bars between; "" where it may be anything.

    None for what is no type variable.

    >>> [stands_for(f"eagerflow.core.tape.{name}") for name in ("S", "K", "Tensor")]
    ['Tensor', '', None]
    """
    module, _, name = full.rpartition(".")
    return variables(module).get(name) if _is_ours(module) else None


@cache
def variables(module: str) -> dict[str, str]:
    """The type variables of a file, each with what it may be."""
    calls = {target: value for target, value, _ in _assigned(module) if isinstance(value, ast.Call)}
    return {target: _range(call) for target, call in calls.items() if _called(call) in ("TypeVar", "ParamSpec")}


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _range(call: ast.Call) -> str:
    bound = next((ast.unparse(given.value) for given in call.keywords if given.arg == "bound"), "")
    kinds = [ast.unparse(kind) for kind in call.args[1:]]
    return bound or " | ".join(dict.fromkeys(kind for kind in kinds if kind != "Never"))


@cache
def definitions(module: str) -> dict[str, Named]:
    """The classes and aliases of types of a file."""
    found: dict[str, Named] = {}
    lines = path_of(module).read_text(encoding="utf-8").splitlines()
    for node in _statements(module):
        if isinstance(node, ast.ClassDef):
            bases = tuple(ast.unparse(base) for base in node.bases)
            found[node.name] = Named(module, node.name, "", ast.get_docstring(node) or "", bases, node.lineno)
    for name, value, line in _assigned(module):
        if isinstance(value, (ast.Name, ast.Subscript, ast.BinOp)):
            text = _comment(lines, line - 1)
            found[name] = Named(module, name, ast.unparse(value), text, (), line)
    return found


def _statements(module: str) -> list[ast.stmt]:
    body = _tree(module).body
    return [*body, *[inner for outer in body if isinstance(outer, ast.If) for inner in outer.body]]


def _assigned(module: str) -> list[tuple[str, ast.expr, int]]:
    """Names that a file gives values, with those and their lines."""
    found = []
    for node in _statements(module):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                found.append((target.id, node.value, node.lineno))
    return found


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """The names that a file imports: from where, and as what."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: (alias.name, "") for alias in node.names}
    return found


def _comment(lines: list[str], at: int) -> str:
    """What the comment above a line says, or the one behind it."""
    first = at
    while first and lines[first - 1].startswith("#"):
        first -= 1
    behind = re.search(r"  # (.*)$", lines[at])
    return " ".join(line.lstrip("# ") for line in lines[first:at]) or (behind[1] if behind else "")


def _is_ours(module: str) -> bool:
    return module.startswith(PACKAGES) and path_of(module) is not None


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


@cache
def path_of(module: str) -> Any:
    """The file of a module, None where there is none."""
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(found.origin) if found and found.origin and found.origin.endswith(".py") else None
