"""What a step does besides computing, which a replay would leave out: prints, appends, the clock.

While a step is captured, Python tells of each call (`sys.setprofile`). Ours and NumPy's own inner workings are left
alone; what the user's code calls must be known to do nothing but give a value.
"""

from __future__ import annotations

import contextlib
import encodings
import enum
import gc
import io
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy

from eagerflow.base.capturing import Shared, asked_by
from eagerflow.capture.hearing.acting import acts, acts_when_it_goes, is_acting, is_coding, is_setting_of_numpy, writes
from eagerflow.capture.hearing.codes import Codes
from eagerflow.core.device import namespaces

__all__ = ["heard_calls", "is_of_a_library", "is_of_user", "is_our_code"]
__all__ += ["is_written_for_a_namedtuple", "line_of_user"]

_OURS = str(Path(__file__).parents[2].absolute()) + os.sep
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_PACKAGES = (os.path.abspath(sysconfig.get_paths()["purelib"]) + os.sep, _STANDARD + "site-packages" + os.sep)
_BESIDE_CUPY = ("cupyx", "cupy_backends")  # packages that are CuPy's, too
# Of CuPy, where a kernel is compiled at its first call and kept on disk, and where CUDA's own files are looked for.
_COMPILING = (os.path.join("cuda", "compiler.py"), os.path.join("cuda", "_compiler_cache.py"), "_environment.py")
_SHOWING = ("linecache.py", "tokenize.py")  # which open a file of code for the line in a warning
_WARNING = ("warnings.py",)
_CODECS = encodings.search_function.__code__
_users: dict[str, bool] = {}
_known_for = [0]  # how many array modules there were


def is_of_user(file: str) -> bool:
    """Whether a file is the user's: not eagerflow's, NumPy's, CuPy's or the standard library's."""
    if len(namespaces) != _known_for[0]:  # CuPy has been loaded
        _known_for[0] = len(namespaces)
        _users.clear()
    found = _users.get(file)  # it is asked for each frame of each op
    if found is None:
        found = _users[file] = _is_of_user(file)
    return found


def _is_of_user(file: str) -> bool:
    if file.startswith(("<eagerflow ", "<frozen", "<__array_function__", _OURS)) or _is_of_arrays(file):
        return False
    return not file.startswith(_STANDARD) or file.startswith(_PACKAGES)


def _folders(module: Any) -> list[str]:
    """The folders of a library of arrays."""
    folder = os.path.dirname(os.path.abspath(str(module.__file__)))
    beside = () if module is numpy else _BESIDE_CUPY
    return [folder + os.sep, *[os.path.join(os.path.dirname(folder), name) + os.sep for name in beside]]


def _is_of_arrays(file: str) -> bool:
    """Whether a file is NumPy's or CuPy's."""
    return any(file.startswith(tuple(_folders(module))) for module in namespaces.values())


def _prepares_kernels(file: str) -> bool:
    """Whether a file is of what CuPy needs for the first call of a kernel. What it opens there is no act of a step."""
    searching = getattr(sys.modules.get("cuda.pathfinder"), "__file__", None)  # looks for what is installed of CUDA
    if searching and file.startswith(os.path.dirname(searching) + os.sep):
        return True
    if not file.endswith(_COMPILING):
        return False
    cupys = [_folders(module)[0] for module in namespaces.values() if module is not numpy]
    return any(file == folder + name for folder in cupys for name in _COMPILING)


def is_our_code(code: CodeType) -> bool:
    """Whether a function is eagerflow's. `functools.wraps` writes the name of another module on one of the user's."""
    return code.co_filename.startswith(("<eagerflow ", _OURS))


def is_written_for_a_namedtuple(code: CodeType, module: str) -> bool:
    """Whether Python itself wrote a function of this code and module, for a named tuple."""
    return module.startswith("namedtuple_") and code.co_filename == "<string>"


def is_of_a_library(file: str) -> bool:
    """Whether a file is part of the standard library or of an installed package."""
    return file.startswith((_STANDARD, *_PACKAGES, "<frozen"))


def _is_of_the_library(file: str) -> bool:
    """Whether a file is part of the standard library."""
    return file.startswith((_STANDARD, "<frozen")) and not file.startswith(_PACKAGES)


