"""Compare with other frameworks: `python -m benchmarks`.

    python -m benchmarks --only mlp,convnet --peers torch --threads 1 --seconds 1
    python -m benchmarks --python /path/to/python --also startup,kernels --json run1.json
    python -m benchmarks.page run1.json run2.json --write docs

Every contender is a process of its own; they take turns. Figures are our time divided by the peer's. `fit` is one epoch
of `fit` (PyTorch: the loop that its users write, over shuffled batches), `train` are steps of a loop of one's own on
one batch, `predict` and `infer` the same for outputs. `eagerflow-fast` is eagerflow with compiled kernels and captured
steps.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.aims import COMPILED, PLAIN, aims_tables
from benchmarks.machine import DEVICE, HELD, clean_environment, described, fill_kernels
from benchmarks.page import write_page
from benchmarks.report import failures, memory_table, ratio_table, startup_table, times_table
from benchmarks.rotation import KINDS, PATIENCE, PEERS, rotate
from benchmarks.runs import FAST, OURS, Run
from benchmarks.startup import measure_startup
from benchmarks.workloads.data import WORKLOADS

_MODULES = {
    "eagerflow-fast": "numba",
    "torch": "torch",
    "torch-compile": "torch",
    "keras-torch": "keras, torch",
    "keras-jax": "keras, jax",
    "keras-tensorflow": "keras, tensorflow",
}

ROOT = Path(__file__).parents[1]
_KERNELS = ["-m", "benchmarks.kernels", "--torch", "TORCH", "--seconds", "0.3", "--json", "JSON", "--threads"]
# Other benchmarks; TORCH stands for PyTorch's interpreter, JSON for a file that takes the figures.
_ALSO = {
    "startup": [],  # measured here
    "kernels": [*_KERNELS, "1"],
    "kernels-all": [*_KERNELS, "0"],
    "busy": ["-m", "benchmarks.loaded", "--python", "TORCH", "--json", "JSON"],
    "applications": ["-m", "benchmarks.applications", "--python", "TORCH", "--json", "JSON"],
    "ops": ["benchmarks/per_op.py"],
    "recording": ["benchmarks/trace_overhead.py"],
    "floors": ["-m", "benchmarks.floors"],
    "growth": ["-m", "benchmarks.growth"],
    "larger": ["-m", "benchmarks.larger_than_memory"],
}
_ALL = [name for name in _ALSO if name != "larger"]  # which writes many gigabytes


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", type=_names(WORKLOADS), default=list(WORKLOADS), help='workloads, with commas between; "": none')
    add("--peers", type=_names(PEERS), default=list(PEERS[1:]), help="peers, with commas between")
    add("--kinds", type=_names(KINDS), default=list(KINDS), help=f"of {', '.join(KINDS)}")
    add("--threads", choices=("1", "all", "both"), default="both", help="one core, all of them, or both in turn")
    add(
        "--seconds",
        type=float,
        default=0.5,
        help="for each kind of each contender of a workload, which has at least five samples of it (default 0.5)",
    )
    add(
        "--patience",
        type=float,
        default=PATIENCE,
        help=f"seconds to wait for an answer; who takes longer is left out of a workload (default {PATIENCE:g})",
    )
    add("--python", action="append", default=[], metavar="[PEER=]PATH", help="interpreter of a peer, or of all")
    add(
        "--also",
        type=_names([*_ALSO, "all"]),
        default=[],
        help=f"other benchmarks: {', '.join(_ALSO)}; all: without the last",
    )
    add("--write", type=Path, metavar="DOCS", help="also write benchmarks.md there")
    add("--held-to", choices=("avx2",), help="hold every framework to these instructions")
    add("--device", choices=("cpu", "gpu"), default="cpu", help="where every framework computes, in float32")
    add("--json", type=Path, help="also write all figures, for `python -m benchmarks.page`")
    return parser.parse_args()


def _names(known: Any) -> Any:
    def parse(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return chosen

    return parse


def interpreters(given: list[str], peers: list[str]) -> dict[str, str]:
    """Who runs in which interpreter; peers that it doesn't have are left out."""
    chosen = dict.fromkeys(("eagerflow", *peers), sys.executable)
    for entry in given:
        peer, equals, path = entry.rpartition("=")
        chosen.update({peer: path} if equals else dict.fromkeys(chosen, path))
    return {
        peer: path
        for peer, path in chosen.items()
        if peer in ("eagerflow", *peers) and (peer == "eagerflow" or _has(path, peer))
    }


