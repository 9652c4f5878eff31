"""What it takes to begin: import time, time to the first finished step, and what is installed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.machine import clean_environment

__all__ = ["measure_startup"]

ROOT = Path(__file__).parents[1]

_STEP = """
from benchmarks.contender import make
from benchmarks.workloads.data import WORKLOADS
make({peer!r}, WORKLOADS["mlp"]).train(1)
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
    """Seconds to import, seconds to the first step of the mlp, installed bytes; by peer, the best of `rounds`."""
    found: dict[str, dict[str, Any]] = {peer: {"import": [], "first": []} for peer in pythons}
    for _ in range(rounds):
        for peer, python in pythons.items():
            found[peer]["import"].append(_seconds(python, peer, f"import {_module(peer)}"))
            found[peer]["first"].append(_seconds(python, peer, _STEP.format(peer=peer)))
    return {
        peer: {**{what: min(times) for what, times in each.items()}, "bytes": _installed(peer, pythons[peer])}
        for peer, each in found.items()
    }


def _module(peer: str) -> str:
    return peer.partition("-")[0]


def _seconds(python: str, peer: str, code: str) -> float:
    backend = {"KERAS_BACKEND": peer.partition("-")[2]} if peer.startswith("keras") else {}
    paths = os.pathsep.join([str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    environment = clean_environment(PYTHONPATH=paths, TF_CPP_MIN_LOG_LEVEL="3", **backend)
    started = perf_counter()
    subprocess.run([python, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
    return perf_counter() - started


def _installed(peer: str, python: str) -> int:
    """Bytes of the package and of all that it needs."""
    if peer == "eagerflow":
        own = sum(
            file.stat().st_size
            for folder in ("eagerflow", "viz")
            for file in (ROOT / folder).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        )
        return own + _size(
            python, ["numpy", "threadpoolctl", "h5py", "graphviz", "tensorboardX", "pygraphviz"]
        )
    return _size(python, _PACKAGES.get(peer, [peer]))


def _size(python: str, packages: list[str]) -> int:
    run = subprocess.run(
        [python, "-c", _SIZE, json.dumps(packages)], capture_output=True, text=True, check=True
    )
    return int(json.loads(run.stdout)[0])
