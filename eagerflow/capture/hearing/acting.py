"""What acts, or gives other values each time: functions that a replay may not leave out, of C and of the library.

Only what is known to do nothing but give a value may be left out. All else ends a capture, also what nobody thought of.
"""

from __future__ import annotations

import builtins
import contextvars
import datetime
import io
import math
import operator
import re
import sys
from collections import deque
from collections.abc import Container
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import numpy

__all__ = ["acts", "acts_when_called", "acts_when_it_goes", "is_acting", "is_coding", "is_computing"]
__all__ += ["is_setting_of_numpy", "is_unknown_class", "writes"]

# Modules of the standard library, without underscores in front, whose functions in Python do nothing but give values.
_COMPUTING = frozenset(
    """
    abc array ast base64 binascii bisect cmath codecs collections collections_abc colorsys contextlib contextvars copy
    copyreg dataclasses decimal difflib encodings enum fractions functools graphlib heapq html inspect itertools keyword
    math numbers operator py_abc pydecimal re reprlib statistics string struct textwrap typing types unicodedata weakref
    weakrefset
    """.split()
)
# How the names of functions in them begin that do more, look at the stack or at what functions were made with, or go on
# after an error.
_NOT_SO = tuple(
    """
    EncodedFile _RedirectStream chdir currentframe finalize findsource get_annotations get_type_hints getargspec
    getcallargs getfile getfullargspec getinnerframes getouterframes getsource iterdecode open redirect_ register_error
    signature stack suppress trace
    """.split()
)
# Of `os`: what is in the environment is looked at before each replay.
_OF_THE_ENVIRONMENT = ("_Environ.", "_createenviron.", "_create_environ_mapping.", "getenv")  # the third since 3.14
_PATHS = frozenset({"genericpath", "ntpath", "posixpath"})  # `os.path`, of which these look at files or settings:
_OF_FILES = frozenset(
    """
    abspath exists expanduser expandvars getatime getctime getmtime getsize isdir isfile isjunction islink ismount
    lexists realpath relpath samefile sameopenfile
    """.split()
)
_PURE = {
    getattr(builtins, name)
    for name in """
    abs all any ascii bin callable chr divmod format getattr hasattr hash hex id isinstance issubclass iter len max min
    next oct ord pow repr round sorted sum vars
    """.split()
}
# Those that change a list that they are given change one of the step's own, or one that is looked at after the step.
_PURE_MODULES = {math.__name__, operator.__name__, "_operator", "_functools", "itertools", "_abc", "_contextvars"} | {
    *("_bisect", "_heapq", "_statistics", "cmath", "unicodedata")
}
# Of `_codecs`, whose other functions are the codecs themselves, and handlers of errors:
_OF_CODECS = frozenset("_forget_codec decode encode lookup lookup_error register register_error unregister".split())
_READING = frozenset("copy count get index items keys values __contains__ __getitem__ __len__".split())
# Of NumPy's functions in C; those in Python open files by Python's means.
_FILES = frozenset("dump fromfile tofile".split())
_SETTINGS = ("errstate", "printoptions", "set_printoptions", "set_string_function", "setbufsize", "seterr")
_CLOCKS = frozenset("now today utcnow".split())  # of datetime's classes
# Methods of classes that make an object, or tell of one; others may read raw memory or tell of what is elsewhere.
_MAKING = frozenset(
    """
    combine from_bytes from_float from_iterable fromhex fromisocalendar fromisoformat fromkeys fromordinal from_number
    maketrans mro
    __dir__ __init_subclass__ __new__ __prepare__ __sizeof__ __subclasshook__
    """.split()
)
_CHANGING_LOCALLY = (list, dict, set, deque)
_OF_TEXT = (re.Pattern, re.Match)
_TEXTS = (str, bytes, bytearray)
# Of `logging`: what asks whether a message is to be written at all, which is looked at before each replay.
_OF_LEVELS = frozenset(
    """
    Logger.critical Logger.debug Logger.error Logger.exception Logger.getEffectiveLevel Logger.info Logger.isEnabledFor
    Logger.log Logger.warning LoggerAdapter.critical LoggerAdapter.debug LoggerAdapter.error LoggerAdapter.exception
    LoggerAdapter.info LoggerAdapter.isEnabledFor LoggerAdapter.log LoggerAdapter.warning _acquireLock _releaseLock
    """.split()
)
_HEAP = 1 << 9  # flag of a class: made while Python ran


