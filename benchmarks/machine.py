"""What figures were measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
from pathlib import Path

__all__ = ["AVX2", "DEVICE", "FORCED", "HELD", "clean_environment", "described", "memory", "on_gpu", "processor"]

# A core type or a cache size forced on OpenBLAS can halve its speed: every framework uses its own defaults.
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# What holds each framework to AVX2 on a processor that has AVX-512 too. NumPy warns of features that it doesn't know.
AVX2 = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "NUMBA_CPU_NAME": "haswell",  # alone it leaves Numba the features of the processor that it runs on
    "NUMBA_CPU_FEATURES": "+sse4.2,+popcnt,+cx16,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe",
}
DEVICE = "BENCHMARKS_DEVICE"  # the same for the device: "gpu" or nothing
HELD = "BENCHMARKS_HELD_TO"  # the variable by which all processes of a run know; "avx2" or nothing
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
from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched, __cpu_features__ as features
chosen = [name for name in dispatched if features.get(name)]  # which of its kernels NumPy takes
wide = any("AVX512" in name or name == "X86_V4" for name in chosen)
used = ["NumPy " + ("AVX-512" if wide else "AVX2" if {"AVX2", "X86_V3"} & {*chosen} else "neither AVX-512 nor AVX2")]
try:
    import torch
    used.append("PyTorch " + torch.backends.cpu.get_cpu_capability())
except ImportError:
    pass
told = {"python": sys.version.split()[0], "numpy": numpy.__version__, "blas": "; ".join(found), "peers": peers}
told["used"] = ", ".join(used)
print(json.dumps(told))
"""


def clean_environment(threads: int | None = None, **more: str) -> dict[str, str]:
    """The environment of a contender; `threads` limits every library. Who is held to AVX2, is held here."""
    left_out = {*FORCED, *THREADS}
    more = {**(AVX2 if os.environ.get(HELD) == "avx2" else {}), **more}
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    limits = {} if threads is None else dict.fromkeys(THREADS, str(threads))
    return {**kept, **limits, "PYTHONHASHSEED": "0", **more}


def on_gpu() -> bool:
    """Whether contenders compute on a GPU."""
    return os.environ.get(DEVICE) == "gpu"


def fill_kernels(python: str, folder: Path) -> None:
    """Make the machine code of compiled kernels, which programs would wait for.

    Args:
        python: an interpreter with eagerflow.
        folder: eagerflow's source.
    """
    home = tempfile.mkdtemp()  # nothing is switched on for this user
    command = [python, "-m", "eagerflow", "compile", "--quiet"]
    subprocess.run(command, cwd=folder, env=clean_environment(EAGERFLOW_HOME=home), check=True)


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
    run = subprocess.run(
        [python, "-W", "ignore", "-c", _BLAS], env=clean_environment(), capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    return {
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} cores"
        if hasattr(os, "sched_getaffinity")
        else processor(),
        "instructions": found["used"] + (" (held to AVX2)" if os.environ.get(HELD) == "avx2" else ""),
        "memory": f"{memory() / 2**30:.0f} GiB",
        "system": f"{platform.system()}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}",
        "load before": ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown",
        "Python": found["python"],
        "NumPy": found["numpy"],
        "BLAS": found["blas"] or "unknown",
        **({"peers": found["peers"]} if found["peers"] else {}),
    }
