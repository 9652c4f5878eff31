"""The modules that scripts see as `keras` and `tensorflow`: faces of eagerflow's own modules, with older names added.

Which module stands for which, and which older name for which present one, is said by the tables in `modules.py` and
`names.py`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from eagerflow.base.errors import did_you_mean, no_attribute
from eagerflow.base.text.hints import hint_for
from eagerflow.compat.modules import KERAS, OF_KERAS_ALONE, TENSORFLOW
from eagerflow.compat.names import GONE, OLDER
from eagerflow.compat.version import VERSION

__all__ = ["ROOTS", "Face", "face", "is_face_name"]

ROOTS = frozenset({"keras", "tensorflow", "tf_keras"})

# Where the names of Keras begin.
_KERAS_ROOTS = (
    "tensorflow.compat.v1.keras",
    "tensorflow.compat.v2.keras",
    "tensorflow.python.keras",
    "tensorflow.keras",
    "tf_keras.src",
    "tf_keras",
    "keras.src",
    "keras.api",
    "keras",
)
_faces: dict[str, Face] = {}


class Face(ModuleType):
    """A module that looks up its names in others, when they are asked for."""

    def __init__(self, name: str, key: str, homes: list[str]) -> None:
        super().__init__(name, f"eagerflow, as scripts that import {name} know it.")
        self.__path__: list[str] = []  # so that it counts as a package
        self._key, self._homes = key, homes
        if name in _KERAS_ROOTS or name.startswith("tensorflow"):
            self.__version__ = VERSION

    @property
    def __all__(self) -> list[str]:
        """What `import *` brings."""
        listed = [n for home in self._homes for n in getattr(importlib.import_module(home), "__all__", ())]
        return sorted({*listed, *OLDER.get(self._key, {})})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._look_up(name)
        if not isinstance(found, Face):
            return found
        self.__dict__[name] = found
        return found

    def _look_up(self, name: str) -> Any:
        path = f"{self.__name__}.{name}"
        found = self._at_home(OLDER.get(self._key, {}).get(name, name))
        if is_face_name(path) and (found is None or isinstance(found, ModuleType)):
            return face(path)  # a function comes first: keras.layers.merge is a module too
        if found is None and not self._lists(name):
            raise no_attribute(f"{path} doesn't exist here. {self.reason(name)}".rstrip(), name)
        return found

    def _at_home(self, present: str) -> Any:
        """What the modules behind the face have under a name, None for nothing."""
        for home in self._homes:
            module = importlib.import_module(home)
            if present in _names(module):
                return getattr(module, present)
        return None

    def _lists(self, name: str) -> bool:
        return name in self.__all__  # such as tf.newaxis, which is None

    def reason(self, name: str) -> str:
        """What to write instead of a name that isn't there."""
        gone = {**GONE["*"], **GONE.get(self._key, {})}
        if name in gone:
            return gone[name]
        ways = (hint_for("name", home, name) for home in self._homes)
        way = next(filter(None, ways), "") or did_you_mean(name, [*dir(self), *GONE.get(self._key, {})])
        return way.strip()

    def __dir__(self) -> list[str]:
        below = f"{self.__name__}."
        modules = [n.removeprefix(below) for n in _all_names() if n.startswith(below)]
        return sorted({*self.__all__, *[m for m in modules if "." not in m]})

    def __repr__(self) -> str:
        return f"<eagerflow as {self.__name__!r}>"


def is_face_name(name: str) -> bool:
    """Whether there is a face of this name."""
    return _split(name) is not None


def face(name: str) -> Face:
    """The face of a name such as `"tensorflow.keras.layers"`; always the same one."""
    if name not in _faces:
        found = _split(name)
        assert found is not None, name
        _faces[name] = Face(name, *found)
    return _faces[name]


def _split(name: str) -> tuple[str, list[str]] | None:
    """The key in the tables, `"keras.layers"`, and the modules behind it."""
    for root in _KERAS_ROOTS:
        if name == root or name.startswith(f"{root}."):
            below = name[len(root) + 1 :]
            if below not in KERAS:
                return None
            homes = OF_KERAS_ALONE.get(below, KERAS[below]) if root == "keras" else KERAS[below]
            return f"keras.{below}".rstrip("."), homes.split()
    below = name.partition(".")[2]
    known = name.partition(".")[0] == "tensorflow" and below in TENSORFLOW
    return (name, TENSORFLOW[below].split()) if known else None


def _all_names() -> list[str]:
    keras = [f"{root}.{below}".rstrip(".") for root in _KERAS_ROOTS for below in KERAS]
    return [*keras, *[f"tensorflow.{below}".rstrip(".") for below in TENSORFLOW]]


def _names(module: ModuleType) -> set[str]:
    """The public names of a module of ours; those of its files are nobody's business."""
    listed = getattr(module, "__all__", None)
    return set(dir(module)) if listed is None else set(listed)
