"""Who keeps an object alive: the name of the list, attribute or global, and the line that adds to it."""

from __future__ import annotations

import ast
import gc
import linecache
import sys
import types
from collections import deque
from typing import Any, NamedTuple

from viz.doctor.user_code import Place, user_frames
from viz.recorder.source_lines import is_internal
from viz.source_trees import parsed_source

__all__ = ["Holder", "holder_of"]

_DEPTH = 4  # containers inside of containers
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
    """The container of the user's that keeps `thing` alive, as far as can be told."""
    frames = user_frames()
    files = list(dict.fromkeys([frame.f_code.co_filename for frame in frames]))
    ours = {id(frames), id(files), id(sys._getframe())}
    found = _search(thing, _names(frames), ours, _DEPTH)
    if found is None:
        return None
    name, container = found
    last = name.split(".")[-1]
    place = next((p for file in files if (p := _adding_line(file, last)) is not None), None)
    size = len(container) if hasattr(container, "__len__") else 1
    return Holder(name, type(container).__name__, size, place)


def _names(frames: list[types.FrameType]) -> dict[int, str]:
    """Objects that the user's variables are bound to, by id."""
    names: dict[int, str] = {}
    for frame in frames:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                if not name.startswith("__") and not isinstance(value, (types.ModuleType, type, types.FunctionType)):
                    names.setdefault(id(value), name)
    return names


def _search(thing: Any, names: dict[int, str], ours: set[int], depth: int) -> tuple[str, Any] | None:
    """The nearest container around `thing` that has a name."""
    referrers = [r for r in gc.get_referrers(thing) if id(r) not in ours and not isinstance(r, types.FrameType)]
    ours = ours | {id(referrers)}
    for r in referrers:
        attribute = None if _is_namespace(r) else _attribute(r, thing)
        if attribute is not None:
            return attribute, thing
        if id(r) in names and isinstance(r, _CONTAINERS) and not _is_namespace(r):
            return names[id(r)], r
    if depth:
        for r in referrers:
            if (isinstance(r, _CONTAINERS) and not _is_namespace(r)) or _is_users(r):
                found = _search(r, names, ours | {id(thing)}, depth - 1)
                if found is not None:
                    return found
    return None


def _is_namespace(r: Any) -> bool:
    return isinstance(r, dict) and "__name__" in r and "__builtins__" in r


def _attribute(r: Any, thing: Any) -> str | None:
    """`Class.name` where `r` is an object of a class (or its dict) that holds `thing` as an attribute."""
    owner: Any = r
    if isinstance(r, dict):
        owner = next((o for o in gc.get_referrers(r) if getattr(o, "__dict__", None) is r), None)
    if owner is None or isinstance(owner, (*_CONTAINERS, types.CellType, types.MethodType)):
        return None
    held = getattr(owner, "__dict__", {})
    for name, value in list(held.items()):
        if value is thing and isinstance(value, _CONTAINERS):
            kind = owner.__name__ if isinstance(owner, type) else type(owner).__name__
            return f"{kind}.{name}"
    return None


def _is_users(r: Any) -> bool:
    """An object of a class that the user wrote."""
    file = getattr(sys.modules.get(type(r).__module__), "__file__", None)
    return hasattr(r, "__dict__") and (type(r).__module__ == "__main__" or (file is not None and not is_internal(file)))


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
