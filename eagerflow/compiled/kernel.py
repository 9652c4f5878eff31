"""`compiled`: loops in Python as a kernel that runs as machine code, on pieces of arrays, in any thread."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy import ndarray

from eagerflow._version import __version__
from eagerflow.base.machine.forks import renewed_in_children
from eagerflow.compiled import store
from eagerflow.compiled.objects import loaded, processor
from eagerflow.compiled.signatures import Signature, parsed
from eagerflow.compiled.transforms import MATRICES

__all__ = ["HELPERS", "KERNELS", "Kernel", "compiled", "helper", "inner_loop", "key", "needs", "sums_helper"]

KERNELS: dict[str, Kernel] = {}
HELPERS: dict[str, Callable[..., Any]] = {}  # what loops may call
WAITS = False  # True: what isn't on disk is made at once, in this process; for tests
_FLOATS = {"f": "float32", "d": "float64"}


class Kernel:
    """Loops that run as machine code.

    Args:
        function: the loops, as Numba takes them.
        signature: what they take.
        dtypes: the float types that they are compiled for.
        apart: whether no array that they write to shares memory with another one.

    Attributes:
        name: the function's.
        function: the loops, for who wants to run them in Python.
    """

    def __init__(
        self, function: Callable[..., None], signature: Signature, dtypes: tuple[str, ...], apart: bool = False
    ) -> None:
        self.name, self.function, self.signature, self.dtypes = function.__name__, function, signature, dtypes
        self.apart = apart
        self._made: dict[str, Callable[..., int] | None] = {}
        self.renew_lock()
        renewed_in_children(self)

    def renew_lock(self) -> None:
        """In a child of the process, whose other threads aren't there."""
        self._lock = threading.Lock()

    def on(self, *given: Any) -> Callable[..., int] | None:
        """The kernel on these arrays and numbers: a function of what differs between pieces of the work.

        None where the arrays aren't of the kernel's types, shapes and layout, or where it couldn't be compiled: then
        the plain kernel computes.
        """
        first = given[0]
        dtype = _FLOATS.get(first.dtype.char) if type(first) is ndarray else None
        if dtype not in self.dtypes:
            return None
        signature, fixed = self.signature, list[Any]()
        lengths: dict[str, int] = {}
        for parameter, value in zip(signature.parameters, given):
            if not parameter.lengths:
                fixed.append(value)
                continue
            if not _fits(value, parameter.dtype or dtype, len(parameter.lengths)):
                return None
            for name, length in zip(parameter.lengths, value.shape):
                if lengths.setdefault(name, length) != length:
                    return None
            fixed.append(id(value))
        run = self._made[dtype] if dtype in self._made else self._make(dtype)
        if run is None:
            return None
        fixed += [lengths[name] for name in signature.lengths]

        def on_piece(*rest: Any, _kept: Any = given) -> int:  # the arrays live as long as their addresses are used
            return run(*fixed, *rest)

        return on_piece

    def is_there(self, dtype: str) -> bool:
        """Whether there is machine code for a float type."""
        return (self._made[dtype] if dtype in self._made else self._make(dtype)) is not None

    def _make(self, dtype: str) -> Callable[..., int] | None:
        with self._lock:
            if dtype not in self._made:
                self._made[dtype] = self._found(dtype)
            return self._made[dtype]

    def _found(self, dtype: str) -> Callable[..., int] | None:
        """The machine code from disk; None when it isn't there or can't be made, which is said once.

        Nobody waits for what isn't there, which can take half a minute: another process makes it, for the next program.
        """
        name = self.file(dtype)
        data = store.read(name)
        if data is None and not WAITS:
            import_module("eagerflow.compiled.filling").fill_in_background()
            return None
        try:
            if data is None:
                data = self.build(dtype)
                store.write(name, data)
            return loaded(data, self._symbol(dtype), self.signature)
        except (ImportError, OSError, RuntimeError) as error:
            warnings.warn(
                f"eagerflow: the compiled kernel {self.name} isn't used ({error}); the plain one computes instead",
                RuntimeWarning,
                stacklevel=2,
            )
            return None

    def forget(self) -> None:
        """Look for its machine code again when it is called the next time."""
        self._made.clear()

    def build(self, dtype: str) -> bytes:
        """An object file for a float type.

        Raises:
            CannotCompile: when Numba can't compile the loops here.
        """
        built = import_module("eagerflow.compiled.building").built
        made: bytes = built(self.function, self.signature, dtype, self._symbol(dtype), HELPERS, self.apart)
        return made

    def _symbol(self, dtype: str) -> str:
        """What machine code calls it."""
        return f"eagerflow_{self.name}_{dtype}"

    def file(self, dtype: str) -> str:
        """The name of its file: other loops, versions and processors have others."""
        return f"{self.name}-{dtype}-{key()}.o"


@cache
def key() -> str:
    """Other sources, versions and processors have other files."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    told = (__version__, version("numba"), version("llvmlite"), processor(), object.__basicsize__, MATRICES)
    found.update(repr(told).encode())
    return found.hexdigest()[:20]


def _fits(value: Any, dtype: str, axes: int) -> bool:
    return (
        type(value) is ndarray
        and value.ndim == axes
        and value.dtype == dtype
        and value.flags.c_contiguous
        and value.flags.aligned
    )


def needs(*kernels: Kernel) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Note which kernels a twin runs, for who asks whether they are there."""

    def noted(twin: Callable[..., Any]) -> Callable[..., Any]:
        twin.needs = kernels  # type: ignore[attr-defined]
        return twin

    return noted


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let loops call a function. Its own operations are done in the order that it says."""
    HELPERS[function.__name__] = function
    return function


def sums_helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let loops call a function that adds up: in any order, as in the loops themselves."""
    function.free = True  # type: ignore[attr-defined]
    return helper(function)


def inner_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let loops call a function that has the innermost of them. What it writes to shares no memory with what it reads.

    It becomes a part of the loops that call it; its operations are done in the order that it says.
    """
    function.apart = True  # type: ignore[attr-defined]
    return helper(function)


def compiled(
    signature: str, dtypes: tuple[str, ...] = ("float32", "float64"), apart: bool = False
) -> Callable[[Callable[..., None]], Kernel]:
    """Make a kernel of loops in Python.

    Args:
        signature: what they take; see `signatures.parsed`.
        dtypes: the float types that they are for.
        apart: whether no array that they write to shares memory with another one. Then loops over few numbers are
            fast too, as nothing is compared before them; where it isn't true, results are wrong.

    The loops get C contiguous arrays. What they do to a piece must not depend on how work is cut into pieces, nor on
    which thread does it.
    """

    def make(function: Callable[..., None]) -> Kernel:
        kernel = KERNELS[function.__name__] = Kernel(function, parsed(signature), dtypes, apart)
        return kernel

    return make
