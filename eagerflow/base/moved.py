"""Modules under the names that they had in 0.1.0: pickles name the module of every class and function they hold.

The finder stands behind all others, so it is asked only for what nobody finds, and reads its table then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.resources import files
from types import ModuleType
from typing import Any

from eagerflow.base.errors import no_attribute
from eagerflow.base.faces import other_way
from eagerflow.base.wording.own_names import in_own_names

__all__ = ["forwarded", "install", "moved_modules", "stand_behind"]


@cache
def moved_modules(package: str) -> Mapping[str, list[str]]:
    """Today's names by the old one, all without the package's, as its file `moved.txt` lists them.

    Several where what was in one module is in several now.
    """
    lines = (files(package) / "moved.txt").read_text(encoding="utf-8").splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if not line.startswith("#")}


class _Finder:
    """Finds the old names of one package: the module of today stands for each."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, below = name.partition(".")
        if package != self.package:
            return None
        if below not in moved_modules(package):
            face, _, last = name.rpartition(".")
            way = other_way(face, last)
            if way:
                raise ModuleNotFoundError(in_own_names(f"No module named {name!r}.{way}"), name=name)
            return None
        homes = [f"{package}.{home}" for home in moved_modules(package)[below]]
        return ModuleSpec(name, _Loader(homes))  # type: ignore[arg-type]


class _Loader:
    def __init__(self, homes: list[str]) -> None:
        self.homes = homes

    def create_module(self, spec: ModuleSpec) -> None:
        """An empty one, as usual."""

    def exec_module(self, module: ModuleType) -> None:
        homes = [import_module(home) for home in self.homes]
        if len(homes) == 1:
            sys.modules[module.__name__] = homes[0]  # import hands out what stands there
            return
        for home in reversed(homes):
            module.__dict__.update({name: vars(home)[name] for name in home.__all__})


def install(package: str) -> None:
    """Let the old names of a package be found."""
    sys.meta_path.append(_Finder(package))


def forwarded(package: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose name a module had: what was in that module is found still.

    >>> from eagerflow.layers import attention
    >>> attention.AdditiveAttention.__module__
    'eagerflow.layers.attention.attention'
    """

    def __getattr__(name: str) -> Any:
        if not name.startswith("__"):
            root, _, below = package.partition(".")
            for home in moved_modules(root)[below]:
                module = import_module(f"{root}.{home}")
                if hasattr(module, name):
                    return getattr(module, name)
        raise no_attribute(f"module {package!r} has no attribute {name!r}.", name)

    return __getattr__


def stand_behind(package: str, **homes: str) -> None:
    """Let old modules be found whose names functions have, which are the package's attributes and stay that.

    Import would put the module in the function's place; it doesn't where the module is known already.
    """
    for name, home in homes.items():
        sys.modules.setdefault(f"{package}.{name}", sys.modules[f"{package}.{home}"])
