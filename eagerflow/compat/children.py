"""Processes that `multiprocessing` spawns rather than forks: there, too, `import keras` means eagerflow.

Such a process imports the user's script before it does anything else. Its preparation data (its path, its
arguments) are pickled; an object among them calls a function of ours when it is unpickled.
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


def begin(function: Callable[..., Any], arguments: Callable[[], tuple[Any, ...]]) -> None:
    """From now on, spawned processes begin with `function`."""
    if _before:
        return
    spawn: Any = import_module("multiprocessing.spawn")
    original = spawn.get_preparation_data
    _before.append(original)

    def preparation_data(name: str) -> dict[str, Any]:
        found = original(name)
        if name == _FOR_THE_SERVER:
            return {key: value for key, value in found.items() if not key.startswith("init_main_from")}
        return {**found, "eagerflow": _Begins(function, arguments())}

    spawn.get_preparation_data = preparation_data


def end() -> None:
    """Processes begin as they do without us."""
    if _before:
        spawn: Any = import_module("multiprocessing.spawn")
        spawn.get_preparation_data = _before.pop()
