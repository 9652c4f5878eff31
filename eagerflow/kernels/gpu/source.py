"""CUDA C for kernels: a text with names in capitals, for which numbers and types are put in before it is compiled.

Lengths of loops and strides that the compiler knows are worth a second of compiling: divisions become multiplications.
CuPy keeps what was compiled on disk.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from eagerflow.core.device import load_cupy

__all__ = ["TYPES", "compiled", "grid"]

THREADS = 256
_MOST_BLOCKS = 132 * 32  # more don't make loops over all elements faster

# What CUDA calls NumPy's types, by their characters, and their vectors of 16 bytes with the count of numbers in them.
TYPES = {"f": ("float", "float4", 4), "d": ("double", "double2", 2)}


@cache
def compiled(source: str, name: str, *numbers: tuple[str, Any]) -> Any:
    """The function `name` of a source, in which names are defined as these numbers or words.

    Args:
        source: CUDA C.
        name: of a function in it that is declared `extern "C"`.
        *numbers: pairs of names and what stands for them.
    """
    defined = "".join(f"#define {key} {value}\n" for key, value in numbers)
    # Products and sums are rounded one by one, as NumPy and CuPy's single kernels round them.
    options = ("--std=c++17", "--fmad=false") if "EXACT" in source else ("--std=c++17",)
    return load_cupy().RawKernel(defined + source, name, options=options)


def grid(count: int) -> tuple[tuple[int], tuple[int]]:
    """Blocks and threads for a loop over `count` elements, of which each thread takes some."""
    return (max(1, min(_MOST_BLOCKS, -(-count // THREADS))),), (THREADS,)
