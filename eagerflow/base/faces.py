"""The packages that users see: each takes its names from the files that have them, and lists what it has.

A name of ours stands in one place, the `__all__` of its file: a face says `from that.file import *`. No face has an
`__all__` of its own, for type checkers and editors follow stars (and `import A as A`), but not a list that is computed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from opcode import opmap
from types import FrameType, MappingProxyType, ModuleType
from typing import Any

from eagerflow.base.errors import no_attribute
from eagerflow.base.text.hints import hint_for

__all__ = ["hint_of_modules", "listed", "missing"]


def missing(face: str, name: str, known: Iterable[str]) -> AttributeError | ImportError:
    """The error for a name that a face doesn't have, with ours where others have that name, or the nearest one.

    For `from face import name` it is an ImportError: of any AttributeError, Python would leave nothing but the name.

    Args:
        face: the name of the module.
        name: what was asked for.
        known: the names that it has.

    >>> from eagerflow.base.faces import missing
    >>> print(missing("eagerflow.ops", "cat", []))
    module 'eagerflow.ops' has no attribute 'cat'. Use `ef.ops.concatenate(tensors, axis)`.
    """
    hint = hint_for("name", face, name, () if name.startswith("_") else known)
    if f"{face}.{name}" not in sys.modules and _is_imported():  # a module that is loading just now is found there
        file = getattr(sys.modules.get(face), "__file__", None)
        return ImportError(f"cannot import name {name!r} from {face!r}.{hint}", name=face, path=file)
    return no_attribute(f"module {face!r} has no attribute {name!r}.{hint}", name)


class _UnknownModules:
    """Asked by `import` for what no other finder has found: a module of another library gets the hint of its name."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        face, _, last = name.rpartition(".")
        hint = hint_for("name", face, last) if face.partition(".")[0] == "eagerflow" else ""
        if hint:
            raise ModuleNotFoundError(f"No module named {name!r}.{hint}", name=name)


def hint_of_modules() -> None:
    """Let `import eagerflow.nn` say what to write instead."""
    sys.meta_path.append(_UnknownModules())


def _is_imported() -> bool:
    """Whether a name is asked for by `from face import name`, rather than by `face.name` or `hasattr`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name in _ANSWERING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]


_ANSWERING = {"missing", "__getattr__"}  # the functions that answer for a face


def listed(face: str, *besides: str, homes: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The public names of a face, sorted; from now on it answers `dir` and `import *` with them.

    Args:
        face: the name of a module: its functions and classes of ours are public unless they begin with an underscore.
        *besides: public names of other things, such as its own modules, which load when first asked for.
        homes: further names that load so, by their module: `{".pooling.windows": "MaxPooling1D MaxPooling2D"}`, where a
            leading dot means the face's own.

    >>> from eagerflow import regularizers
    >>> "L2" in dir(regularizers), "norms" in dir(regularizers)
    (True, False)
    """
    module = sys.modules[face]
    home_of = {name: home for home, found in homes.items() for name in found.split()}

    def __getattr__(name: str) -> Any:
        if name in besides:
            return import_module(f"{face}.{name}")
        if name not in home_of:
            raise missing(face, name, names)
        found = vars(module)[name] = getattr(import_module(home_of[name], face), name)
        return found

    names = sorted({*besides, *home_of, *[name for name, value in vars(module).items() if _is_public(name, value)]})
    vars(module).update(__all__=names, __dir__=lambda: list(names))
    vars(module).setdefault("__getattr__", __getattr__)
    return names


def _is_public(name: str, value: object) -> bool:
    home = getattr(value, "__module__", None)
    return name[0] != "_" and not isinstance(value, ModuleType) and str(home).startswith("eagerflow.")
