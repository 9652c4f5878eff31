"""Whose a class or a module is: the user's, or eagerflow's, NumPy's, the standard library's, an installed package's.

The name of a module tells less than its file: a script may be called `code.py`. And what a class says of its module
anybody may set; for what `types.new_class`, `dataclasses.make_dataclass` or `exec` make, Python itself names a module
of the standard library. So a class is a library's if that has it by its name.
"""

from __future__ import annotations

import functools
import sys
import weakref
from types import FunctionType, ModuleType
from typing import Any

from eagerflow.capture.hearing.calls import is_of_a_library, is_of_user

__all__ = ["LIBRARIES", "is_ours", "is_unheard", "is_users", "is_users_module"]

LIBRARIES = frozenset({"eagerflow", "numpy", "keras", "tensorflow"})
_HEAP, _FIXED = 1 << 9, 1 << 8  # flags of a class: made while Python ran; whose attributes can't be set
_known: dict[int, tuple[weakref.ref[type], bool]] = {}  # by identity: a metaclass may compare classes in its own way


def is_users(kind: type) -> bool:
    """Whether a class is the user's own: not eagerflow's, nor of the standard library or an installed package."""
    asked, found = _known.get(id(kind), (None, False))
    if asked is None or asked() is not kind:
        found = _is_users(kind)
        _known[id(kind)] = weakref.ref(kind, functools.partial(_forget, id(kind))), found
    return found


def _forget(identity: int, _: Any) -> None:
    _known.pop(identity, None)


def _is_users(kind: type) -> bool:
    module = sys.modules.get(str(kind.__module__))
    if _is_users_file(str(kind.__module__), _file_of(module)):
        return True
    return bool(kind.__flags__ & _HEAP) and not kind.__flags__ & _FIXED and not _is_made_by(module, kind)


def _is_made_by(module: ModuleType | None, kind: type) -> bool:
    """Whether a class is of the module that it names: found there, made by a function there, or with methods of it."""
    found: Any = module
    around, _, within = kind.__qualname__.partition(".<locals>")
    for name in around.split("."):
        found = vars(found).get(name) if isinstance(found, (type, ModuleType)) else None
    if found is kind:
        return True
    methods = [each for each in vars(kind).values() if isinstance(each, FunctionType)]
    if any(_is_users_file(str(each.__module__), each.__code__.co_filename) for each in methods):
        return False
    top = str(kind.__module__).partition(".")[0]
    has_methods = any(str(each.__globals__.get("__name__")).partition(".")[0] == top for each in methods)
    return has_methods or (within != "" and found is not None)


def is_users_module(module: ModuleType) -> bool:
    """Whether a module is the user's own."""
    return _is_users_file(module.__name__, _file_of(module))


def _file_of(module: ModuleType | None) -> str | None:
    """The file of a module, which isn't asked itself: it may have a `__getattr__`."""
    return vars(module).get("__file__") if isinstance(module, ModuleType) else None


def _is_users_file(module: str, file: str | None) -> bool:
    """Whether the file of a module is the user's; where it has none, its name tells."""
    if file is not None:
        return is_of_user(file) and not is_of_a_library(file)
    top = module.partition(".")[0]
    return top not in LIBRARIES and (top not in sys.stdlib_module_names or top == "__main__")


def is_ours(kind: Any) -> bool:
    """Whether a class is eagerflow's."""
    return str(kind.__module__).startswith("eagerflow.") and not is_users(kind)


def is_unheard(thing: Any) -> bool:
    """Whether a class or function is NumPy's or the standard library's, whose code isn't listened to in a step."""
    module = str(getattr(thing, "__module__", None))
    top = module.partition(".")[0]
    if top != "numpy" and (top not in sys.stdlib_module_names or top == "__main__"):
        return False
    if isinstance(thing, type):
        return not is_users(thing)
    return not (isinstance(thing, FunctionType) and _is_users_file(module, thing.__code__.co_filename))
