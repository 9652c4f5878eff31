"""What CuPy does at the first call of a kernel: it is compiled, and kept on disk for other processes.

As in `cupy/cuda/compiler.py` and `_compiler_cache.py` of CuPy 14.2, in a file of the same name: whoever listens to what
a program opens and writes hears the same. Kernels are texts here.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile

_compiled: set[tuple] = set()  # what this process has called
_cache = tempfile.TemporaryDirectory(prefix="stand-in-kernels-")  # in place of ~/.cupy/kernel_cache


def forget():
    """The next call of each kernel is its first."""
    _compiled.clear()


def compiled(function, args):
    """Compile the kernel that a call launches, unless that has been done."""
    key = (function.__qualname__, *[_kind(value) for value in args])
    if key not in _compiled:
        _compiled.add(key)
        _compile_module_with_cache(repr(key))


def _kind(value):
    """What makes another kernel of a function: types, and of ufuncs their names."""
    if hasattr(value, "_numbers"):
        return str(value.dtype)
    return getattr(value, "__name__", None) or type(value).__name__


def _compile_module_with_cache(source):
    name = hashlib.sha1(f"{_options()} {source}".encode(), usedforsecurity=False).hexdigest() + ".cubin"
    if _load(name) is None:
        _save(name, _compile_using_nvrtc(source, f"{name}.cu"))


def _options():
    """Where headers are, which CUDA's own package for that tells."""
    pathfinder = sys.modules.get("cuda.pathfinder")
    return () if pathfinder is None else (f"-I{pathfinder.find_nvidia_header_directory('cudart')}",)


def _compile_using_nvrtc(source, filename):
    with (
        tempfile.TemporaryDirectory() as root_dir,
        open(os.path.join(root_dir, filename), "w", encoding="utf-8") as cu_file,
    ):
        cu_file.write(source)
    return source.encode()


def _load(name):
    path = os.path.join(_cache.name, name)
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def _save(name, cubin):
    with tempfile.NamedTemporaryFile(dir=_cache.name, delete=False) as file:
        file.write(cubin)
    os.replace(file.name, os.path.join(_cache.name, name))
