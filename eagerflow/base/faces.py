"""The packages that users see: each takes its names from the files that have them, and lists what it has.

A name of ours stands in one place, the `__all__` of its file: a face says `from that.file import *`. No face has an
`__all__` of its own, for type checkers and editors follow stars (and `import A as A`), but not a list that is computed.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from eagerflow.base.errors import did_you_mean, no_attribute

__all__ = ["listed", "loaded"]


def listed(face: str, *besides: str) -> list[str]:
    """The public names of a face, sorted; from now on it answers `dir` and `import *` with them.

    Args:
        face: the name of a module which holds all its names: functions and classes of ours are public unless they
            begin with an underscore.
        besides: public names of other things, such as modules, and of what loads when it is asked for.

    >>> from eagerflow import regularizers
    >>> "L2" in dir(regularizers), "norms" in dir(regularizers)
    (True, False)
    """
    module = sys.modules[face]
    names = sorted({*besides, *[name for name, value in vars(module).items() if _is_public(name, value)]})
    vars(module).update(__all__=names, __dir__=lambda: list(names))
    return names


def loaded(face: str, name: str, homes: Mapping[str, str], modules: Container[str] = ()) -> Any:
    """What a face answers for a name that isn't there yet, for its `__getattr__`.

    Args:
        face: the name of the module.
        name: what is asked for.
        homes: where names are that load when they are asked for: the module, with all its packages.
        modules: those of the face's own modules which load so, too.

    Raises:
        AttributeError: for an unknown name, with the nearest known one.
    """
    module = sys.modules[face]
    if name in modules:
        return import_module(f"{face}.{name}")
    if name not in homes:
        raise no_attribute(f"module {face!r} has no attribute {name!r}.{did_you_mean(name, dir(module))}", name)
    found = vars(module)[name] = getattr(import_module(homes[name]), name)
    return found


def _is_public(name: str, value: object) -> bool:
    home = getattr(value, "__module__", None)
    return name[0] != "_" and not isinstance(value, ModuleType) and str(home).startswith("eagerflow.")
