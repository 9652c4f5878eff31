"""What it takes to begin: import time, time to the first finished step, and what is installed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.machine import clean_environment

__all__ = ["measure_startup"]

ROOT = Path(__file__).parents[1]

_STEP = """
import time
import {module}
print(time.monotonic())
from benchmarks.contender import make
from benchmarks.workloads.data import WORKLOADS
make({peer!r}, WORKLOADS["mlp"]).train(1)
print(time.monotonic())
"""

_SIZE = """
import json, re, sys
from importlib.metadata import PackageNotFoundError, distribution
seen, pending, total = set(), list(json.loads(sys.argv[1])), 0
while pending:
    name = pending.pop()
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        continue
    seen.add(key)
    try:
        found = distribution(name)
    except PackageNotFoundError:
        continue
    for file in found.files or ():
        path = found.locate_file(file)
        if path.is_file():
            total += path.stat().st_size
    for wanted in found.requires or ():
        if "extra" not in wanted:
            pending.append(re.match(r"[A-Za-z0-9._-]+", wanted).group())
print(json.dumps([total, len(seen)]))
"""

_PACKAGES = {
    "torch": ["torch"],
    "keras-torch": ["keras", "torch"],
    "keras-jax": ["keras", "jax"],
    "keras-tensorflow": ["keras", "tensorflow-cpu"],
}


def measure_startup(pythons: dict[str, str], rounds: int = 3) -> dict[str, dict[str, Any]]:
    """Seconds from a process's start until it has imported, and until its first step of the mlp; installed bytes.

    Peers take turns; of each the best of `rounds`.
    """
    found: dict[str, list[tuple[float, float]]] = {peer: [] for peer in pythons}
    for _ in range(rounds):
        for peer, python in pythons.items():
            found[peer].append(_begun(python, peer))
    return {
        peer: {
            "import": min(imported for imported, _ in times),
            "first": min(first for _, first in times),
            "bytes": _installed(peer, pythons[peer]),
        }
        for peer, times in found.items()
    }


def _begun(python: str, peer: str) -> tuple[float, float]:
    """Seconds until the import, and until the first step, of a new process."""
    module, _, backend = peer.partition("-")
    chosen = {"KERAS_BACKEND": backend} if module == "keras" else {}
    paths = os.pathsep.join([str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    environment = clean_environment(
        PYTHONPATH=paths, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu", **chosen
    )
    code = _STEP.format(peer=peer, module=module)
    started = monotonic()
    run = subprocess.run([python, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    imported, first = (float(line) - started for line in run.stdout.split()[-2:])
    return imported, first


def _installed(peer: str, python: str) -> int:
    """Bytes of the package and of all that it needs."""
    if peer == "eagerflow":
        own = sum(
            file.stat().st_size
            for folder in ("eagerflow", "viz")
            for file in (ROOT / folder).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        )
        return own + _size(python, ["numpy", "threadpoolctl", "h5py", "graphviz", "tensorboardX"])
    return _size(python, _PACKAGES.get(peer, [peer]))


def _size(python: str, packages: list[str]) -> int:
    run = subprocess.run([python, "-c", _SIZE, json.dumps(packages)], capture_output=True, text=True, check=True)
    return int(json.loads(run.stdout)[0])
