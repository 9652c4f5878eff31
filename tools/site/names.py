"""The public names: every function and class that users reach from `eagerflow` and `viz`, each once.

One object often has several names (`ops.numpy.add`, `ops.add`). One of them is its own: the shortest path, with the
name that it was defined by; the others are aliases, which lead to its page.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("eagerflow", "viz")
# Of two modules as near, the one whose subject it is: `ops.relu` and not `activations.relu`, which is the same.
FIRST = ("ops", "layers", "losses", "metrics", "optimizers", "models", "saving", "callbacks", "initializers")


class Public(NamedTuple):
    """A public function or class.

    Attributes:
        path: its own name, such as `eagerflow.layers.Dense`.
        value: the function or class.
        aliases: its other names, sorted.
    """

    path: str
    value: Any
    aliases: tuple[str, ...]

    @property
    def module(self) -> str:
        """Such as `eagerflow.layers`."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Such as `Dense`."""
        return self.path.rpartition(".")[2]

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.value, type)

    @property
    def doc(self) -> str:
        """Its own docstring, none that it inherits."""
        found = vars(self.value).get("__doc__") if self.is_class else self.value.__doc__
        return inspect.cleandoc(found or "")

    @property
    def has_example(self) -> bool:
        """Whether its docstring shows something that runs."""
        lines = self.doc.splitlines()
        return any(line.lstrip().startswith(">>> ") and "doctest: +SKIP" not in line for line in lines)

    def source(self) -> tuple[Path, int, int] | None:
        """The file that defines it, and its first and last line; None for what no file of ours does."""
        plain = inspect.unwrap(self.value)
        plain = getattr(getattr(plain, "op", None), "mathematics", plain)  # of an op, its array function
        try:
            file, (lines, first) = inspect.getsourcefile(plain), inspect.getsourcelines(plain)
        except (TypeError, OSError):
            return None
        path = Path(file or "")
        return (path, first, first + len(lines) - 1) if path.is_relative_to(ROOT) else None


@cache
def catalogue() -> list[Public]:
    """Every public name, sorted by path.

    >>> "eagerflow.ops.add" in [found.path for found in catalogue()]
    True
    """
    paths: dict[int, list[str]] = {}
    values: dict[int, Any] = {}
    for path, value in _reached():
        paths.setdefault(id(value), []).append(path)
        values[id(value)] = value
    named = [(_best(found, values[key]), values[key], found) for key, found in paths.items()]
    return sorted(
        (Public(own, value, tuple(sorted(set(found) - {own}))) for own, value, found in named), key=lambda one: one.path
    )


def modules() -> dict[str, ModuleType]:
    """The public modules by name, each after the one that it is in."""
    found: dict[str, ModuleType] = {}
    for name in PACKAGES:
        _modules_below(name, import_module(name), found)
    return found


def _modules_below(path: str, module: ModuleType, found: dict[str, ModuleType]) -> None:
    found[path] = module
    for name in listed(module):
        value = getattr(module, name)
        if isinstance(value, ModuleType) and value.__name__.startswith(PACKAGES) and value not in found.values():
            _modules_below(f"{path}.{name}", value, found)


def listed(module: ModuleType) -> Iterable[str]:
    """The names that a module lists as public."""
    return sorted(name for name in getattr(module, "__all__", ()) if not name.startswith("_"))


def _reached() -> Iterator[tuple[str, Any]]:
    for path, module in modules().items():
        for name in listed(module):
            value = getattr(module, name)
            if callable(value) and str(getattr(value, "__module__", "")).partition(".")[0] in PACKAGES:
                yield f"{path}.{name}", value


def _best(paths: list[str], value: Any) -> str:
    own = getattr(value, "__name__", "")

    def rank(path: str) -> tuple[Any, ...]:
        parts = path.split(".")
        subject = FIRST.index(parts[1]) if parts[1] in FIRST else len(FIRST)
        return len(parts), parts[-1] != own, subject, parts[1] == "preprocessing", path  # what Keras 3 has in utils

    return min(paths, key=rank)