def line_of_user(frame: FrameType | None) -> tuple[str, int] | None:
    """File and line of the innermost frame of the user's code."""
    while frame is not None:
        if is_of_user(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


class _Role(enum.Enum):
    """What a function is to who listens."""

    USERS = 1
    STANDARD = 2  # of the standard library
    SETTING = 3  # of NumPy or CuPy, for how it computes from now on
    PREPARING = 4  # a module, which is loaded, or a kernel, which is compiled: once, and no step does so again
    WATCHING = 5  # of an observer
    INNER = 6


def _role_of(code: CodeType, observers: tuple[str, ...]) -> _Role:
    """The role of a function with this code, while observers of these files and folders watch."""
    file = code.co_filename
    if code.co_name == "_find_and_load" and file.startswith("<frozen importlib"):
        return _Role.PREPARING
    if file.startswith(observers):
        return _Role.WATCHING
    if _prepares_kernels(file):
        return _Role.PREPARING
    if is_of_user(file):
        return _Role.USERS
    if _is_of_the_library(file):
        return _Role.STANDARD
    return _Role.SETTING if _is_of_arrays(file) and is_setting_of_numpy(code) else _Role.INNER


class _Listening:
    """What Python tells while a step runs."""

    hears_a_step = True

    def __init__(self, recorder: Any, held: set[int], observers: Iterable[Any]) -> None:
        self.recorder, self.held = recorder, held
        self.observers = tuple({_folder_of(type(observer)) for observer in observers} - {_OURS})
        self.codes = Codes()  # of the user's functions that ran, with their globals
        self.inside = Codes()  # of those that ran in what each replay calls again
        self.outside = Codes()  # of those that ran beside
        self.shared: dict[str, Shared] = {}  # by name, what the whole process shares, and functions that ran ask for
        self._roles: dict[int, _Role] = {}  # by identity: those of two files may be equal
        self._seen: list[CodeType] = []
        self._coding: FrameType | None = None  # who has a text encoded or decoded now, by a codec of whomever
        self.preparing = 0  # how many modules are being loaded, and kernels compiled, one for another: they act once

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        role = self._roles.get(id(code)) or self._role(code)
        if role is _Role.PREPARING:
            self.preparing += {"call": 1, "return": -1}.get(event, 0)
        if self.preparing or role is _Role.WATCHING:  # which acts when arrays are freed, too
            return
        if event == "c_call":
            if role is _Role.USERS:
                self._coding = frame if is_coding(argument) else None
                why = acts(argument, self.held)
                if why is not None:
                    self._end(why, frame)
            elif argument is io.open and not code.co_filename.endswith(_SHOWING):
                self._by_a_library(frame, "which opens a file")
            elif writes(argument) and not code.co_filename.endswith(_WARNING):
                self._by_a_library(frame, "which prints")
        elif event == "call" and role is not _Role.INNER:
            self._called(frame, role)
        elif frame is self._coding:
            self._coding = None
        elif code is _CODECS and argument is None and event == "return":
            self._by_the_user(frame, "for a codec that isn't Python's own, and that nobody has asked for before")

    def _role(self, code: CodeType) -> _Role:
        self._seen.append(code)
        role = self._roles[id(code)] = _role_of(code, self.observers)
        self.shared.update((each.name, each) for each in asked_by(code))
        return role

    def _called(self, frame: FrameType, role: _Role) -> None:
        code = frame.f_code
        module = str(frame.f_globals.get("__name__", ""))
        if role is _Role.USERS:
            if not is_written_for_a_namedtuple(code, module):
                self.codes.add(code, frame.f_globals)
                self._take_side(code, frame.f_globals)
            if code.co_name == "__init__":
                self._makes(frame)
            elif frame.f_back is not None and (frame.f_back is self._coding or _handles_text(frame)):
                self._end("a codec of yours, or its handler of errors, which may be exchanged unseen", frame.f_back)
        elif role is _Role.SETTING:
            self._by_the_user(frame, f"{module.partition('.')[0]}.{code.co_qualname.removesuffix('.__init__')}")
        elif role is _Role.STANDARD and is_acting(module := module.partition(".")[0], code):
            first = frame if module != "logging" else _first_of(frame)
            self._by_the_user(frame, f"{module}.{first.f_code.co_name}")
        elif role is _Role.STANDARD and code.co_qualname == "Logger.isEnabledFor":
            asked = frame.f_locals
            self._asks_whether_it_logs(asked["self"], asked["level"])

    def _asks_whether_it_logs(self, logger: Any, level: Any) -> None:
        """Somebody asks whether a message is to be written; most are not, and then nothing else happens."""
        thing = Shared(f"the level of logging of {logger.name!r}", partial(logger.isEnabledFor, level))
        self.shared[f"{id(logger)} {level}"] = thing

    def _makes(self, frame: FrameType) -> None:
        """An object is made; a replay makes none, which could act when it goes."""
        watch, made = self.recorder.watch, frame.f_locals.get(frame.f_code.co_varnames[0])
        if (watch is None or not watch.calling) and acts_when_it_goes(type(made)):
            why = f"the step makes a {type(made).__name__}, which acts when it goes (__del__)"
            caller = frame.f_back or frame
            self.recorder.end(why, (caller.f_code.co_filename, caller.f_lineno))

    def _take_side(self, code: CodeType, variables: dict[str, Any]) -> None:
        watch = self.recorder.watch
        if watch is not None and watch.calling:
            self.inside.add(code, variables)
            watch.ran_users_code = True
        else:
            self.outside.add(code, variables)

    def _by_the_user(self, frame: FrameType, what: str) -> None:
        """The user's code calls a function, or hands it to the standard library, which calls it."""
        caller = frame.f_back
        while caller is not None and _is_of_the_library(caller.f_code.co_filename):
            caller = caller.f_back
        if caller is not None and is_of_user(caller.f_code.co_filename):
            self._end(what, caller)

    def _by_a_library(self, frame: FrameType, what: str) -> None:
        """A library acts on the world: NumPy's `load` and `savetxt` open a file, `pprint` and `summary` print."""
        called: FrameType | None = frame
        while called is not None and called.f_back is not None and not is_of_user(called.f_back.f_code.co_filename):
            called = called.f_back
        if called is not None and called.f_back is not None:
            self._end(f"{called.f_code.co_name}, {what}", called.f_back)

    def _end(self, what: str, frame: FrameType) -> None:
        self.recorder.end(f"the step calls {what}", (frame.f_code.co_filename, frame.f_lineno))


def _handles_text(frame: FrameType) -> bool:
    """Whether a function is called as Python calls one that handles an error of a codec."""
    code = frame.f_code
    return code.co_argcount == 1 and isinstance(frame.f_locals.get(code.co_varnames[0]), UnicodeError)


def _first_of(frame: FrameType) -> FrameType:
    """The function of the same file that was called first, of those that call each other."""
    while frame.f_back is not None and frame.f_back.f_code.co_filename == frame.f_code.co_filename:
        frame = frame.f_back
    return frame


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
        held: identities of lists, dicts, sets and deques that the step's surroundings hold.
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
