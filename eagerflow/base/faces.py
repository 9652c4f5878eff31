"""The packages that users see: each takes its names from the files that have them, and lists what it has.

A name of ours stands in one place, the `__all__` of its file: a face says `from that.file import *`. No face has an
`__all__` of its own, for type checkers and editors follow stars (and `import A as A`), but not a list that is computed.
"""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = ["listed"]


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


def _is_public(name: str, value: object) -> bool:
    home = getattr(value, "__module__", None)
    return name[0] != "_" and not isinstance(value, ModuleType) and str(home).startswith("eagerflow.")
