"""Object files become functions: LLVM's loader puts them into memory. Neither Numba nor a linker is needed."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy

from eagerflow.base.machine.forks import held_over_forks
from eagerflow.compiled.signatures import Signature
from eagerflow.kernels.machine.blas import routine_address

__all__ = ["BLAS", "features", "gives_products", "has_wide_vectors", "lanes", "llvm", "loaded", "processor"]

_TYPES: dict[str, Any] = {"int64": ctypes.c_int64, "float64": ctypes.c_double}
_lock = threading.RLock()
held_over_forks(_lock)  # a child begins with LLVM between two calls
BLAS = "eagerflow_sgemm"  # what machine code calls the product of matrices of NumPy's BLAS


@cache
def llvm() -> Any:
    """LLVM, as Numba has it."""
    from llvmlite import binding

    return binding


@cache
def _engine() -> Any:
    """What holds the machine code of this process."""
    binding = llvm()
    probe = numpy.empty(1)
    at = ctypes.c_void_p.from_address(id(probe) + object.__basicsize__).value
    if at != probe.ctypes.data:
        raise OSError("arrays of this NumPy have their data elsewhere")
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine()
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


@cache
def gives_products() -> bool:
    """Whether machine code can multiply matrices: that of this process then finds the function."""
    address = routine_address("sgemm")
    if address is not None:
        llvm().add_symbol(BLAS, address)
    return address is not None


def loaded(data: bytes, symbol: str, signature: Signature) -> Callable[..., int]:
    """The function of an object file. It runs without the interpreter's lock.

    Args:
        data: the file.
        symbol: the function's name.
        signature: what it takes: numbers, and of arrays `id(array)`; behind the bound parameters, all lengths.

    Raises:
        OSError: when the file can't be read, or has no such function.
    """
    with _lock:
        binding = llvm()
        try:
            engine = _engine()
            if BLAS.encode() in data and not gives_products():
                raise OSError("it calls the BLAS of NumPy's wheels, and this NumPy has another one")
            engine.add_object_file(binding.ObjectFileRef.from_data(data))
            engine.finalize_object()
        except RuntimeError as error:
            raise OSError(f"machine code of {symbol} can't be read: {error}") from error
        address = engine.get_function_address(symbol)
    if not address:
        raise OSError(f"there is no machine code of {symbol}")
    kinds = [_TYPES["int64" if p.lengths else p.dtype] for p in signature.parameters]
    kinds[signature.bound : signature.bound] = [ctypes.c_int64] * len(signature.lengths)
    made: Callable[..., int] = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(address)
    return made


@cache
def features() -> str:
    """What machine code may use of the processor: all that it has, or what Numba's variables say.

    LLVM takes half of AVX-512's width on Intel's processors, since some of them run slower while other programs use it
    all. NumPy and BLAS use it all anyhow, and attention, `gelu` and depthwise convolutions take a fifth less time so.
    """
    told = os.environ.get("NUMBA_CPU_FEATURES")
    if told is not None:
        return told
    if os.environ.get("NUMBA_CPU_NAME", "").lower() == "generic":  # as Numba does
        return ""
    found: str = llvm().get_host_cpu_features().flatten()
    return f"{found},-prefer-256-bit" if "+avx512f" in found else found


@cache
def processor() -> str:
    """What machine code depends on: the processor's name and features, or those that Numba's variables name."""
    binding = llvm()
    name = os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name()
    return f"{binding.get_process_triple()} {name} {features()}"


@cache
def has_wide_vectors() -> bool:
    """Whether machine code has 32 registers of 16 numbers (AVX-512)."""
    return "+avx512f" in features()


def lanes() -> int:
    """How many numbers of float32 a vector has."""
    return 16 if has_wide_vectors() else 8
