"""What a step does besides computing, which a replay would leave out: prints, appends, the clock.

While a step is captured, Python tells of each call (`sys.setprofile`). Ours and NumPy's own inner workings are left
alone; what the user's code calls must be known to do nothing but give a value.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime
import functools
import gc
import io
import math
import operator
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

import numpy

from eagerflow.core.device import namespaces

__all__ = ["heard_calls", "is_of_a_library", "is_of_user", "line_of_user"]

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_PACKAGES = (os.path.abspath(sysconfig.get_paths()["purelib"]) + os.sep, _STANDARD + "site-packages" + os.sep)
# Modules of the standard library that give other values each time, or act on the world.
_ACTING = frozenset(
    """
    asyncio datetime importlib io json logging multiprocessing os pathlib pickle queue random secrets shutil socket
    sqlite3 subprocess sys tempfile threading time urllib uuid warnings
    """.split()
)
_PATHS = frozenset({"genericpath", "ntpath", "posixpath"})  # `os.path`, of which these look at files or settings:
_OF_FILES = frozenset(
    """
    abspath exists expanduser expandvars getatime getctime getmtime getsize isdir isfile islink ismount lexists realpath
    relpath samefile
    """.split()
)
_PURE = {
    getattr(builtins, name)
    for name in """
    abs all any ascii bin callable chr divmod format getattr hasattr hash hex id isinstance issubclass iter len max min
    oct ord pow repr round sorted sum vars
    """.split()
}
_PURE_MODULES = {math.__name__, operator.__name__, "_operator", "_functools", "itertools", "_abc", "_contextvars"}
_READING = frozenset("copy count get index items keys values __contains__ __getitem__ __len__".split())
# Of NumPy's functions in C; those in Python open files by Python's means.
_FILES = frozenset("dump fromfile tofile".split())
_CLOCKS = frozenset("now today utcnow".split())  # of datetime's classes
_SHOWING = ("linecache.py", "tokenize.py")  # which open a file of code for the line in a warning
_WARNING = ("warnings.py",)
_CHANGING_LOCALLY = (list, dict, set)


def is_of_user(file: str) -> bool:
    """Whether a file is the user's: not eagerflow's, NumPy's, CuPy's or the standard library's."""
    return _is_of_user(file, tuple([str(module.__file__) for module in namespaces.values()]))


@functools.lru_cache(maxsize=4096)  # it is asked for each frame of each op
def _is_of_user(file: str, array_modules: tuple[str, ...]) -> bool:
    """The same, with the files of the array modules: NumPy, and CuPy once it is used."""
    of_arrays = [os.path.dirname(os.path.abspath(module)) + os.sep for module in array_modules]
    if file.startswith(("<eagerflow ", "<frozen", "<__array_function__", _OURS, *of_arrays)):
        return False
    return not file.startswith(_STANDARD) or file.startswith(_PACKAGES)


def is_of_a_library(file: str) -> bool:
    """Whether a file is part of the standard library or of an installed package."""
    return file.startswith((_STANDARD, *_PACKAGES, "<frozen"))


