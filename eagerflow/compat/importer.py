"""`import keras` and `import tensorflow` in the user's own files give the faces in `faces.py`; nobody else notices.

The faces never enter `sys.modules`, where other libraries look for TensorFlow to find out whether it is there.
Instead the two functions that import statements go through are replaced, and ask who imports: the user's files
get a face, installed packages and the standard library what they would get anyhow.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from eagerflow import _viz
from eagerflow.base.legacy import legacy
from eagerflow.compat import children, tables
from eagerflow.compat.faces import ROOTS, Face, face, is_face_name
from eagerflow.compat.keras_json import read_settings
from eagerflow.compat.shapes import shapes_of_numpy, shapes_of_tensorflow

__all__ = ["install", "is_installed", "on_demand", "uninstall", "without_ours"]

_import = builtins.__import__
_import_module = importlib.import_module
_also: set[str] = set()
_answers: dict[str, bool] = {}  # by file: whether it is the user's
_OURS = Path(__file__).parents[1]
_KERAS_ITSELF = "eagerflow.keras_backend"
_PRIVATE = " Private names of Keras are there where Keras itself runs: python -m eagerflow keras SCRIPT."


def install(packages: Iterable[str] = ()) -> None:
    """From now on `import keras` and `import tensorflow` in the user's files mean eagerflow.

    A user's file is one outside of the standard library, of `site-packages` and of eagerflow itself; the prompt and
    notebooks count as well. `~/.keras/keras.json` is read, as Keras does: `image_data_format`, `floatx`, `epsilon`.
    From now on, models remember what was trainable when they were compiled, shapes have TensorFlow's methods
    (`x.shape.as_list()`), and layers `add_metric`.

    Args:
        packages: names of installed packages whose imports of Keras mean eagerflow too.

    Raises:
        ValueError: for settings in `keras.json` that don't exist.

    >>> from eagerflow import compat
    >>> compat.install()
    >>> compat.is_installed()
    True
    >>> compat.uninstall()
    """
    read_settings()
    if not legacy.changes:
        tables.begin()
        shapes_of_tensorflow()
    _also.update(packages)
    _listen()


def uninstall() -> None:
    """Let imports be what they were. Modules that were imported stay as they are.

    >>> from eagerflow import compat
    >>> compat.install()
    >>> compat.uninstall()
    >>> compat.is_installed()
    False
    """
    _also.clear()
    tables.end()
    shapes_of_numpy()
    if builtins.__import__ is _importing:
        builtins.__import__ = _import
        importlib.import_module = _import_module
        children.end()


def is_installed() -> bool:
    """Whether `install` is in force.

    >>> from eagerflow import compat
    >>> compat.is_installed()
    False
    """
    return bool(legacy.changes) and builtins.__import__ is _importing


@contextlib.contextmanager
def on_demand() -> Iterator[None]:
    """Within the block, the first `import keras` (or `tensorflow`) in a file of the user's is what installs.

    Not before, since that changes how shapes and `trainable` behave, which only such programs expect. Nothing of it
    is left behind the block; where `install` is in force already, it stays.

    >>> from eagerflow import compat
    >>> with compat.on_demand():
    ...     compat.is_installed()  # nothing has imported Keras yet
    False
    """
    if os.environ.get("KERAS_BACKEND") == "eagerflow":
        importlib.import_module(_KERAS_ITSELF)
    if is_installed():
        yield
        return
    _listen()
    try:
        yield
    finally:
        uninstall()


def _listen() -> None:
    builtins.__import__ = _importing
    importlib.import_module = _importing_module
    children.begin(_begin_in_child, lambda: (bool(legacy.changes), tuple(_also)))


def _begin_in_child(is_installed: bool, packages: tuple[str, ...]) -> None:
    """What a new process does before it imports the script: the same as its parent did."""
    if is_installed:
        install(packages)
    else:
        _listen()


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this file: `import` is none of the user's business to look into.

    Args:
        trace: of an error.
    """
    parts = []
    rest = trace
    while rest is not None:
        parts.append(rest)
        rest = rest.tb_next
    theirs = [part for part in parts if part.tb_frame.f_code.co_filename != __file__]
    if len(theirs) == len(parts):
        return trace
    made = None
    for part in reversed(theirs):
        made = TracebackType(made, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return made


def _importing(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Any = (),
    level: int = 0,
) -> Any:
    """What the statement `import` calls."""
    if level or name.partition(".")[0] not in ROOTS:
        return _import(name, globals, locals, fromlist, level)
    asks = sys._getframe(1).f_globals if globals is None else globals  # None: __import__(name)
    if _is_keras_itself() or not _is_the_users(asks):
        return _import(name, globals, locals, fromlist, level)
    _install_on_demand()
    found = _found(name)
    if not fromlist:
        return _found(name.partition(".")[0])
    for wanted in fromlist:
        _check(found, wanted)
    return found


def _importing_module(name: str, package: str | None = None) -> ModuleType:
    """What `importlib.import_module` is meanwhile."""
    if name.partition(".")[0] in ROOTS and not _is_keras_itself() and _is_the_users(sys._getframe(1).f_globals):
        _install_on_demand()
        return _found(name)
    return _import_module(name, package)


def _is_keras_itself() -> bool:
    """Whether Keras runs on our tape, in the place of our Keras."""
    return _KERAS_ITSELF in sys.modules and not bool(legacy.changes)


def _install_on_demand() -> None:
    if not bool(legacy.changes):
        install()


def _found(name: str) -> Face:
    if not is_face_name(name):
        parent, _, last = name.rpartition(".")
        told = f"No module named {name!r} in eagerflow's {_whose(name)}. {_hint(parent, last)}".rstrip()
        raise ModuleNotFoundError(told + _PRIVATE * (".src" in name), name=name)
    return face(name)


def _whose(name: str) -> str:
    return "TensorFlow" if name.startswith("tensorflow") and not name.startswith("tensorflow.keras") else "Keras"


def _hint(parent: str, last: str) -> str:
    """What the nearest module that exists says about the rest of the name."""
    while not is_face_name(parent):
        parent, _, last = parent.rpartition(".")
    found = face(parent)
    told = found.reason(last)
    nearest = told.removeprefix("Did you mean '").removesuffix("'?")
    is_module = nearest == told or is_face_name(f"{parent}.{nearest}") or nearest.islower()
    return told if is_module else ""  # a class is no help where a module is looked for


def _check(found: Face, wanted: str) -> None:
    """`from x import y` with a message of ours: Python's own drops what the module says."""
    try:
        getattr(found, wanted if wanted != "*" else "__name__")
    except AttributeError as error:
        raise ImportError(f"{error}{_PRIVATE * ('.src' in found.__name__)}", name=found.__name__) from None


def _is_the_users(importing: Mapping[str, Any]) -> bool:
    """Whether the globals of an import statement are those of a user's file, the prompt or a notebook."""
    name = importing.get("__name__")
    file = importing.get("__file__")
    if name is None or name == "__main__" or str(name).partition(".")[0] in _also:
        return True
    if not isinstance(file, str):
        return importing.get("__spec__") is None and importing.get("__loader__") is None
    if file not in _answers:
        _answers[file] = _is_a_users_file(Path(file).absolute())
    return _answers[file]


def _is_a_users_file(file: Path) -> bool:
    if any(part in ("site-packages", "dist-packages") for part in file.parts):
        return False
    return not any(file.is_relative_to(folder) for folder in _installed_folders())


def _installed_folders() -> list[Path]:
    """The standard library, everything that was installed, and ourselves."""
    paths = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    return [_OURS, _OURS.parent / _viz.NAME, *[Path(path).absolute() for path in paths if path]]