def acts(function: Any, held: Container[int]) -> str | None:
    """Why a function written in C can't be left out, None if it can.

    Args:
        function: it.
        held: identities of lists, dicts, sets and deques that the step's surroundings hold.
    """
    if function in _PURE:
        return None
    if function is contextvars.copy_context:  # whose variables no code names
        return "contextvars.copy_context"
    owner, name = getattr(function, "__self__", None), function.__name__
    if name in _FILES and (owner.__class__ is numpy.ndarray or getattr(function, "__module__", "") == "numpy"):
        return f"numpy.{name}"
    module = getattr(function, "__module__", None) or ""
    if owner is None or owner.__class__.__name__ == "module":
        module = module or getattr(owner, "__name__", "")
        pure = module in _PURE_MODULES or (module.startswith(("numpy", "cupy")) and "random" not in module)
        pure = pure or (module == "_codecs" and name not in _OF_CODECS)
        return None if pure else f"{module + '.' if module not in ('', 'builtins') else ''}{name}"
    if isinstance(owner, type):
        is_clock = name in _CLOCKS and issubclass(owner, datetime.date)
        return None if name in _MAKING and not is_clock else f"{owner.__module__}.{owner.__qualname__}.{name}"
    if isinstance(owner, (str, bytes, tuple, int, float, complex, range, frozenset, *_OF_TEXT)) or name in _READING:
        return None
    if isinstance(owner, _CHANGING_LOCALLY):
        return f"{type(owner).__name__}.{name} of an object from outside of the step" if id(owner) in held else None
    if isinstance(owner, numpy.ndarray):
        return None
    return f"{type(owner).__name__}.{name}"


def acts_when_called(thing: Any) -> str | None:
    """Why something written in C may not be called where Python doesn't tell of the call; None if it may be.

    Python tells of calls that its code makes, not of those that C makes: `map(print, rows)`, `sorted(rows, key=...)`.
    """
    if isinstance(thing, BuiltinFunctionType):
        return acts(thing, ())
    if isinstance(thing, MethodType) and isinstance(thing.__func__, BuiltinFunctionType):
        return acts(thing.__func__, ())
    return None


def acts_when_it_goes(kind: type) -> bool:
    """Whether objects of a class have a `__del__` in Python. Those in a cycle are found by the collector alone."""
    return isinstance(getattr(kind, "__del__", None), FunctionType)


def is_unknown_class(kind: type) -> bool:
    """Whether making an object of a class may act without a function of Python's: files, sockets, the clock."""
    module = str(kind.__module__)
    top = module.partition(".")[0]
    if top == "numpy":
        return "random" in module or kind in (numpy.datetime64, numpy.memmap)
    if top in sys.stdlib_module_names and top not in ("__main__", "builtins", "datetime"):
        return top.lstrip("_") not in _COMPUTING or kind is operator.methodcaller
    return not kind.__flags__ & _HEAP and top != "builtins" and not issubclass(kind, (numpy.generic, datetime.date))


def is_acting(module: str, code: CodeType) -> bool:
    """Whether a function of the standard library may give other values each time, or act on the world.

    Args:
        module: the first part of the name of its module.
        code: its code.
    """
    if module in _PATHS:
        return code.co_name in _OF_FILES
    if code.co_filename.startswith("<frozen importlib"):  # an import, which guards look at, as they do at `os.environ`
        return False
    if module == "logging":
        return code.co_qualname not in _OF_LEVELS
    if module.lstrip("_") in _COMPUTING:
        return code.co_qualname.startswith(_NOT_SO)
    return not code.co_qualname.startswith(_OF_THE_ENVIRONMENT)


def is_computing(kind: type) -> bool:
    """Whether a class is of a module of the standard library whose functions do nothing but give values."""
    top = str(kind.__module__).partition(".")[0]
    return top in sys.stdlib_module_names and top.lstrip("_") in _COMPUTING


def is_coding(function: Any) -> bool:
    """Whether a function written in C asks a codec, which may be the user's, to encode or decode a text."""
    return function.__name__ in ("encode", "decode") and isinstance(getattr(function, "__self__", None), _TEXTS)


def is_setting_of_numpy(code: CodeType) -> bool:
    """Whether a function of NumPy's sets how it computes or prints from now on."""
    return code.co_qualname.startswith(_SETTINGS)


def writes(function: Any) -> bool:
    """Whether a function written in C prints, or writes to an open file."""
    if function is print:
        return True
    return function.__name__ in ("write", "writelines") and isinstance(getattr(function, "__self__", None), io.IOBase)
