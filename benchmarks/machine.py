"""What figures were measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

__all__ = ["FORCED", "clean_environment", "described", "memory", "processor"]

# A core type or a cache size forced on OpenBLAS can halve its speed: every framework uses its own defaults.
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "EAGERFLOW_NUM_THREADS")

_BLAS = """
import json, numpy, sys
numpy.ones((2, 2)) @ numpy.ones((2, 2))
try:
    from threadpoolctl import threadpool_info
    told = "{internal_api} {version}, {architecture} kernels".format
    found = sorted({told(**{"architecture": "unknown", **one}) for one in threadpool_info()})
except ImportError:
    found = []
from importlib.metadata import distributions
names = ("torch", "keras", "jax", "tensorflow", "tensorflow-cpu", "autograd")
peers = {d.metadata["Name"].replace("_", "-"): d.version for d in distributions() if d.metadata["Name"]}
peers = ", ".join(f"{name} {peers[name]}" for name in names if name in peers)
told = {"python": sys.version.split()[0], "numpy": numpy.__version__, "blas": "; ".join(found), "peers": peers}
print(json.dumps(told))
"""


def clean_environment(threads: int | None = None, **more: str) -> dict[str, str]:
    """The environment of a contender; `threads` limits every library."""
    left_out = {*FORCED, *THREADS}
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    limits = {} if threads is None else dict.fromkeys(THREADS, str(threads))
    return {**kept, **limits, "PYTHONHASHSEED": "0", **more}


def processor() -> str:
    """Its name."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def described(python: str) -> dict[str, str]:
    """The machine and NumPy as that interpreter has it, without anything that names the host."""
    run = subprocess.run([python, "-c", _BLAS], env=clean_environment(), capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    return {
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} cores"
        if hasattr(os, "sched_getaffinity")
        else processor(),
        "memory": f"{memory() / 2**30:.0f} GiB",
        "system": f"{platform.system()}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}",
        "load before": ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown",
        "Python": found["python"],
        "NumPy": found["numpy"],
        "BLAS": found["blas"] or "unknown",
        **({"peers": found["peers"]} if found["peers"] else {}),
    }