def _has(python: str, peer: str) -> bool:
    code = f"import importlib.util as u; [u.find_spec(m) or exit(1) for m in {_MODULES[peer].split(', ')!r}]"
    found = subprocess.run([python, "-c", code], check=False).returncode == 0
    if not found:
        print(f"{peer}: not installed")
    return found


def main() -> None:
    chosen, started = options(), perf_counter()
    if chosen.held_to:
        os.environ[HELD] = chosen.held_to  # which contenders inherit
    if chosen.device == "gpu":
        os.environ[DEVICE], chosen.threads = "gpu", "all"
    pythons = interpreters(chosen.python, chosen.peers)
    if FAST in pythons and chosen.device == "cpu":
        fill_kernels(pythons[FAST], ROOT)
    run = Run(described(pythons[OURS]))
    print("\n".join(f"{key:12} {value}" for key, value in run.about.items()), flush=True)
    for title in {"1": ["one core"], "all": ["all cores"], "both": ["one core", "all cores"]}[chosen.threads]:
        for name in chosen.only:
            _compare(run, title, name, pythons, chosen)
            _write(run, chosen)
    for name in _ALL if "all" in chosen.also else chosen.also:
        print(f"\n{name}", flush=True)
        if name == "startup":
            run.startup = measure_startup({p: path for p, path in pythons.items() if p not in ("torch-compile", FAST)})
        else:
            run.also[name] = run_other(name, pythons)
            print(run.also[name]["text"], flush=True)
        _write(run, chosen)
    show(run)
    print(f"all of it took {(perf_counter() - started) / 60:.0f} minutes")


def _compare(run: Run, title: str, name: str, pythons: dict[str, str], chosen: argparse.Namespace) -> None:
    """Measure one workload. It is written at once: an interruption loses little."""
    began, threads = perf_counter(), 1 if title == "one core" else None
    found = rotate(WORKLOADS[name], pythons, threads, chosen.seconds, chosen.kinds, chosen.patience)
    run.results.setdefault(title, {})[name] = found
    print(f"\n{title}, {perf_counter() - began:.0f} s")
    for told, each in views(Run({}, {title: {name: found}})):
        print(told + ratio_table([each.results[title]], each.peers()))
    print("\n".join(failures({name: found})), flush=True)


def views(run: Run) -> Iterator[tuple[str, Run]]:
    """The run as it is, and with compiled kernels and captured steps in our place where that was measured."""
    yield "", run
    if fast := run.as_fast():
        yield "with compiled kernels and captured steps\n", fast


def show(run: Run) -> None:
    """Print all tables."""
    for told, each in views(run):
        everybody = [OURS, *each.peers()]
        for title, found in each.results.items():
            print(f"\n{told}{title}\n{ratio_table([found], each.peers())}\n\n{times_table([found], everybody)}")
            print(f"\n{memory_table([found], everybody)}\n" + "\n".join(failures(found)))
        print("\n".join(aims_tables([each], COMPILED if told else PLAIN)))
    if run.startup:
        print(startup_table([run.startup]))


def _write(run: Run, chosen: argparse.Namespace) -> None:
    if chosen.json:
        run.save(chosen.json)
    if chosen.write:
        write_page([run], chosen.write)


def run_other(name: str, pythons: dict[str, str]) -> dict[str, Any]:
    """What another benchmark prints, and its figures if it writes them."""
    torch = pythons.get("torch", sys.executable)
    fast = ["--fast"] if FAST in pythons and name.startswith("kernels") else []
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        stand_for = {"TORCH": torch, "JSON": str(figures)}
        run = subprocess.run(
            [pythons[OURS], *[stand_for.get(part, part) for part in _ALSO[name]], *fast],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        text = run.stdout if not run.returncode else "\n".join(run.stderr.strip().splitlines()[-1:])
        found = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else None
    return {"text": text, "figures": found}


if __name__ == "__main__":
    main()
