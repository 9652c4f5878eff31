"""What the bits of a result depend on, apart from the program: the processor, NumPy and its BLAS, eagerflow."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import numpy

import eagerflow

__all__ = ["differences", "machine"]

_IN_WORDS = {
    "processor": "the processor",
    "numpy": "NumPy's version",
    "blas": "the BLAS library, or the instructions that NumPy uses",
    "kernels": "the kernels, plain or compiled",
    "eagerflow": "eagerflow's version",
    "system": "the operating system",
}


def machine() -> dict[str, str]:
    """The facts of this machine that decide on bits."""
    return {
        "processor": f"{platform.machine()} {_model()}".strip(),
        "numpy": numpy.__version__,
        "blas": _blas(),
        "kernels": eagerflow.config.kernels(),
        "eagerflow": eagerflow.__version__,
        "system": sys.platform,
        "python": platform.python_version(),
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """In words, what two machines differ in that can change bits."""
    return [
        f"{words} ({one.get(name, '?')!s:.80} there, {other.get(name, '?')!s:.80} here)"
        for name, words in _IN_WORDS.items()
        if one.get(name) != other.get(name)
    ]


def _blas() -> str:
    """The library, the processor that it was set to compute for, and the instructions of NumPy's own loops."""
    found: Any = numpy.show_config(mode="dicts") or {}
    blas = found.get("Build Dependencies", {}).get("blas", {})
    features = " ".join(sorted(found.get("SIMD Extensions", {}).get("found", ())))
    core = os.environ.get("OPENBLAS_CORETYPE", "")
    return " ".join(f"{blas.get('name', '?')} {blas.get('version', '?')} {core} {features}".split())


def _model() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
