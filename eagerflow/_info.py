"""`python -m eagerflow info`: what a report of a problem should say about the installation."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy

from eagerflow._version import __version__
from eagerflow.base.text.extras import EXTRAS, NEEDED
from eagerflow.compiled.choice import kernels
from eagerflow.kernels.machine.blas import blas_core
from eagerflow.kernels.machine.threads import get_num_threads

__all__ = ["print_info"]

_OTHERS = ("graphviz", "tensorboardX", "safetensors", "keras", "torch", "jax", "tensorflow")


def print_info() -> int:
    """Print the installation, a line a subject; returns the exit status."""
    print("\n".join(f"{name + ':':<11} {what}" for name, what in _lines()))
    return 0


def _lines() -> Iterator[tuple[str, str]]:
    yield "eagerflow", f"{__version__}, {kernels()} kernels"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", platform.platform()
    yield "processor", f"{_processor()}, {platform.machine()}"
    yield "NumPy", numpy.__version__
    built = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    yield "BLAS", f"{built['name']} {built['version']}, {blas_core() or 'unknown'} kernels, {get_num_threads()} threads"
    optional = {
        each.partition(">=")[0].partition("[")[0]
        for each in (*NEEDED, *[r for extra in EXTRAS.values() for r in extra])
    }
    installed = [f"{name} {found}" for name in sorted(optional | {*_OTHERS}) if (found := _version(name))]
    yield "packages", ", ".join(installed)


def _processor() -> str:
    """The processor's name as Linux has it, elsewhere as Python knows it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.processor() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
