"""Processes that `multiprocessing` starts anew, rather than by forking: there, too, `import keras` means eagerflow.

Such a process imports the user's script before it does anything else. What it is told beforehand (its path, its
arguments) is pickled; an object among that calls a function of ours when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["begin", "end"]

_FOR_THE_SERVER = "ignore"  # how multiprocessing names the process that forks others, which needn't import the script
_before: list[Callable[..., dict[str, Any]]] = []


class _Begins:
    """Pickled, a call of a function by its module, name and arguments."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call


def begin(function: Callable[..., Any], told: Callable[[], tuple[Any, ...]]) -> None:
    """From now on, processes that are started anew begin with `function`.

    Args:
        function: what to call; found there by its module and name.
        told: gives its arguments when a process is started.
    """
    if _before:
        return
    spawn: Any = import_module("multiprocessing.spawn")
    original = spawn.get_preparation_data
    _before.append(original)

    def told_beforehand(name: str) -> dict[str, Any]:
        found = original(name)
        if name == _FOR_THE_SERVER:
            return {key: value for key, value in found.items() if not key.startswith("init_main_from")}
        return {**found, "eagerflow": _Begins(function, told())}

    spawn.get_preparation_data = told_beforehand


def end() -> None:
    """Processes begin as they do without us."""
    if _before:
        spawn: Any = import_module("multiprocessing.spawn")
        spawn.get_preparation_data = _before.pop()