def line_of_user(frame: FrameType | None) -> tuple[str, int] | None:
    """File and line of the innermost frame of the user's code."""
    while frame is not None:
        if is_of_user(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def _acts(function: Any, held: set[int]) -> str | None:
    """Why a function written in C can't be left out, None if it can."""
    if function in _PURE:
        return None
    owner, name = getattr(function, "__self__", None), function.__name__
    if name in _FILES and (owner.__class__ is numpy.ndarray or getattr(function, "__module__", "") == "numpy"):
        return f"numpy.{name}"
    module = getattr(function, "__module__", None) or ""
    if owner is None or owner.__class__.__name__ == "module":
        module = module or getattr(owner, "__name__", "")
        pure = module in _PURE_MODULES or (module.startswith(("numpy", "cupy")) and "random" not in module)
        return None if pure else f"{module + '.' if module not in ('', 'builtins') else ''}{name}"
    if name in _CLOCKS and isinstance(owner, type) and issubclass(owner, datetime.date):
        return f"{owner.__module__}.{owner.__qualname__}.{name}"
    if isinstance(owner, (str, bytes, tuple, int, float, complex, range, frozenset, type)) or name in _READING:
        return None
    if isinstance(owner, _CHANGING_LOCALLY):
        return f"{type(owner).__name__}.{name} of an object from outside of the step" if id(owner) in held else None
    if isinstance(owner, numpy.ndarray):
        return None
    return f"{type(owner).__name__}.{name}"


def _is_acting(module: str, code: Any) -> bool:
    """Whether a function of the standard library gives other values each time, or acts on the world."""
    if module in _PATHS:
        return code.co_name in _OF_FILES
    if code.co_filename.startswith("<frozen importlib"):  # an import, which guards look at, as they do at `os.environ`
        return False
    return module in _ACTING and not code.co_qualname.startswith("_Environ.")


def _writes(function: Any) -> bool:
    """Whether a function written in C prints, or writes to an open file."""
    if function is print:
        return True
    return isinstance(getattr(function, "__self__", None), io.IOBase) and function.__name__ in ("write", "writelines")


class _Listening:
    """What Python tells while a step runs."""

    hears_a_step = True

    def __init__(self, recorder: Any, held: set[int], observers: Iterable[Any]) -> None:
        self.recorder, self.held = recorder, held
        self.observers = tuple({_folder_of(type(observer)) for observer in observers} - {_OURS})
        self.codes: dict[Any, dict[str, Any]] = {}  # of the user's functions that ran, with their globals
        self.importing = 0  # how many modules are being loaded, one for another: they act once

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if code.co_name == "_find_and_load" and code.co_filename.startswith("<frozen importlib"):
            self.importing += {"call": 1, "return": -1}.get(event, 0)
        if self.importing or code.co_filename.startswith(self.observers):  # which act when arrays are freed, too
            return
        if event == "call":
            if is_of_user(code.co_filename):
                if not str(frame.f_globals.get("__name__", "")).startswith("namedtuple_"):  # which Python writes itself
                    self.codes.setdefault(code, frame.f_globals)
            elif code.co_filename.startswith((_STANDARD, "<frozen")) and frame.f_back is not None:
                module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
                if _is_acting(module, code) and is_of_user(frame.f_back.f_code.co_filename):
                    self._end(f"{module}.{code.co_name}", frame.f_back)
        elif event == "c_call" and is_of_user(code.co_filename):
            why = _acts(argument, self.held)
            if why is not None:
                self._end(why, frame)
        elif event == "c_call" and argument is io.open and not code.co_filename.endswith(_SHOWING):
            self._by_a_library(frame, "which opens a file")
        elif event == "c_call" and _writes(argument) and not code.co_filename.endswith(_WARNING):
            self._by_a_library(frame, "which prints")

    def _by_a_library(self, frame: FrameType, what: str) -> None:
        """A library acts on the world: NumPy's `load` and `savetxt` open a file, `pprint` and `summary` print."""
        called: FrameType | None = frame
        while called is not None and called.f_back is not None and not is_of_user(called.f_back.f_code.co_filename):
            called = called.f_back
        if called is not None and called.f_back is not None:
            self._end(f"{called.f_code.co_name}, {what}", called.f_back)

    def _end(self, what: str, frame: FrameType) -> None:
        self.recorder.end(f"the step calls {what}", (frame.f_code.co_filename, frame.f_lineno))


def _folder_of(kind: type) -> str:
    """The folder of the package that a class is of; the file, where it is of none."""
    package = sys.modules.get(kind.__module__.partition(".")[0])
    file = os.path.abspath(getattr(package, "__file__", None) or "nowhere")
    return os.path.dirname(file) + os.sep if os.path.basename(file) == "__init__.py" else file


@contextlib.contextmanager
def heard_calls(recorder: Any, held: set[int], observers: Iterable[Any] = ()) -> Iterator[_Listening]:
    """Let a recorder know of calls inside the block that a replay would leave out.

    Args:
        recorder: is told to end.
        held: identities of lists, dicts and sets that the step's surroundings hold.
        observers: who listens meanwhile; what they do isn't the step's.
    """
    listening = _Listening(recorder, held, observers)
    collects = gc.isenabled()
    gc.disable()  # what it ends would be heard as if the step called it
    sys.setprofile(listening)
    try:
        yield listening
    finally:
        sys.setprofile(None)
        if collects:
            gc.enable()
