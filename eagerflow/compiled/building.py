"""From loops in Python to machine code: Numba translates, and what it makes is given out as an object file.

The function in the file takes addresses of NumPy's array objects, numbers and lengths, and finds the arrays' data
itself: asking NumPy for an address takes longer than a small kernel. Only this file imports Numba.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from eagerflow.compiled.intrinsics import intrinsics
from eagerflow.compiled.objects import BLAS, features, llvm
from eagerflow.compiled.signatures import Signature

__all__ = ["CannotCompile", "built"]

HEAD = object.__basicsize__  # of a Python object: what lies before an array's pointer to its data
# Floats are added in any order and rounded once per multiply-add; NaN, infinities and signs of zero stay as they are.
_FREE = {"reassoc", "contract"}
_CHECKS = 64  # before a loop, whether arrays overlap: where more were needed, LLVM took one number at a time
_KEEP = "define void @NRT_MemInfo_call_dtor(ptr %array) {\n  ret void\n}"
_TYPES = {"int64": "i64", "float64": "double"}
# What machine code may call: functions of C's library, which every process has.
_LIBRARY = re.compile(rf"{BLAS}|(?:mem(?:cpy|set|move)|(?:sqrt|exp|log|pow|tanh|erf|floor|ceil|fmin|fmax|fabs)f?)")


class CannotCompile(RuntimeError):
    """This kernel can't be compiled here; the message says why."""


def built(
    function: Callable[..., Any],
    signature: Signature,
    dtype: str,
    symbol: str,
    helpers: dict[str, Callable[..., Any]],
    apart: bool = False,
) -> bytes:
    """An object file with one function, for this processor.

    Args:
        function: the loops.
        signature: what they take.
        dtype: the float type of its arrays.
        symbol: what the function is called in the file.
        helpers: the functions that loops may call, by name; they call no others.
        apart: whether no array that is written to shares memory with another one: LLVM needn't look, then.

    Raises:
        CannotCompile: when Numba can't, or when what it made needs Numba's own functions.
    """
    try:
        text, name = _translated(function, signature, dtype, helpers, apart)
    except Exception as error:  # Numba's errors have many bases, and internal ones of any kind
        raise CannotCompile(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    return _object_file(_ownerless(text) + _door(signature, symbol, name), symbol, name)


def _translated(
    function: Callable[..., Any], signature: Signature, dtype: str, helpers: dict[str, Callable[..., Any]], apart: bool
) -> tuple[str, str]:
    """What Numba makes of a function that gets pointers, in the language of LLVM, and its name there."""
    import numba
    from numba import types

    setattr(numba.config, "CPU_FEATURES", features())  # noqa: B010 - its names are made while it is read
    llvm().set_option("eagerflow", f"--runtime-memory-check-threshold={_CHECKS}")
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    called = intrinsics(numba, options)
    for name, each in helpers.items():  # each may call those before it
        if name in called:
            continue
        small = getattr(each, "apart", False)  # loops over a few numbers: a call would take as long
        order = _FREE if getattr(each, "free", False) else {"contract"}
        helped = numba.njit(**options, fastmath=order, forceinline=small)(_with_globals(each, called))
        called[name] = _apart(helped) if small else helped
    loops: Any = numba.njit(**options, fastmath=_FREE)(_with_globals(function, called))
    loops = _apart(loops) if apart else loops
    scope: dict[str, Any] = {"_loops": loops, "_carray": numba.carray}
    exec(_on_pointers(signature), scope)
    kinds = [
        types.CPointer(getattr(types, each.dtype or dtype)) if each.lengths else getattr(types, each.dtype)
        for each in signature.parameters
    ]
    kinds += [types.int64] * len(signature.lengths)
    options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    entry: Any = numba.njit(**options)(scope["entry"])
    entry.compile(tuple(kinds))
    (made,) = entry.overloads.values()
    return str(made.library._final_module), made.fndesc.mangled_name


def _apart(function: Any) -> Any:
    """Let Numba tell LLVM that no array of a function which is written to shares memory with another one."""

    def flagged(flags: Any) -> Any:
        flags.noalias = True
        return flags

    function._compiler._customize_flags = flagged  # there is no option for this flag
    return function


def _with_globals(function: Callable[..., Any], found: dict[str, Any]) -> Callable[..., Any]:
    """The same function, which finds other things by their names."""
    return FunctionType(function.__code__, {**function.__globals__, **found}, function.__name__)


def _ownerless(text: str) -> str:
    """Without Numba's function that frees arrays: those of kernels belong to NumPy."""
    return re.sub(r"^declare void @NRT_MemInfo_call_dtor\(ptr\).*$", _KEEP, text, flags=re.MULTILINE)


def _on_pointers(signature: Signature) -> str:
    """The source of a function that makes arrays of pointers and calls the loops."""
    given = [
        f"_carray({p.name}, ({''.join([f'n_{n}, ' for n in p.lengths])}))" if p.lengths else p.name
        for p in signature.parameters
    ]
    names = [*[p.name for p in signature.parameters], *[f"n_{name}" for name in signature.lengths]]
    return f"def entry({', '.join(names)}):\n    _loops({', '.join(given)})\n"


def _door(signature: Signature, symbol: str, name: str) -> str:
    """The function that Python calls: it reads where the arrays' data lie."""
    parameters = [f"{'i64' if p.lengths else _TYPES[p.dtype]} %{p.name}" for p in signature.parameters]
    parameters[signature.bound : signature.bound] = [f"i64 %n_{each}" for each in signature.lengths]
    lines = [f"define i32 @{symbol}({', '.join(parameters)}) {{", "  %ret = alloca ptr", "  %error = alloca ptr"]
    for p in signature.arrays:
        lines += [
            f"  %at_{p.name} = add i64 %{p.name}, {HEAD}",
            f"  %of_{p.name} = inttoptr i64 %at_{p.name} to ptr",
            f"  %data_{p.name} = load ptr, ptr %of_{p.name}",
        ]
    given = [f"ptr %data_{p.name}" if p.lengths else f"{_TYPES[p.dtype]} %{p.name}" for p in signature.parameters]
    given += [f"i64 %n_{each}" for each in signature.lengths]
    lines.append(f"  %status = call i32 @{name}(ptr %ret, ptr %error, {', '.join(given)})")
    return "\n".join([*lines, "  ret i32 %status", "}", ""])


def _object_file(text: str, symbol: str, name: str) -> bytes:
    """Compiled for the processor that Numba compiles for, and nothing in it but what the function needs."""
    binding = llvm()
    module = binding.parse_assembly(text)
    for each in module.functions:
        if not each.is_declaration and each.name != symbol:
            each.linkage = "internal"
    machine = _machine()
    passes = binding.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, binding.create_pass_builder(machine, binding.create_pipeline_tuning_options()))
    foreign = sorted(_foreign(module))
    if foreign:
        raise CannotCompile(f"it calls {', '.join(foreign)}")
    return bytes(machine.emit_object(module))


def _foreign(module: Any) -> Iterator[str]:
    """Functions and variables that the module needs, and that not every process has."""
    for each in [*module.functions, *module.global_variables]:
        if each.is_declaration and not each.name.startswith("llvm.") and not _LIBRARY.fullmatch(each.name):
            yield each.name


def _machine() -> Any:
    """The processor that Numba compiles for; its environment variables may name another one."""
    from numba.core.registry import cpu_target

    return cpu_target.target_context.codegen()._tm
