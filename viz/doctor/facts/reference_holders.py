"""Who keeps an object alive: the name of the list, attribute or global, and the line that adds to it."""

from __future__ import annotations

import ast
import linecache
import sys
import types
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.user_code import Place, user_frames
from viz.recorder.source_lines import is_internal
from viz.source_trees import parsed_source

__all__ = ["Holder", "holder_of"]

_DEPTH = 4  # containers inside of containers
_LARGE = 100_000  # elements of a container that is looked into, at most
_CONTAINERS = (list, tuple, dict, set, deque)
_ADDS = ("append", "extend", "insert", "add", "appendleft", "setdefault", "update", "put")


class Holder(NamedTuple):
    """What holds an object.

    Attributes:
        name: as the program calls it, such as `"losses"` or `"Trainer.history"`.
        kind: the type of the container.
        size: how many elements it has.
        place: the line that adds to it, where one was found.
    """

    name: str
    kind: str
    size: int
    place: Place | None


def holder_of(thing: Any) -> Holder | None:
    """The container of the user's that keeps `thing` alive, as far as can be told from the user's variables."""
    frames = user_frames()
    around = [pair for frame in frames for scope in (frame.f_locals, frame.f_globals) for pair in scope.items()]
    seen: set[int] = set()
    for _ in range(_DEPTH + 1):
        inner: list[tuple[str, Any]] = []
        for name, value in around:
            if name.startswith("__") or id(value) in seen or isinstance(value, types.ModuleType):
                continue
            seen.add(id(value))
            held = list(_held(name, value))
            if isinstance(value, _CONTAINERS) and any(each is thing for _, each in held):
                files = dict.fromkeys(frame.f_code.co_filename for frame in frames)
                lines = (_adding_line(file, name.split(".")[-1]) for file in files)
                return Holder(name, type(value).__name__, len(value), next((p for p in lines if p is not None), None))
            inner += held
        around = inner
    return None


def _held(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a container holds, under its name, or an object or class of the user's, as `Class.attribute`."""
    if isinstance(value, dict):
        yield from ((name, each) for each in list(value.values())[:_LARGE])
    elif isinstance(value, _CONTAINERS):
        yield from ((name, each) for each in list(value)[:_LARGE])
    else:
        kind = value if isinstance(value, type) else type(value)
        yield from ((name, layer) for layer in (() if value is kind else layers_in(value)[1:]))
        if _is_users(kind) and hasattr(value, "__dict__"):
            yield from ((f"{kind.__name__}.{each}", held) for each, held in list(vars(value).items()))


def _is_users(kind: type) -> bool:
    """Did the user write this class?"""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return kind.__module__ == "__main__" or (file is not None and not is_internal(file))


def _tree(file: str) -> ast.Module | None:
    linecache.checkcache(file)
    try:
        return parsed_source("".join(linecache.getlines(file)))
    except SyntaxError:
        return None


def _adding_line(file: str, name: str) -> Place | None:
    """The first line of a file that adds to what is called `name`."""
    tree = _tree(file)
    for node in ast.walk(tree) if tree is not None else ():
        if any(_is_called(target, name) for target in _added_to(node)):
            return Place(file, node.lineno)  # type: ignore[attr-defined]
    return None


def _added_to(node: ast.AST) -> list[ast.expr]:
    """What a call or assignment adds something to."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDS:
        return [node.func.value]
    if isinstance(node, ast.AugAssign):
        return [node.target]
    if isinstance(node, ast.Assign):
        return [target.value for target in node.targets if isinstance(target, ast.Subscript)]
    return []


def _is_called(node: ast.expr, name: str) -> bool:
    if isinstance(node, ast.Subscript):  # kept["losses"].append(...)
        return _is_called(node.value, name)
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
