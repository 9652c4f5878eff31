"""Machine code for kernels: C++ by the system's compiler, kept in memory and in a folder."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import hashlib
import itertools
import mmap
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy

__all__ = ["Function", "compiled", "is_loaded", "launched", "missing", "using"]

_OWN = [Path(__file__).with_name(name) for name in ("shim.h", "runtime.cpp")]
_WHAT = {"a": "array", "t": "table", "f": "f", "i": "i"}
# Indices of arrays whose lengths are known are checked. Without -mfma, no product and sum are rounded as one.
_FLAGS = "-std=c++17 -O1 -fPIC -fvisibility=hidden -fsanitize=bounds -w".split()
_LINKING = ["-shared", "-nostdlib", "-Wl,-Bsymbolic"]
_NAMES = re.compile(r'extern "C"\s+__global__\s+void\s+(?:__launch_bounds__\([^()]*\)\s*)?(\w+)\s*\(')
_BOUNDS = re.compile(r"__launch_bounds__\(([^()]*)\)\s*(\w+)\s*\(")
_FIBERS, _STACK = 1024, 1 << 16  # as in shim.h
_loaded: dict[tuple[str, str], Function] = {}
launched: collections.Counter[str] = collections.Counter()  # how often each kernel was
_folder: list[Path | None] = [None]


def missing():
    """Why kernels can't be compiled here; empty where they can."""
    there = sys.platform == "linux" and shutil.which("g++")
    return "" if there else "the stand-in runs kernels in CUDA C on Linux, where g++ is installed"


@contextlib.contextmanager
def using(folder):
    """Compiled code is kept in this folder, which processes may share."""
    folder.mkdir(parents=True, exist_ok=True)
    before, _folder[0] = _folder[0], folder
    try:
        yield
    finally:
        _folder[0] = before


class Function:
    """A kernel in machine code.

    Attributes:
        parameters: of each (what it is, the bytes of what is pointed to or of itself, where that may lie).
        most: threads in a block, as its launch bounds say.
    """

    def __init__(self, library, name, waits, most):
        self.name = name
        self.run, told = library[f"ef_run_{name}"], library[f"ef_parameters_{name}"]
        self.run.restype, told.restype = ctypes.c_char_p, ctypes.POINTER(ctypes.c_int * 3)
        rows = itertools.takewhile(any, map(list, (told()[i] for i in itertools.count())))
        self.parameters = [(_WHAT[chr(what)], size, where) for what, size, where in rows]
        self.waits, self.most = waits, most

    def __call__(self, sizes, slots):
        """Run it: slots are the addresses of arguments. Gives what went wrong, or nothing."""
        launched[self.name] += 1
        given = (ctypes.c_void_p * len(slots))(*slots)
        stacks = _stacks() if self.waits else None
        return self.run(given, (ctypes.c_uint * 6)(*sizes), stacks).decode()


@cache
def _stacks():
    """Memory for the stacks of fibers, which takes none before it is used."""
    return (ctypes.c_char * (_FIBERS * _STACK)).from_buffer(mmap.mmap(-1, _FIBERS * _STACK))


def is_loaded(code, name):
    return (code, name) in _loaded


def compiled(code, name):
    """The kernel of this name in a text.

    Raises:
        RuntimeError: for what NVRTC, too, would refuse, as far as a C++ compiler knows.
    """
    found = _loaded.get((code, name))
    if found is None:
        names = _NAMES.findall(code)
        if name not in names:
            raise RuntimeError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}, among {names}")
        if "#include" in code:
            raise RuntimeError("a kernel includes a file, and NVRTC is told of none")
        library = ctypes.PyDLL(str(_made(code, names)))  # which holds Python's lock: kernels have static memory
        waits = "__syncthreads" in code or "__shfl" in code
        bounds = {each: _number(most, code) for most, each in _BOUNDS.findall(code)}
        for each in names:
            _loaded[code, each] = Function(library, each, waits, bounds.get(each, 1024))
        found = _loaded[code, name]
    return found


def _number(text, code):
    """A product of numbers and names that the text defines."""
    defined = dict(re.findall(r"^#define (\w+) (\d+)$", code, re.MULTILINE))
    return int(numpy.prod([int(defined.get(part.strip(), part)) for part in text.split("*")]))


def _made(code, names):
    """The library with all kernels of a text."""
    folder = _with_shim()
    library = folder / f"{hashlib.sha256(code.encode()).hexdigest()}.so"
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(dir=folder) as room:
        text, made, linked = (Path(room) / f"kernel.{end}" for end in ("cpp", "o", "so"))
        entries = "".join(f"ef_entry({name})\n" for name in names)
        text.write_text(f'#include "shim.h"\n#line 1 "kernel"\n{code}\n{entries}', encoding="utf-8")
        _run("g++", *_FLAGS, f"-I{folder}", "-c", str(text), "-o", str(made))
        _run("g++", *_LINKING, str(made), str(folder / "runtime.o"), "-lm", "-lc", "-o", str(linked))
        os.replace(linked, library)  # another process may have been as quick
    return library


def _with_shim():
    """The folder, with a precompiled shim and what runs kernels in it."""
    folder = _folder[0]
    assert folder is not None, "no folder for compiled kernels"
    own = folder / hashlib.sha256(b"".join(path.read_bytes() for path in _OWN)).hexdigest()[:16]
    if not own.exists():
        room = Path(tempfile.mkdtemp(dir=folder))
        for path in _OWN:
            shutil.copy(path, room)
        _run("g++", *_FLAGS, "-c", str(room / "runtime.cpp"), "-o", str(room / "runtime.o"))
        _run("g++", *_FLAGS, "-x", "c++-header", str(room / "shim.h"), "-o", str(room / "shim.h.gch"))
        try:
            room.rename(own)
        except OSError:  # another process was as quick
            shutil.rmtree(room)
    return own


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a kernel can't be compiled:\n{done.stderr}")
