"""Numba, with the options that all kernels share. It is imported where compiled kernels are used, and nowhere else.

Machine code is kept in Numba's cache: next to these sources, or in the user's cache folder, or in `NUMBA_CACHE_DIR`.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numpy import ndarray

from eagerflow._version import __version__
from eagerflow.base.machine.forks import held_over_forks
from eagerflow.kernels.convolution.winograd import minimal
from eagerflow.kernels.machine.blas import routine_address

__all__ = [
    "BLAS",
    "LANES",
    "OPTIONS",
    "WIDE",
    "Kernel",
    "compiled",
    "gives_products",
    "helper",
    "inner_loop",
    "intrinsic",
]
__all__ += ["numba", "sums_helper"]

BLAS = "eagerflow_sgemm"  # what machine code calls the product of matrices of NumPy's BLAS
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
# Floats are added in any order and rounded once per multiply-add; NaN, infinities and signs of zero stay as they are.
_REORDER, _IN_ORDER = {"reassoc", "contract"}, {"contract"}
_CHECKS = 64  # before a loop, whether arrays overlap: where more were needed, LLVM took one number at a time
_FLOATS = {"f": "float32", "d": "float64"}
_ARRAY = re.compile(r"\w+(?:: (\w+))?\[([\w, ]+)\]")  # a name, maybe a type, and lengths

intrinsic: Any = numba.extending.intrinsic
held_over_forks(global_compiler_lock)  # a child begins with LLVM between two calls


def _features() -> str:
    """What machine code uses of the processor: all that it has, or what Numba's environment variables say.

    LLVM uses half of AVX-512's width on Intel's processors, since some of them run slower while other programs use it
    all. NumPy and BLAS use it all anyway, and attention, `gelu` and depthwise convolutions take a fifth less time so.
    """
    config: Any = numba.config
    if config.CPU_FEATURES is None and (config.CPU_NAME or "").lower() != "generic":
        host: str = binding.get_host_cpu_features().flatten()
        if "+avx512f" in host:
            config.CPU_FEATURES = f"{host},-prefer-256-bit"
    found: str = cpu_target.target_context.codegen().magic_tuple()[2]  # made now, unless the program did before
    return found


WIDE = "+avx512f" in _features()  # 32 registers of 16 numbers
LANES = 16 if WIDE else 8  # numbers of float32 in a vector
binding.set_option("eagerflow", f"--runtime-memory-check-threshold={_CHECKS}")


@cache
def gives_products() -> bool:
    """Whether machine code can multiply matrices: by the BLAS of NumPy's wheels."""
    address = routine_address("sgemm")
    if address is not None:
        binding.add_symbol(BLAS, address)
    return address is not None


@cache
def _sources() -> str:
    """A hash of everything that machine code is made of; Numba itself looks at the file of the outermost function."""
    found = hashlib.sha256(__version__.encode())
    for path in [*sorted(Path(__file__).parent.rglob("*.py")), Path(minimal.__file__)]:
        found.update(path.read_bytes())
    return found.hexdigest()


class _Cache(FunctionCache):
    """Numba's cache, in which kernels of other sources have other entries."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return *super()._index_key(sig, codegen), _sources()


class Kernel:
    """Loops that run as machine code.

    Args:
        function: the loops, compiled by Numba for a type of floats when they are first called with it.
        arrays: their arrays, which are their first arguments; see `compiled`.
        dtypes: the types of floats that they are for.
    """

    def __init__(self, function: Callable[..., None], arrays: str, dtypes: tuple[str, ...]) -> None:
        self.function, self.dtypes = function, dtypes
        self._arrays = [(dtype, names.split(", ")) for dtype, names in _ARRAY.findall(arrays)]

    def on(self, *args: Any) -> Callable[..., None] | None:
        """The kernel on these arrays and numbers: a function of what differs between pieces of the work.

        None where the arrays aren't of the kernel's types, shapes and layout: then the plain kernel computes.
        """
        first = args[0]
        dtype = _FLOATS.get(first.dtype.char) if type(first) is ndarray else None
        if dtype not in self.dtypes:
            return None
        lengths: dict[str, int] = {}
        for (kind, names), value in zip(self._arrays, args):
            if type(value) is not ndarray or value.dtype != (kind or dtype) or not value.flags.c_contiguous:
                return None
            if len(value.shape) != len(names) or not value.flags.aligned:
                return None
            for name, length in zip(names, value.shape):
                if lengths.setdefault(name, length) != length:
                    return None
        count = len(self._arrays)
        return partial(self.function, *map(_writeable, args[:count]), *args[count:])


def _writeable(array: ndarray) -> ndarray:
    """An input as an array that isn't read-only: for others Numba would compile the loops once more."""
    if array.flags.writeable:
        return array
    memory: Any = (ctypes.c_byte * array.nbytes).from_address(array.ctypes.data)
    memory.owner = array
    return ndarray(array.shape, array.dtype, memory)


def compiled(
    arrays: str, dtypes: tuple[str, ...] = ("float32", "float64"), noalias: bool = False
) -> Callable[[Callable[..., None]], Kernel]:
    """Make a kernel of loops in Python.

    Args:
        arrays: `name[lengths]` for each array among their first arguments, `name: dtype[lengths]` for one that isn't of
            the type of floats that the loops are compiled for. Lengths of one name are equal.
        dtypes: the types of floats that they are for.
        noalias: whether no array that they write to shares memory with another one. Then loops over few numbers are
            fast too, as nothing is compared before them; where it isn't true, results are wrong.

    The loops get C-contiguous arrays. What they do to a piece must not depend on how work is cut into pieces, nor on
    which thread does it.
    """

    def make(function: Callable[..., None]) -> Kernel:
        loops: Any = numba.njit(**OPTIONS, fastmath=_REORDER)(function)
        with contextlib.suppress(RuntimeError):  # no folder can be written to: every program compiles for itself
            loops._cache = _Cache(function)
        return Kernel(_without_aliases(loops) if noalias else loops, arrays, dtypes)

    return make


def _without_aliases(function: Any) -> Any:
    """Let Numba tell LLVM that no array of a function which is written to shares memory with another one."""

    def flagged(flags: Any) -> Any:
        flags.noalias = True
        return flags

    function._compiler._customize_flags = flagged  # there is no option for this flag
    return function


def helper(function: Callable[..., Any]) -> Any:
    """Let loops call a function. Its own operations are done in the order that it says."""
    return numba.njit(**OPTIONS, fastmath=_IN_ORDER)(function)


def sums_helper(function: Callable[..., Any]) -> Any:
    """Let loops call a function that adds up: in any order, as in the loops themselves."""
    return numba.njit(**OPTIONS, fastmath=_REORDER)(function)


def inner_loop(function: Callable[..., Any]) -> Any:
    """Let loops call a function that has the innermost of them. What it writes to shares no memory with what it reads.

    It becomes a part of the loops that call it; its operations are done in the order that it says.
    """
    return _without_aliases(numba.njit(**OPTIONS, fastmath=_IN_ORDER, forceinline=True)(function))
